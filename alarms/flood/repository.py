"""Queries over floods: what is to be linked or let go, groups, and alarms that are a nuisance."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from alarms.flood.group import GroupKind, GroupStanding
from alarms.flood.models import AlarmGroup, AlarmNotice
from alarms.flood.topology import POWER_LOST, SILENCE, Trouble
from alarms.lifecycle import AlarmState
from alarms.models import Alarm, AlarmEpisode, InhibitionKind
from kit.access import Scope
from kit.clock import to_ms
from kit.totals import Total, total_of

_LASTS = (Alarm.state != AlarmState.NORMAL, Alarm.is_present, ~Alarm.life_safety, ~Alarm.is_test)


@dataclass(frozen=True)
class OpenCount:
    """How many alarms of a group are not NORMAL, and how many of those nobody has acknowledged."""

    open: int = 0
    unacknowledged: int = 0


def is_put_away() -> ColumnElement[bool]:
    """Somebody decided about the alarm: it is shelved, or out of service."""
    put_away = [InhibitionKind.SHELVED, InhibitionKind.OUT_OF_SERVICE]
    return func.coalesce(Alarm.suppressed_by, "").in_(put_away)


async def lasting_causes(session: AsyncSession, equipment_ids: Collection[UUID]) -> Sequence[Alarm]:
    """Alarms of these that last and may explain others."""
    causes = select(Alarm).where(
        *_LASTS, Alarm.equipment_id.in_(equipment_ids), Alarm.fault_mode.in_([SILENCE, *POWER_LOST])
    )
    return (await session.scalars(causes)).all()


async def unexplained(session: AsyncSession, equipment_ids: Collection[UUID], *, since: datetime) -> list[Trouble]:
    """What of these began at or after `since`, lasts, and has no root yet. Not held."""
    query = select(Alarm.id, Alarm.equipment_id, Alarm.episode_onset_at, Alarm.fault_mode).where(
        *_LASTS, Alarm.equipment_id.in_(equipment_ids), Alarm.root_id.is_(None), Alarm.episode_onset_at >= since
    )
    return [Trouble(*row) for row in await session.execute(query)]


async def held_orphans(session: AsyncSession, alarm_ids: Collection[UUID]) -> Sequence[Alarm]:
    """Those of these that still last and have no root. Held; those that somebody has are left for later."""
    query = select(Alarm).where(*_LASTS, Alarm.id.in_(alarm_ids), Alarm.root_id.is_(None)).order_by(Alarm.id)
    return (await session.scalars(query.with_for_update(key_share=True, skip_locked=True))).all()


async def children(session: AsyncSession, root_ids: Collection[UUID]) -> Sequence[Alarm]:
    """Alarms right under these, that last. Held, as above."""
    query = select(Alarm).where(*_LASTS, Alarm.root_id.in_(root_ids))
    return (await session.scalars(query.with_for_update(key_share=True, skip_locked=True))).all()


async def outlasting(session: AsyncSession, *, over_before: datetime, limit: int) -> Sequence[Alarm]:
    """Alarms that last although what explained them ended before that time. Held, as above."""
    root = aliased(Alarm)
    query = (
        select(Alarm)
        .join(root, root.id == Alarm.root_id)
        .where(
            *_LASTS,
            ~root.is_present | (root.state == AlarmState.NORMAL),
            or_(root.returned_at <= over_before, root.cleared_at <= over_before),
        )
        .limit(limit)
    )
    locked = query.with_for_update(key_share=True, skip_locked=True, of=Alarm)
    return (await session.scalars(locked)).all()


async def settled(session: AsyncSession, *, stays_since: datetime, away_since: datetime, limit: int) -> Sequence[Alarm]:
    """Flapping alarms that are there and of which nothing began after `stays_since`, or that are gone and of which
    nothing began after `away_since`. Held, as above."""

    def began_after(at: datetime) -> ColumnElement[bool]:
        return exists().where(AlarmEpisode.alarm_id == Alarm.id, AlarmEpisode.onset_ms > to_ms(at))

    query = (
        select(Alarm)
        .where(
            Alarm.flapping_since.is_not(None),
            Alarm.state != AlarmState.NORMAL,
            or_(Alarm.is_present & ~began_after(stays_since), ~Alarm.is_present & ~began_after(away_since)),
        )
        .order_by(Alarm.flapping_since)
        .limit(limit)
    )
    return (await session.scalars(query.with_for_update(key_share=True, skip_locked=True))).all()


def _grown() -> list[ColumnElement[bool]]:
    last = exists().where(Alarm.group_id == AlarmGroup.id, *_LASTS)
    is_worse = AlarmGroup.severity_rank < AlarmGroup.told_rank
    return [is_worse | (AlarmGroup.alarms > AlarmGroup.told_alarms), last]


async def sites_of_grown(session: AsyncSession, *, since: datetime) -> Sequence[UUID]:
    query = select(AlarmGroup.site_id).where(AlarmGroup.last_at >= since, *_grown()).distinct()
    return (await session.scalars(query)).all()


async def grown_groups(session: AsyncSession, site_ids: Collection[UUID], *, since: datetime) -> Sequence[AlarmGroup]:
    """Groups with alarms that nobody was told of, or that became worse since; some of them last."""
    query = select(AlarmGroup).where(AlarmGroup.site_id.in_(site_ids), AlarmGroup.last_at >= since, *_grown())
    return (await session.scalars(query)).all()


async def standing_of(session: AsyncSession, group_id: UUID, *, since: datetime) -> GroupStanding:
    """Of what was told together, the alarm that explains it included."""
    root_id = select(AlarmGroup.root_id).where(AlarmGroup.id == group_id).scalar_subquery()
    is_asking = exists().where(
        Alarm.group_id == group_id, *_LASTS, Alarm.state == AlarmState.UNACKED, Alarm.suppressed_by.is_(None)
    )
    is_answered = exists().where(Alarm.group_id == group_id, Alarm.acknowledged_at >= since)
    is_root_answered = exists().where(Alarm.id == root_id, Alarm.acknowledged_at >= since)
    row = (await session.execute(select(is_asking, is_answered | is_root_answered))).one()
    return GroupStanding(is_asking=row[0], is_acknowledged=row[1])


async def unanswered(session: AsyncSession, group: AlarmGroup) -> Sequence[Alarm]:
    """Alarms of a group that nobody has acknowledged, of a family what explains it too; held."""
    query = select(Alarm).where(
        or_(Alarm.group_id == group.id, Alarm.id == group.root_id),
        Alarm.state.in_([AlarmState.UNACKED, AlarmState.RTN_UNACKED]),
        ~Alarm.life_safety,
    )
    return (await session.scalars(query.order_by(Alarm.id).with_for_update(key_share=True))).all()


async def open_counts(session: AsyncSession, group_ids: Collection[UUID]) -> Mapping[UUID, OpenCount]:
    """By group, where some of its alarms are not NORMAL."""
    is_unanswered = Alarm.state.in_([AlarmState.UNACKED, AlarmState.RTN_UNACKED])
    counts = (
        select(Alarm.group_id, func.count(), func.count().filter(is_unanswered))
        .where(Alarm.group_id.in_(group_ids), Alarm.state != AlarmState.NORMAL)
        .group_by(Alarm.group_id)
    )
    return {id_: OpenCount(open_, asking) for id_, open_, asking in await session.execute(counts) if id_ is not None}


async def forget_notices(session: AsyncSession, *, before: datetime) -> None:
    await session.execute(delete(AlarmNotice).where(AlarmNotice.at < before))


# --- lists -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GroupFilter:
    """What a list of groups is narrowed to; None means "any". `lasting`: some of its alarms last."""

    site_id: UUID | None = None
    kind: GroupKind | None = None
    root_id: UUID | None = None
    lasting: bool | None = None
    since: datetime | None = None


async def find_groups(
    session: AsyncSession, scope: Scope, wanted: GroupFilter, *, limit: int, offset: int
) -> tuple[Sequence[AlarmGroup], Total]:
    """The latest first."""
    exact = {
        AlarmGroup.site_id: wanted.site_id,
        AlarmGroup.kind: wanted.kind.value if wanted.kind is not None else None,
        AlarmGroup.root_id: wanted.root_id,
    }
    where = [
        scope.where(AlarmGroup.site_id),
        *(column == value for column, value in exact.items() if value is not None),
    ]
    if wanted.since is not None:
        where.append(AlarmGroup.last_at >= wanted.since)
    if wanted.lasting is not None:
        last = exists().where(Alarm.group_id == AlarmGroup.id, Alarm.state != AlarmState.NORMAL)
        where.append(last if wanted.lasting else ~last)
    matching = select(AlarmGroup).where(*where)
    page = matching.order_by(AlarmGroup.last_at.desc(), AlarmGroup.id.desc()).limit(limit).offset(offset)
    rows = (await session.scalars(page)).all()
    counted = matching.with_only_columns(AlarmGroup.id)
    return rows, await total_of(session, counted, limit=limit, offset=offset, found=len(rows))


async def group(session: AsyncSession, scope: Scope, group_id: UUID) -> AlarmGroup | None:
    query = select(AlarmGroup).where(AlarmGroup.id == group_id, scope.where(AlarmGroup.site_id))
    return (await session.scalars(query)).one_or_none()


async def flapping(session: AsyncSession, scope: Scope, *, limit: int, offset: int) -> tuple[Sequence[Alarm], Total]:
    """Alarms that come and go, the longest at it first. Life safety is never among them."""
    where = (scope.where(Alarm.site_id), Alarm.state != AlarmState.NORMAL, Alarm.flapping_since.is_not(None))
    return await _alarms(session, where, by=Alarm.flapping_since, limit=limit, offset=offset)


async def stale(
    session: AsyncSession, scope: Scope, *, now: datetime, older_than: timedelta, limit: int, offset: int
) -> tuple[Sequence[Alarm], Total]:
    """Alarms that have lasted for longer and that nobody put away, the oldest first."""
    where = (
        scope.where(Alarm.site_id),
        Alarm.state != AlarmState.NORMAL,
        Alarm.is_present.is_(True),
        Alarm.raised_at < now - older_than,
        ~is_put_away(),
    )
    return await _alarms(session, where, by=Alarm.raised_at, limit=limit, offset=offset)


async def _alarms(
    session: AsyncSession,
    where: Sequence[ColumnElement[bool]],
    *,
    by: InstrumentedAttribute[Any],
    limit: int,
    offset: int,
) -> tuple[Sequence[Alarm], Total]:
    matching = select(Alarm).where(*where)
    rows = (await session.scalars(matching.order_by(by, Alarm.id).limit(limit).offset(offset))).all()
    counted = matching.with_only_columns(Alarm.id)
    return rows, await total_of(session, counted, limit=limit, offset=offset, found=len(rows))
