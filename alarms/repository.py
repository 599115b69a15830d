"""Queries over alarms. What detections do to them, in floods, is in `line_repository`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from alarms.detection import EpisodeKey
from alarms.lifecycle import AlarmState
from alarms.models import Alarm, AlarmEpisode, Inhibition, InhibitionKind, MaintenanceWindow, TransitionRecord
from alarms.reminding import Asking
from building.severity import Severity
from kit.access import Scope
from kit.totals import Total, plan_for_values, total_of

SORTS: Mapping[str, InstrumentedAttribute[object]] = {
    "onset_at": Alarm.onset_at,
    "raised_at": Alarm.raised_at,
    "severity": Alarm.severity_rank,
    "state": Alarm.state,
    "equipment": Alarm.equipment_code,
}


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
    test: bool | None = None
    assignee_id: UUID | None = None
    active: bool | None = None
    root_id: UUID | None = None
    group_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


async def standing_inhibitions(session: AsyncSession, equipment_ids: Collection[UUID]) -> Sequence[Inhibition]:
    """Inhibitions nobody released; the caller looks at their `until`."""
    standing = Inhibition.equipment_id.in_(equipment_ids) & Inhibition.released_at.is_(None)
    return (await session.scalars(select(Inhibition).where(standing))).all()


async def standing_windows(session: AsyncSession, site_ids: Collection[UUID]) -> Sequence[MaintenanceWindow]:
    """Maintenance windows nobody ended, in force or not."""
    standing = MaintenanceWindow.site_id.in_(site_ids) & MaintenanceWindow.ended_at.is_(None)
    return (await session.scalars(select(MaintenanceWindow).where(standing))).all()


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


async def standing_out_of_service(
    session: AsyncSession, alarm: Alarm, *, whole_equipment: bool | None = None
) -> Sequence[Inhibition]:
    """What took the alarm's condition (False), all of its equipment (True), or either (None) out of service."""
    of_condition = (Inhibition.source == alarm.source) & (Inhibition.source_id == alarm.source_id)
    of_equipment = Inhibition.source.is_(None)
    wanted = {False: of_condition, True: of_equipment, None: of_condition | of_equipment}
    query = select(Inhibition).where(
        Inhibition.equipment_id == alarm.equipment_id,
        Inhibition.released_at.is_(None),
        Inhibition.kind == InhibitionKind.OUT_OF_SERVICE,
        wanted[whole_equipment],
    )
    return (await session.scalars(query)).all()


async def find_inhibitions(
    session: AsyncSession, scope: Scope, *, kind: InhibitionKind | None, site_id: UUID | None, now: datetime,
    limit: int, offset: int,
) -> tuple[Sequence[Inhibition], int]:  # fmt: skip
    """What stands now, the newest first, and how much there is."""
    where = [
        scope.where(Inhibition.site_id), Inhibition.released_at.is_(None),
        Inhibition.until.is_(None) | (Inhibition.until > now),
    ]  # fmt: skip
    if kind is not None:
        where.append(Inhibition.kind == kind)
    if site_id is not None:
        where.append(Inhibition.site_id == site_id)
    query = select(Inhibition).where(*where).order_by(Inhibition.created_at.desc(), Inhibition.id.desc())
    rows = (await session.scalars(query.limit(limit).offset(offset))).all()
    return rows, await session.scalar(select(func.count()).select_from(Inhibition).where(*where)) or 0


