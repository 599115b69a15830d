"""Queries over rules and judge positions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from kit.access import Scope
from rules.models import JudgePosition, RuleBookRow, RuleRow

SORTS: Mapping[str, InstrumentedAttribute[Any]] = {"key": RuleRow.key, "updated_at": RuleRow.updated_at}


def _visible(scope: Scope) -> ColumnElement[bool]:
    """Rules for every site are everybody's to read."""
    return or_(RuleRow.site_id.is_(None), scope.where(RuleRow.site_id))


async def get(session: AsyncSession, scope: Scope, key: str, *, for_update: bool = False) -> RuleRow | None:
    query = select(RuleRow).where(RuleRow.key == key, _visible(scope))
    return (await session.scalars(query.with_for_update() if for_update else query)).one_or_none()


async def find(
    session: AsyncSession,
    scope: Scope,
    *,
    profile: str | None,
    kind: str | None,
    enabled: bool | None,
    life_safety: bool | None,
    sort: str,
    limit: int,
    offset: int,
) -> tuple[Sequence[RuleRow], int]:
    where = [_visible(scope)]
    if profile is not None:
        where.append(RuleRow.definition["profile"].astext == profile)
    if kind is not None:
        where.append(RuleRow.definition["kind"].astext == kind)
    if enabled is not None:
        where.append(RuleRow.enabled.is_(enabled))
    if life_safety is not None:
        where.append(RuleRow.definition["life_safety"].as_boolean().is_(life_safety))
    total = await session.scalar(select(func.count()).select_from(RuleRow).where(*where))
    column = SORTS[sort.removeprefix("-")]
    order = column.desc() if sort.startswith("-") else column.asc()
    page = select(RuleRow).where(*where).order_by(order, RuleRow.key).limit(limit).offset(offset)
    return (await session.scalars(page)).all(), total or 0


async def keys(session: AsyncSession) -> Mapping[str, RuleRow]:
    return {row.key: row for row in await session.scalars(select(RuleRow))}


async def enabled_rules(session: AsyncSession) -> Sequence[RuleRow]:
    return (await session.scalars(select(RuleRow).where(RuleRow.enabled).order_by(RuleRow.key))).all()


async def revision(session: AsyncSession) -> int:
    return await session.scalar(select(RuleBookRow.revision)) or 0


async def bump_revision(session: AsyncSession) -> None:
    first = insert(RuleBookRow).values(id=1, revision=1)
    await session.execute(
        first.on_conflict_do_update(index_elements=[RuleBookRow.id], set_={"revision": RuleBookRow.revision + 1})
    )


async def positions(session: AsyncSession, partition: int) -> Mapping[bool, JudgePosition]:
    """The positions of a partition by line (life safety or not)."""
    rows = await session.scalars(select(JudgePosition).where(JudgePosition.partition == partition))
    return {row.life_safety: row for row in rows}


async def save_position(
    session: AsyncSession, *, partition: int, life_safety: bool, sequence: int, at: datetime
) -> None:
    """Positions grow, except when the bus began anew; only the owner of the partition's lease writes here."""
    row = insert(JudgePosition).values(partition=partition, life_safety=life_safety, sequence=sequence, at=at)
    await session.execute(
        row.on_conflict_do_update(
            index_elements=[JudgePosition.partition, JudgePosition.life_safety],
            set_={"sequence": row.excluded.sequence, "at": row.excluded.at},
        )
    )
