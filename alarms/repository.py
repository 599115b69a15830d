"""Queries over alarms. Floods come through here: everything takes and gives many rows a statement."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zlib import crc32

from sqlalchemy import ColumnElement, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from alarms.detection import Detection
from alarms.lifecycle import AlarmState
from alarms.models import Alarm, AlarmEpisode, Inhibition, InhibitionKind, TransitionRecord
from building.severity import Severity
from kit.access import Scope

# A condition on an equipment, and one stretch of it.
ConditionKey = tuple[UUID, str, str]
EpisodeKey = tuple[UUID, str, str, int]

# Lock classes keep ordinary floods and life safety from ever waiting for each other.
_ORDINARY_LOCKS, _LIFE_SAFETY_LOCKS = 0x5A48_0011, 0x5A48_0012
# A flood of thousands takes at most this many locks.
_LOCK_BUCKETS = 64

SORTS: Mapping[str, InstrumentedAttribute[object]] = {
    "onset_at": Alarm.onset_at,
    "raised_at": Alarm.raised_at,
    "severity": Alarm.severity_rank,
    "state": Alarm.state,
    "equipment": Alarm.equipment_code,
}


def condition_of(detection: Detection) -> ConditionKey:
    return detection.equipment_id, detection.source.value, detection.source_id


def episode_of(detection: Detection) -> EpisodeKey:
    return *condition_of(detection), detection.onset_ms


@dataclass
class OpenBook:
    """What is known of the conditions a batch of detections speaks of."""

    alarms: dict[ConditionKey, Alarm] = field(default_factory=dict)
    episodes: dict[EpisodeKey, AlarmEpisode] = field(default_factory=dict)
    inhibitions: dict[UUID, list[Inhibition]] = field(default_factory=dict)


@dataclass(frozen=True)
class AlarmFilter:
    """What a list of alarms is narrowed to; None means "any". `active` is "not NORMAL"."""

    states: Collection[AlarmState] = ()
    severities: Collection[Severity] = ()
    equipment_id: UUID | None = None
    site_id: UUID | None = None
    building_id: UUID | None = None
    fault_mode: str | None = None
    life_safety: bool | None = None
    suppressed: bool | None = None
    active: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


async def lock_conditions(session: AsyncSession, detections: Sequence[Detection]) -> None:
    """One writer at a time for each condition until the session ends.

    Taken in one order, so that two writers cannot wait for each other. The unique indexes stay the guarantee; this
    lets a race end in one alarm rather than in an error.
    """
    ordinary = {_bucket(detection) for detection in detections if not detection.life_safety}
    urgent = {_bucket(detection) for detection in detections if detection.life_safety}
    for lock_class, buckets in ((_ORDINARY_LOCKS, ordinary), (_LIFE_SAFETY_LOCKS, urgent)):
        if buckets:
            locks = "SELECT pg_advisory_xact_lock(:lock_class, bucket) FROM unnest(CAST(:buckets AS int[])) AS bucket"
            await session.execute(text(locks), {"lock_class": lock_class, "buckets": sorted(buckets)})


async def open_book(session: AsyncSession, detections: Sequence[Detection]) -> OpenBook:
    equipment_ids = list({detection.equipment_id for detection in detections})
    onsets = list({detection.onset_ms for detection in detections})
    book = OpenBook()
    alarms = select(Alarm).where(Alarm.equipment_id.in_(equipment_ids), Alarm.state != AlarmState.NORMAL)
    for alarm in await session.scalars(alarms.with_for_update()):
        book.alarms[alarm.equipment_id, alarm.source, alarm.source_id] = alarm
    episodes = select(AlarmEpisode).where(
        AlarmEpisode.equipment_id.in_(equipment_ids),
        or_(AlarmEpisode.ended_at.is_(None), AlarmEpisode.onset_ms.in_(onsets)),
    )
    for episode in await session.scalars(episodes):
        book.episodes[episode.equipment_id, episode.source, episode.source_id, episode.onset_ms] = episode
    for inhibition in await standing_inhibitions(session, equipment_ids):
        book.inhibitions.setdefault(inhibition.equipment_id, []).append(inhibition)
    return book


async def standing_inhibitions(session: AsyncSession, equipment_ids: Collection[UUID]) -> Sequence[Inhibition]:
    """Inhibitions nobody released; the caller looks at their `until`."""
    standing = Inhibition.equipment_id.in_(equipment_ids) & Inhibition.released_at.is_(None)
    return (await session.scalars(select(Inhibition).where(standing))).all()


async def standing_shelves(session: AsyncSession, alarm: Alarm) -> Sequence[Inhibition]:
    """Shelves of the alarm's condition that nobody took it off from."""
    query = select(Inhibition).where(
        Inhibition.equipment_id == alarm.equipment_id,
        Inhibition.released_at.is_(None),
        Inhibition.kind == InhibitionKind.SHELVED,
        Inhibition.source == alarm.source,
        Inhibition.source_id == alarm.source_id,
    )
    return (await session.scalars(query)).all()