async def release_expired(session: AsyncSession, *, now: datetime) -> None:
    """Ends inhibitions and shelves whose time is over, so that those that stand stay few. What somebody is changing is
    left for the next time; a test is ended by its window."""
    over = select(Inhibition.id).where(
        Inhibition.released_at.is_(None), Inhibition.until <= now, Inhibition.kind != InhibitionKind.TESTING
    )
    await session.execute(
        update(Inhibition)
        .where(Inhibition.id.in_(over.with_for_update(skip_locked=True, key_share=True)))
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
    if for_update:
        # Others may go on to write what only names it: an episode, a transition, an alarm that it explains.
        query = query.with_for_update(key_share=True)
    return (await session.scalars(query)).one_or_none()


async def find(
    session: AsyncSession, scope: Scope, wanted: AlarmFilter, *, sort: str, limit: int, offset: int
) -> tuple[Sequence[Alarm], Total]:
    """A page of alarms and how many match. `sort` is a key of SORTS, with `-` before it for descending."""
    await plan_for_values(session)
    where = _where(scope, wanted)
    column = SORTS[sort.removeprefix("-")]
    # The id in the same direction, as the indexes have it.
    order = (column.desc(), Alarm.id.desc()) if sort.startswith("-") else (column.asc(), Alarm.id.asc())
    matching = select(Alarm).where(*where)
    rows = (await session.scalars(matching.order_by(*order).limit(limit).offset(offset))).all()
    counted = matching.with_only_columns(Alarm.id)
    return rows, await total_of(session, counted, limit=limit, offset=offset, found=len(rows))


async def history(session: AsyncSession, alarm_id: UUID) -> Sequence[TransitionRecord]:
    query = select(TransitionRecord).where(TransitionRecord.alarm_id == alarm_id).order_by(TransitionRecord.no)
    return (await session.scalars(query)).all()


async def open_nuisances(session: AsyncSession, equipment_id: UUID) -> Sequence[Alarm]:
    """Open alarms of an equipment that may be held back, held."""
    query = select(Alarm).where(
        Alarm.equipment_id == equipment_id, Alarm.state != AlarmState.NORMAL, Alarm.life_safety.is_(False)
    )
    return (await session.scalars(query.order_by(Alarm.id).with_for_update(key_share=True))).all()


async def hold_with_nuisances(session: AsyncSession, alarm: Alarm) -> Sequence[Alarm]:
    """An alarm and the open ones of its equipment that may be held back: held in the one order, and read anew."""
    nuisance = (Alarm.state != AlarmState.NORMAL) & Alarm.life_safety.is_(False)
    query = select(Alarm).where((Alarm.id == alarm.id) | ((Alarm.equipment_id == alarm.equipment_id) & nuisance))
    held = query.order_by(Alarm.id).with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await session.scalars(held)).all()


async def unattended(
    session: AsyncSession, askings: Collection[Asking], *, now: datetime, limit: int
) -> Sequence[Alarm]:
    """Open alarms that are to ask again, those that waited longest first; what somebody else is changing is left out.

    Not those that are held back or tests; ordinary ones not where something else speaks for them.
    """
    of_each = [
        and_(
            Alarm.state == each.state.value,
            Alarm.severity == each.severity.value,
            Alarm.life_safety.is_(each.life_safety),
            Alarm.attended_at <= now - each.after,
            Alarm.is_present if each.is_realarm else true(),
            Alarm.reminders < each.times if each.times is not None else true(),
        )
        for each in askings
    ]
    speaks_for_itself = Alarm.life_safety | (
        Alarm.root_id.is_(None) & Alarm.group_id.is_(None) & Alarm.flapping_since.is_(None)
    )
    query = (
        select(Alarm)
        .where(Alarm.state != AlarmState.NORMAL, Alarm.suppressed_by.is_(None), Alarm.is_test.is_(False))
        .where(speaks_for_itself, or_(false(), *of_each))
        .order_by(Alarm.attended_at, Alarm.id)
        .limit(limit)
    )
    return (await session.scalars(query.with_for_update(skip_locked=True, key_share=True))).all()


async def suppressed_alarms(session: AsyncSession, *, after: UUID | None, limit: int) -> Sequence[Alarm]:
    """Held back and not over, by id, those after `after`; what somebody else is changing is left out."""
    query = select(Alarm).where(Alarm.suppressed_by.is_not(None), Alarm.state != AlarmState.NORMAL)
    if after is not None:
        query = query.where(Alarm.id > after)
    query = query.order_by(Alarm.id).limit(limit)
    return (await session.scalars(query.with_for_update(skip_locked=True, key_share=True))).all()


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


def _where(scope: Scope, wanted: AlarmFilter) -> list[ColumnElement[bool]]:
    exact = {
        Alarm.equipment_id: wanted.equipment_id,
        Alarm.site_id: wanted.site_id,
        Alarm.building_id: wanted.building_id,
        Alarm.fault_mode: wanted.fault_mode,
        Alarm.root_id: wanted.root_id,
        Alarm.group_id: wanted.group_id,
        Alarm.life_safety: wanted.life_safety,
        Alarm.is_test: wanted.test,
        Alarm.assignee_id: wanted.assignee_id,
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
