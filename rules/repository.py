"""Queries over rules and judge positions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from kit.access import Scope
from kit.db import driver_connection
from kit.rows import fetch
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


async def by_key(session: AsyncSession) -> Mapping[str, RuleRow]:
    return {row.key: row for row in await session.scalars(select(RuleRow))}


async def enabled_rules(session: AsyncSession) -> Sequence[RuleRow]:
    return (await session.scalars(select(RuleRow).where(RuleRow.enabled).order_by(RuleRow.key))).all()


async def revision(session: AsyncSession) -> int:
    return await session.scalar(select(RuleBookRow.revision)) or 0


async def hold_book(session: AsyncSession) -> None:
    """Whoever changes rules or their versions takes turns: the book is held until the transaction ends."""
    await session.execute(insert(RuleBookRow).values(id=1, revision=0).on_conflict_do_nothing())
    await session.execute(select(RuleBookRow.revision).with_for_update())


async def bump_revision(session: AsyncSession) -> None:
    first = insert(RuleBookRow).values(id=1, revision=1)
    await session.execute(
        first.on_conflict_do_update(index_elements=[RuleBookRow.id], set_={"revision": RuleBookRow.revision + 1})
    )


async def positions(session: AsyncSession, partition: int) -> Mapping[bool, JudgePosition]:
    """The positions of a partition by line (life safety or not)."""
    rows = await session.scalars(select(JudgePosition).where(JudgePosition.partition == partition))
    return {row.life_safety: row for row in rows}


async def all_positions(session: AsyncSession) -> Mapping[tuple[int, bool], int]:
    """The sequence by (partition, life safety or not)."""
    rows = await session.execute(select(JudgePosition.partition, JudgePosition.life_safety, JudgePosition.sequence))
    return {(partition, life_safety): sequence for partition, life_safety, sequence in rows}


async def begin_sequences_anew(session: AsyncSession) -> None:
    """For a bus that starts empty: whatever it will have is new, and what was judged before stays judged."""
    await session.execute(update(JudgePosition).values(sequence=0))


async def save_positions(
    session: AsyncSession, sequences: Mapping[int, int], *, life_safety: bool, at: datetime
) -> None:
    """Positions grow, except when the bus began anew; only the owner of a partition's lease writes here."""
    await fetch(
        await driver_connection(session),
        b"INSERT INTO judge_position (partition, life_safety, sequence, at)"
        b" SELECT partition, %s, sequence, %s FROM unnest(%s::int[], %s::bigint[]) AS reached (partition, sequence)"
        b" ON CONFLICT (partition, life_safety) DO UPDATE SET sequence = excluded.sequence, at = excluded.at",
        life_safety, at, list(sequences), list(sequences.values()),
    )  # fmt: skip
