"""Queries of shifts and of the rotas they come from."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.sorting import order_by
from kit.access import Scope
from people.models import Person, Rota, Shift

_ROWS_A_STATEMENT = 1_000  # six values each; PostgreSQL takes 65,535 a statement

_SORT = {"starts_at": Shift.starts_at, "ends_at": Shift.ends_at, "person": Person.name, "duty": Shift.duty}


async def on_shift(session: AsyncSession, *, site_id: UUID, at: datetime, duty: str | None = None) -> Sequence[Any]:
    """(person, duty, end) of everybody on shift at that instant. A shift holds its start and not its end."""
    conditions = [Shift.site_id == site_id, Shift.starts_at <= at, Shift.ends_at > at, Person.is_active]
    if duty is not None:
        conditions.append(Shift.duty == duty)
    statement = select(Person, Shift.duty, Shift.ends_at).join(Shift, Shift.person_id == Person.id).where(*conditions)
    return (await session.execute(statement.order_by(Shift.starts_at, Person.id))).all()


async def shift(session: AsyncSession, scope: Scope, shift_id: UUID) -> Shift | None:
    return await session.scalar(select(Shift).where(Shift.id == shift_id, scope.where(Shift.site_id)))


async def find(
    session: AsyncSession,
    scope: Scope,
    *,
    site_id: UUID | None,
    person_id: UUID | None,
    duty: str | None,
    start: datetime | None,
    end: datetime | None,
    sort: str,
    limit: int,
    offset: int,
) -> tuple[Sequence[Any], int]:
    """(shift, person's name) of shifts that touch [start, end), and how many match."""
    conditions: list[ColumnElement[bool]] = [scope.where(Shift.site_id)]
    conditions += [] if site_id is None else [Shift.site_id == site_id]
    conditions += [] if person_id is None else [Shift.person_id == person_id]
    conditions += [] if duty is None else [Shift.duty == duty]
    conditions += [] if start is None else [Shift.ends_at > start]
    conditions += [] if end is None else [Shift.starts_at < end]
    total = await session.scalar(select(func.count()).select_from(Shift).where(*conditions)) or 0
    rows = select(Shift, Person.name).join(Person, Person.id == Shift.person_id).where(*conditions)
    rows = rows.order_by(order_by(sort, _SORT), Shift.id).limit(limit).offset(offset)
    return (await session.execute(rows)).all(), total


async def rotas(session: AsyncSession, scope: Scope, site_id: UUID | None = None) -> Sequence[Any]:
    """(rota, person's name) of active people."""
    conditions = [scope.where(Rota.site_id), Person.is_active]
    conditions += [] if site_id is None else [Rota.site_id == site_id]
    statement = select(Rota, Person.name).join(Person, Person.id == Rota.person_id).where(*conditions)
    return (await session.execute(statement.order_by(Rota.starts_minute, Person.name, Rota.id))).all()


async def rota(session: AsyncSession, scope: Scope, rota_id: UUID) -> Rota | None:
    return await session.scalar(select(Rota).where(Rota.id == rota_id, scope.where(Rota.site_id)))


async def add_free_shifts(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> int:
    """Adds the shifts that overlap nobody's existing one; how many that were."""
    added = 0
    for first in range(0, len(rows), _ROWS_A_STATEMENT):
        some = list(rows[first : first + _ROWS_A_STATEMENT])
        statement = insert(Shift).values(some).on_conflict_do_nothing().returning(Shift.id)
        added += len((await session.scalars(statement)).all())
    return added


async def delete_shifts_of(session: AsyncSession, *, person_id: UUID, after: datetime) -> None:
    """Takes back what somebody who leaves was to do."""
    await session.execute(
        delete(Shift)
        .where(Shift.person_id == person_id, Shift.starts_at > after)
        .execution_options(synchronize_session=False)
    )
