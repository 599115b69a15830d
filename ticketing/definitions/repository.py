"""The queries of kinds and flows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.definitions.models import FlowVersion, OrderKindVersion

Table = type[OrderKindVersion] | type[FlowVersion]
Row = OrderKindVersion | FlowVersion


async def latest(session: AsyncSession, table: Table, code: str) -> Row | None:
    query = select(table).where(table.code == code).order_by(table.version.desc()).limit(1)
    found: Row | None = await session.scalar(query)
    return found


async def version(session: AsyncSession, table: Table, *, code: str, version: int) -> Row | None:
    found: Row | None = await session.scalar(select(table).where(table.code == code, table.version == version))
    return found


async def versions(session: AsyncSession, table: Table, code: str) -> list[Row]:
    """Newest first."""
    return list(await session.scalars(select(table).where(table.code == code).order_by(table.version.desc())))


async def codes(session: AsyncSession, table: Table) -> list[str]:
    return list(await session.scalars(select(table.code).distinct()))


async def lock(session: AsyncSession, table: Table, code: str) -> None:
    """Lets one editor of a document at a time past here, until the transaction ends."""
    name = {"name": f"{table.__tablename__}/{code}"}
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), name)


async def save(
    session: AsyncSession, table: Table, *, code: str, version: int, document: Mapping[str, Any], at: datetime,
    by: UUID | None,
) -> None:  # fmt: skip
    """Writes a version down; one that is there already stays as it is."""
    row = {"code": code, "version": version, "document": dict(document), "saved_at": at, "saved_by": by}
    await session.execute(insert(table).values(**row).on_conflict_do_nothing())
