"""The queries of the stock room."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from stock.models import Part, StockLevel, StockMovement, Storehouse

LevelRow = tuple[StockLevel, Storehouse, Part]
OrderSum = tuple[UUID, Decimal, Decimal, Decimal, Part]


@dataclass(frozen=True)
class LevelFilter:
    """None leaves a field open. `is_low`: less available than the minimum."""

    site_id: UUID | None = None
    storehouse_id: UUID | None = None
    part_id: UUID | None = None
    is_low: bool | None = None
    words: str | None = None


@dataclass(frozen=True)
class MovementFilter:
    storehouse_id: UUID | None = None
    part_id: UUID | None = None
    work_order_id: UUID | None = None


async def storehouse(session: AsyncSession, scope: Scope, storehouse_id: UUID) -> Storehouse | None:
    return await session.scalar(
        select(Storehouse).where(Storehouse.id == storehouse_id, scope.where(Storehouse.site_id))
    )


async def storehouses(session: AsyncSession, scope: Scope, site_id: UUID | None) -> Sequence[Storehouse]:
    query = select(Storehouse).where(scope.where(Storehouse.site_id)).order_by(Storehouse.code)
    return (await session.scalars(query if site_id is None else query.where(Storehouse.site_id == site_id))).all()


async def storehouse_by_code(session: AsyncSession, site_id: UUID, code: str) -> Storehouse | None:
    return await session.scalar(select(Storehouse).where(Storehouse.site_id == site_id, Storehouse.code == code))


async def part(session: AsyncSession, scope: Scope, part_id: UUID) -> Part | None:
    return await session.scalar(select(Part).where(Part.id == part_id, scope.where(Part.site_id)))


async def part_by_code(session: AsyncSession, site_id: UUID, code: str) -> Part | None:
    return await session.scalar(select(Part).where(Part.site_id == site_id, Part.code == code))


async def parts_of_site(session: AsyncSession, site_id: UUID) -> Sequence[Part]:
    return (await session.scalars(select(Part).where(Part.site_id == site_id).order_by(Part.code))).all()


async def find_parts(
    session: AsyncSession, scope: Scope, *, site_id: UUID | None, words: str | None, limit: int, offset: int
) -> tuple[Sequence[Part], int]:
    query = select(Part).where(scope.where(Part.site_id))
    if site_id is not None:
        query = query.where(Part.site_id == site_id)
    if words:
        query = query.where(
            or_(Part.code.icontains(words, autoescape=True), Part.name.icontains(words, autoescape=True))
        )
    total = await session.scalar(select(func.count()).select_from(query.subquery())) or 0
    found = await session.scalars(query.order_by(Part.code, Part.id).limit(limit).offset(offset))
    return found.all(), total


async def lock_level(session: AsyncSession, storehouse: Storehouse, part_id: UUID) -> StockLevel:
    """The row of a part in a storehouse, held: whoever else moves it waits. Made when it is the first time."""
    await session.execute(
        insert(StockLevel)
        .values(storehouse_id=storehouse.id, part_id=part_id, site_id=storehouse.site_id)
        .on_conflict_do_nothing()
    )
    found = await session.scalars(
        select(StockLevel)
        .where(StockLevel.storehouse_id == storehouse.id, StockLevel.part_id == part_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.one()


async def find_levels(
    session: AsyncSession, scope: Scope, wanted: LevelFilter, *, limit: int, offset: int
) -> tuple[Sequence[LevelRow], int]:
    query = _levels(scope)
    if wanted.site_id is not None:
        query = query.where(StockLevel.site_id == wanted.site_id)
    if wanted.storehouse_id is not None:
        query = query.where(StockLevel.storehouse_id == wanted.storehouse_id)
    if wanted.part_id is not None:
        query = query.where(StockLevel.part_id == wanted.part_id)
    if wanted.is_low is not None:
        low = StockLevel.on_hand - StockLevel.reserved < StockLevel.minimum
        query = query.where(low if wanted.is_low else ~low)
    if wanted.words:
        words = wanted.words
        query = query.where(
            or_(Part.code.icontains(words, autoescape=True), Part.name.icontains(words, autoescape=True))
        )
    total = await session.scalar(
        select(func.count()).select_from(query.with_only_columns(StockLevel.part_id).subquery())
    )
    found = await session.execute(query.order_by(Storehouse.code, Part.code).limit(limit).offset(offset))
    return [(level, house, part) for level, house, part in found], total or 0


async def level(session: AsyncSession, scope: Scope, *, storehouse_id: UUID, part_id: UUID) -> LevelRow | None:
    found = await session.execute(
        _levels(scope).where(StockLevel.storehouse_id == storehouse_id, StockLevel.part_id == part_id)
    )
    row = found.one_or_none()
    return None if row is None else (row[0], row[1], row[2])


async def find_movements(
    session: AsyncSession, scope: Scope, wanted: MovementFilter, *, limit: int, offset: int
) -> tuple[Sequence[StockMovement], int]:
    """Newest first."""
    query = select(StockMovement).where(scope.where(StockMovement.site_id))
    if wanted.storehouse_id is not None:
        query = query.where(StockMovement.storehouse_id == wanted.storehouse_id)
    if wanted.part_id is not None:
        query = query.where(StockMovement.part_id == wanted.part_id)
    if wanted.work_order_id is not None:
        query = query.where(StockMovement.work_order_id == wanted.work_order_id)
    total = await session.scalar(select(func.count()).select_from(query.subquery())) or 0
    found = await session.scalars(query.order_by(StockMovement.id.desc()).limit(limit).offset(offset))
    return found.all(), total


async def order_sums(
    session: AsyncSession, work_order_id: UUID, *, storehouse_id: UUID | None = None, part_id: UUID | None = None
) -> list[OrderSum]:
    """A row a part and storehouse: what an order holds, took, and what that cost."""
    query = (
        select(
            StockMovement.storehouse_id,
            func.sum(StockMovement.reserved_change),
            -func.sum(StockMovement.on_hand_change),
            -func.sum(StockMovement.value_change),
            Part,
        )
        .join(Part, Part.id == StockMovement.part_id)
        .where(StockMovement.work_order_id == work_order_id)
        .group_by(StockMovement.storehouse_id, Part.id)
        .order_by(Part.code, StockMovement.storehouse_id)
    )
    if storehouse_id is not None:
        query = query.where(StockMovement.storehouse_id == storehouse_id)
    if part_id is not None:
        query = query.where(StockMovement.part_id == part_id)
    found = await session.execute(query)
    return [(house_id, held, used, value, part) for house_id, held, used, value, part in found]


def _levels(scope: Scope) -> Any:
    return (
        select(StockLevel, Storehouse, Part)
        .join(Storehouse, Storehouse.id == StockLevel.storehouse_id)
        .join(Part, Part.id == StockLevel.part_id)
        .where(scope.where(StockLevel.site_id))
    )
