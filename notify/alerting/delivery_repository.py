"""Queries on destinations and on what is delivered to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.versions import held
from notify.alerting.models import AlertDelivery, AlertDestination
from notify.policy import FINAL, State


async def destination_ids(session: AsyncSession, site_id: UUID) -> set[UUID]:
    return set((await session.scalars(select(AlertDestination.id).where(AlertDestination.site_id == site_id))).all())


async def destination_by_id(session: AsyncSession, destination_id: UUID) -> AlertDestination | None:
    """For the hub's own work: the id comes from a policy that was checked."""
    return await session.get(AlertDestination, destination_id)


async def destination(
    session: AsyncSession, scope: Scope, destination_id: UUID, *, for_update: bool = False
) -> AlertDestination | None:
    wanted = select(AlertDestination).where(
        AlertDestination.id == destination_id, scope.where(AlertDestination.site_id)
    )
    return await session.scalar(held(wanted) if for_update else wanted)


async def destinations(session: AsyncSession, scope: Scope, site_id: UUID | None) -> Sequence[AlertDestination]:
    """By name."""
    wanted = select(AlertDestination).where(scope.where(AlertDestination.site_id))
    if site_id is not None:
        wanted = wanted.where(AlertDestination.site_id == site_id)
    return (await session.scalars(wanted.order_by(AlertDestination.name, AlertDestination.id))).all()


async def is_name_taken(session: AsyncSession, *, site_id: UUID, name: str, but: UUID | None) -> bool:
    wanted = select(AlertDestination.id).where(AlertDestination.site_id == site_id, AlertDestination.name == name)
    found = (await session.scalars(wanted)).all()
    return any(one != but for one in found)


async def add_delivery(session: AsyncSession, **values: Any) -> UUID | None:
    """The new row's id; None when this destination has been told this already."""
    statement = insert(AlertDelivery).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=["key", "destination_id"])
    return (await session.execute(statement.returning(AlertDelivery.id))).scalar_one_or_none()


async def claim(session: AsyncSession, delivery_id: UUID, *, now: datetime) -> AlertDelivery | None:
    """Takes a due row for one attempt; None when it is taken, finished or not due."""
    statement = (
        update(AlertDelivery)
        .where(AlertDelivery.id == delivery_id, AlertDelivery.state == State.QUEUED, AlertDelivery.due_at <= now)
        .values(state=State.SENDING, claimed_at=now, attempts=AlertDelivery.attempts + 1)
        .returning(AlertDelivery)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def settle(session: AsyncSession, delivery_id: UUID, **values: Any) -> bool:
    """Writes what an attempt came to; False when it was settled meanwhile."""
    statement = (
        update(AlertDelivery)
        .where(AlertDelivery.id == delivery_id, AlertDelivery.state == State.SENDING)
        .values(claimed_at=None, deferred_at=None, **values)
        .returning(AlertDelivery.id)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def take_due(
    session: AsyncSession, *, now: datetime, deferred_before: datetime, limit: int
) -> list[tuple[UUID, str]]:
    """(id, urgency) of rows whose time has come and for which no job was asked lately; they count as asked now."""
    due = (
        select(AlertDelivery.id)
        .where(
            AlertDelivery.state == State.QUEUED,
            AlertDelivery.due_at <= now,
            AlertDelivery.deferred_at.is_(None) | (AlertDelivery.deferred_at < deferred_before),
        )
        .order_by(AlertDelivery.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = update(AlertDelivery).where(AlertDelivery.id.in_(due)).values(deferred_at=now)
    rows = await session.execute(statement.returning(AlertDelivery.id, AlertDelivery.urgency))
    return [(row.id, row.urgency) for row in rows]


async def interrupted(session: AsyncSession, *, claimed_before: datetime, limit: int) -> Sequence[AlertDelivery]:
    """Rows whose attempt began long ago and never ended: its process died."""
    statement = (
        select(AlertDelivery)
        .where(AlertDelivery.state == State.SENDING, AlertDelivery.claimed_at < claimed_before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(statement)).all()


async def deliveries(
    session: AsyncSession, scope: Scope, destination_id: UUID, *, limit: int, offset: int
) -> tuple[Sequence[AlertDelivery], int]:
    """To one destination, the newest first."""
    conditions = [scope.where(AlertDelivery.site_id), AlertDelivery.destination_id == destination_id]
    total = await session.scalar(select(func.count()).select_from(AlertDelivery).where(*conditions)) or 0
    newest = select(AlertDelivery).where(*conditions)
    newest = newest.order_by(AlertDelivery.created_at.desc(), AlertDelivery.id.desc())
    return (await session.scalars(newest.limit(limit).offset(offset))).all(), total


async def drop_before(session: AsyncSession, moment: datetime) -> int:
    """Deletes finished deliveries older than `moment`; how many."""
    statement = delete(AlertDelivery).where(AlertDelivery.created_at < moment, AlertDelivery.state.in_(FINAL))
    return len((await session.execute(statement.returning(AlertDelivery.id))).all())
