"""Queries over test windows and the alarms they marked."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.detection import AlarmSource
from alarms.lifecycle import AlarmState
from alarms.models import Alarm, AlarmEpisode, Inhibition, InhibitionKind, TestWindow
from kit.access import Scope
from kit.clock import from_ms, to_ms


async def get(session: AsyncSession, scope: Scope, window_id: UUID) -> TestWindow | None:
    """As it is now, whatever the session knows of it."""
    query = select(TestWindow).where(TestWindow.id == window_id, scope.where(TestWindow.site_id))
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def hold(session: AsyncSession, scope: Scope, window_id: UUID) -> TestWindow | None:
    """Its row held, so that two do not begin, end or sign it at once."""
    query = select(TestWindow).where(TestWindow.id == window_id, scope.where(TestWindow.site_id))
    return (await session.scalars(query.with_for_update(key_share=True))).one_or_none()


async def find(
    session: AsyncSession, scope: Scope, *, site_id: UUID | None, unsigned_at: datetime | None, limit: int, offset: int
) -> tuple[Sequence[TestWindow], int]:
    """The newest first, and how many there are; with `unsigned_at` those that were over then and wait for somebody to
    sign them off."""
    where = [scope.where(TestWindow.site_id)]
    if unsigned_at is not None:
        where += [TestWindow.began_at.is_not(None), TestWindow.signed_at.is_(None)]
        where.append(TestWindow.ended_at.is_not(None) | (TestWindow.until <= unsigned_at))
    if site_id is not None:
        where.append(TestWindow.site_id == site_id)
    query = select(TestWindow).where(*where).order_by(TestWindow.asked_at.desc(), TestWindow.id.desc())
    rows = (await session.scalars(query.limit(limit).offset(offset))).all()
    return rows, await session.scalar(select(func.count()).select_from(TestWindow).where(*where)) or 0


async def hold_running(session: AsyncSession, *, site_id: UUID, now: datetime) -> Sequence[TestWindow]:
    query = select(TestWindow).where(
        TestWindow.site_id == site_id, TestWindow.ended_at.is_(None), TestWindow.until > now
    )
    held = query.order_by(TestWindow.id).with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await session.scalars(held)).all()


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


async def hold_alarm(session: AsyncSession, alarm: Alarm) -> None:
    """Its row held, and read anew."""
    await session.refresh(alarm, with_for_update={"key_share": True})


async def marked_without_test(
    session: AsyncSession, *, site_id: UUID | None, only_life_safety: bool, now: datetime, limit: int
) -> Sequence[Alarm]:
    """Open alarms marked as tests whose equipment is not on test any more, held; None: at every site. What somebody
    else is changing is left out: the sweep finds it, and a button pressed in a fire waits for nobody."""
    covering = exists().where(
        Inhibition.equipment_id == Alarm.equipment_id,
        Inhibition.kind == InhibitionKind.TESTING,
        Inhibition.released_at.is_(None),
        Inhibition.until > now,
    )
    query = select(Alarm).where(Alarm.is_test, Alarm.state != AlarmState.NORMAL, Alarm.is_present, ~covering)
    if site_id is not None:
        query = query.where(Alarm.site_id == site_id)
    if only_life_safety:
        query = query.where(Alarm.life_safety)
    first = query.order_by(Alarm.life_safety.desc(), Alarm.id).limit(limit)
    return (await session.scalars(first.with_for_update(key_share=True, skip_locked=True))).all()


async def returned_tests(session: AsyncSession, equipment_ids: Collection[UUID], *, since: datetime) -> Sequence[Alarm]:
    """Tests of these devices that began since then, are gone, and still ask for somebody; held."""
    query = select(Alarm).where(
        Alarm.equipment_id.in_(equipment_ids),
        Alarm.is_test,
        Alarm.state == AlarmState.RTN_UNACKED,
        Alarm.episode_onset_at >= since,
    )
    return (await session.scalars(query.order_by(Alarm.id).with_for_update(key_share=True))).all()


async def first_heard(
    session: AsyncSession, equipment_ids: Collection[UUID], *, since: datetime, until: datetime
) -> dict[UUID, datetime]:
    """When each of these said something first in that time. That its link was lost is not its word."""
    query = (
        select(AlarmEpisode.equipment_id, func.min(AlarmEpisode.onset_ms))
        .where(AlarmEpisode.equipment_id.in_(equipment_ids), AlarmEpisode.source != AlarmSource.LINK)
        .where(AlarmEpisode.onset_ms >= to_ms(since), AlarmEpisode.onset_ms < to_ms(until))
        .group_by(AlarmEpisode.equipment_id)
    )
    return {row[0]: from_ms(row[1]) for row in await session.execute(query)}
