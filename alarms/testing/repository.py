"""Queries over test windows and the alarms they marked."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.lifecycle import AlarmState
from alarms.models import Alarm, Inhibition, InhibitionKind, TestWindow
from kit.access import Scope


async def get(session: AsyncSession, scope: Scope, window_id: UUID) -> TestWindow | None:
    """Its row held, so that two do not begin or end it at once."""
    query = select(TestWindow).where(TestWindow.id == window_id, scope.where(TestWindow.site_id))
    return (await session.scalars(query.with_for_update())).one_or_none()


async def find(
    session: AsyncSession, scope: Scope, *, site_id: UUID | None, limit: int, offset: int
) -> tuple[Sequence[TestWindow], int]:
    """The newest first, and how many there are."""
    where = [scope.where(TestWindow.site_id)]
    if site_id is not None:
        where.append(TestWindow.site_id == site_id)
    query = select(TestWindow).where(*where).order_by(TestWindow.asked_at.desc(), TestWindow.id.desc())
    rows = (await session.scalars(query.limit(limit).offset(offset))).all()
    return rows, await session.scalar(select(func.count()).select_from(TestWindow).where(*where)) or 0


async def running(session: AsyncSession, *, site_id: UUID, now: datetime) -> Sequence[TestWindow]:
    query = select(TestWindow).where(
        TestWindow.site_id == site_id, TestWindow.ended_at.is_(None), TestWindow.until > now
    )
    return (await session.scalars(query.order_by(TestWindow.id).with_for_update(key_share=True))).all()


async def run_out(session: AsyncSession, *, now: datetime) -> Sequence[TestWindow]:
    """Begun, their time over, and nobody has written that down."""
    query = select(TestWindow).where(TestWindow.ended_at.is_(None), TestWindow.until <= now)
    held = query.order_by(TestWindow.id).with_for_update(skip_locked=True, key_share=True)
    return (await session.scalars(held)).all()


async def testing(session: AsyncSession, *, equipment_id: UUID, now: datetime) -> Sequence[TestWindow]:
    """The windows that mark alarms of an equipment now."""
    standing = (
        select(Inhibition.test_window_id)
        .where(Inhibition.equipment_id == equipment_id, Inhibition.kind == InhibitionKind.TESTING)
        .where(Inhibition.released_at.is_(None), Inhibition.until > now)
    )
    return (await session.scalars(select(TestWindow).where(TestWindow.id.in_(standing)))).all()


async def release(session: AsyncSession, window_ids: Collection[UUID], *, at: datetime) -> None:
    """Their devices are marked no more."""
    await session.execute(
        update(Inhibition)
        .where(Inhibition.test_window_id.in_(window_ids), Inhibition.released_at.is_(None))
        .values(released_at=at)
        .execution_options(synchronize_session=False)
    )


async def marked_without_test(session: AsyncSession, *, now: datetime) -> Sequence[Alarm]:
    """Open alarms marked as tests whose equipment is not on test any more, held."""
    covering = exists().where(
        Inhibition.equipment_id == Alarm.equipment_id,
        Inhibition.kind == InhibitionKind.TESTING,
        Inhibition.released_at.is_(None),
        Inhibition.until > now,
    )
    query = select(Alarm).where(Alarm.is_test, Alarm.state != AlarmState.NORMAL, Alarm.is_present, ~covering)
    return (await session.scalars(query.order_by(Alarm.id).with_for_update(key_share=True))).all()


async def returned_tests(session: AsyncSession, equipment_ids: Collection[UUID], *, since: datetime) -> Sequence[Alarm]:
    """Tests of these devices that began since then, are gone, and still ask for somebody; held."""
    query = select(Alarm).where(
        Alarm.equipment_id.in_(equipment_ids),
        Alarm.is_test,
        Alarm.state == AlarmState.RTN_UNACKED,
        Alarm.episode_onset_at >= since,
    )
    return (await session.scalars(query.order_by(Alarm.id).with_for_update(key_share=True))).all()
