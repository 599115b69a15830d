"""Queries on notifications."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from notify.models import Notification
from notify.policy import FINAL, NotifyChannel, State

SORTABLE = {"created_at": Notification.created_at, "due_at": Notification.due_at, "state": Notification.state}


@dataclass(frozen=True)
class Filter:
    """None means any."""

    site_id: UUID | None = None
    person_id: UUID | None = None
    key: str | None = None
    channel: str | None = None
    state: str | None = None
    urgency: str | None = None
    template: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        return [
            getattr(Notification, name) == value for name, value in vars(self).items() if value is not None
        ]  # fmt: skip


async def add(session: AsyncSession, **values: Any) -> UUID | None:
    """The new row's id; None when this person has been told this by this channel already."""
    statement = insert(Notification).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=["key", "person_id", "channel"])
    return (await session.execute(statement.returning(Notification.id))).scalar_one_or_none()


async def claim(session: AsyncSession, notification_id: UUID, *, now: datetime) -> Notification | None:
    """Takes a due row for one attempt; None when it is taken, stopped, finished or not due."""
    statement = (
        update(Notification)
        .where(Notification.id == notification_id, Notification.state == State.QUEUED, Notification.due_at <= now)
        .values(state=State.SENDING, claimed_at=now, attempts=Notification.attempts + 1)
        .returning(Notification)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def settle(session: AsyncSession, notification_id: UUID, **values: Any) -> bool:
    """Writes what an attempt came to; False when somebody else settled it meanwhile."""
    statement = (
        update(Notification)
        .where(Notification.id == notification_id, Notification.state == State.SENDING)
        .values(claimed_at=None, deferred_at=None, **values)
        .returning(Notification.id)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def take_due(
    session: AsyncSession, *, now: datetime, deferred_before: datetime, limit: int
) -> list[tuple[UUID, str]]:
    """(id, urgency) of rows whose time has come and for which no job was asked lately; they count as asked now."""
    due = (
        select(Notification.id)
        .where(
            Notification.state == State.QUEUED,
            Notification.due_at <= now,
            Notification.deferred_at.is_(None) | (Notification.deferred_at < deferred_before),
        )
        .order_by(Notification.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(Notification)
        .where(Notification.id.in_(due))
        .values(deferred_at=now)
        .returning(Notification.id, Notification.urgency)
    )
    return [(row.id, row.urgency) for row in await session.execute(statement)]


async def interrupted(session: AsyncSession, *, claimed_before: datetime, limit: int) -> Sequence[Notification]:
    """Rows whose attempt began long ago and never ended: its process died."""
    statement = (
        select(Notification)
        .where(Notification.state == State.SENDING, Notification.claimed_at < claimed_before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(statement)).all()


async def stop_voice(session: AsyncSession, *, key: str, person_id: UUID | None, now: datetime) -> int:
    """Stops calls not yet made whose key is `key` or begins with it; how many."""
    statement = update(Notification).where(
        Notification.key.startswith(key, autoescape=True),
        Notification.channel == NotifyChannel.VOICE,
        Notification.state == State.QUEUED,
    )
    if person_id is not None:
        statement = statement.where(Notification.person_id == person_id)
    stopped = await session.execute(statement.values(state=State.STOPPED, finished_at=now).returning(Notification.id))
    return len(stopped.all())


async def by_provider_id(session: AsyncSession, *, channel: NotifyChannel, provider_id: str) -> Notification | None:
    statement = select(Notification).where(
        Notification.channel == channel, Notification.provider_id == provider_id, Notification.provider_id != ""
    )
    return (await session.scalars(statement.with_for_update())).first()


async def page(
    session: AsyncSession, scope: Scope, *, filter: Filter, sort: str, limit: int, offset: int
) -> tuple[Sequence[Notification], int]:
    """Rows of one page and how many match in all. `sort` is one of SORTABLE, with `-` for descending."""
    conditions = [scope.where(Notification.site_id), *filter.conditions()]
    column = SORTABLE[sort.removeprefix("-")]
    order = column.desc() if sort.startswith("-") else column.asc()
    total = await session.scalar(select(func.count()).select_from(Notification).where(*conditions))
    rows = await session.scalars(
        select(Notification).where(*conditions).order_by(order, Notification.id.desc()).limit(limit).offset(offset)
    )
    return rows.all(), total or 0


async def drop_before(session: AsyncSession, moment: datetime) -> int:
    """Deletes finished notifications older than `moment`; how many."""
    statement = delete(Notification).where(Notification.created_at < moment, Notification.state.in_(FINAL))
    return len((await session.execute(statement.returning(Notification.id))).all())