async def release_expired(session: AsyncSession, *, now: datetime) -> None:
    """Ends inhibitions and shelves whose time is over, so that those that stand stay few."""
    await session.execute(
        update(Inhibition)
        .where(Inhibition.released_at.is_(None), Inhibition.until <= now)
        .values(released_at=Inhibition.until)
        .execution_options(synchronize_session=False)
    )


async def lasting_episodes(
    session: AsyncSession, *, source: str, life_safety: bool, equipment_ids: Collection[UUID]
) -> list[EpisodeKey]:
    lasting = (
        select(AlarmEpisode)
        .join(Alarm, Alarm.id == AlarmEpisode.alarm_id)
        .where(
            AlarmEpisode.equipment_id.in_(equipment_ids),
            AlarmEpisode.source == source,
            AlarmEpisode.ended_at.is_(None),
            Alarm.life_safety.is_(life_safety),
        )
    )
    return [(row.equipment_id, row.source, row.source_id, row.onset_ms) for row in await session.scalars(lasting)]


async def get(session: AsyncSession, scope: Scope, alarm_id: UUID, *, for_update: bool = False) -> Alarm | None:
    query = select(Alarm).where(Alarm.id == alarm_id, scope.where(Alarm.site_id))
    return (await session.scalars(query.with_for_update() if for_update else query)).one_or_none()


async def find(
    session: AsyncSession, scope: Scope, wanted: AlarmFilter, *, sort: str, limit: int, offset: int
) -> tuple[Sequence[Alarm], int]:
    """A page of alarms and how many match in all. `sort` is a key of SORTS, with `-` before it for descending."""
    where = _where(scope, wanted)
    total = await session.scalar(select(func.count()).select_from(Alarm).where(*where))
    column = SORTS[sort.removeprefix("-")]
    order = column.desc() if sort.startswith("-") else column.asc()
    page = select(Alarm).where(*where).order_by(order, Alarm.id.desc()).limit(limit).offset(offset)
    return (await session.scalars(page)).all(), total or 0


async def history(session: AsyncSession, alarm_id: UUID) -> Sequence[TransitionRecord]:
    query = select(TransitionRecord).where(TransitionRecord.alarm_id == alarm_id).order_by(TransitionRecord.no)
    return (await session.scalars(query)).all()


async def suppressed_alarms(session: AsyncSession, *, limit: int) -> Sequence[Alarm]:
    query = select(Alarm).where(Alarm.suppressed_by.is_not(None), Alarm.state != AlarmState.NORMAL)
    return (await session.scalars(query.limit(limit).with_for_update(skip_locked=True))).all()


async def unpublished(
    session: AsyncSession, *, recorded_before: datetime, limit: int
) -> list[tuple[Alarm, TransitionRecord]]:
    query = (
        select(Alarm, TransitionRecord)
        .join(TransitionRecord, TransitionRecord.alarm_id == Alarm.id)
        .where(TransitionRecord.published_at.is_(None), TransitionRecord.recorded_at < recorded_before)
        .order_by(TransitionRecord.no)
        .limit(limit)
        .with_for_update(of=TransitionRecord, skip_locked=True)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def mark_published(session: AsyncSession, transition_ids: Collection[UUID], *, at: datetime) -> None:
    await session.execute(
        update(TransitionRecord)
        .where(TransitionRecord.id.in_(transition_ids))
        .values(published_at=at)
        .execution_options(synchronize_session=False)
    )


def _bucket(detection: Detection) -> int:
    return crc32(repr(condition_of(detection)).encode()) % _LOCK_BUCKETS


def _where(scope: Scope, wanted: AlarmFilter) -> list[ColumnElement[bool]]:
    exact = {
        Alarm.equipment_id: wanted.equipment_id,
        Alarm.site_id: wanted.site_id,
        Alarm.building_id: wanted.building_id,
        Alarm.fault_mode: wanted.fault_mode,
        Alarm.life_safety: wanted.life_safety,
    }
    where = [scope.where(Alarm.site_id), *(column == value for column, value in exact.items() if value is not None)]
    if wanted.states:
        where.append(Alarm.state.in_([state.value for state in wanted.states]))
    if wanted.severities:
        where.append(Alarm.severity.in_([severity.value for severity in wanted.severities]))
    if wanted.suppressed is not None:
        where.append(Alarm.suppressed_by.is_not(None) if wanted.suppressed else Alarm.suppressed_by.is_(None))
    if wanted.active is not None:
        where.append(Alarm.state != AlarmState.NORMAL if wanted.active else Alarm.state == AlarmState.NORMAL)
    if wanted.since is not None:
        where.append(Alarm.onset_at >= wanted.since)
    if wanted.until is not None:
        where.append(Alarm.onset_at < wanted.until)
    return where
