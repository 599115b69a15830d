"""What the figures of alarm load are made of. A time is [since, until); announcements are counted when the hub told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Executable, Subquery, distinct, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.flood.figures import CHATTER_WITHIN, CHATTERS, FLEETING, PERIOD, STALE_AFTER, RuleFigures, Stretch
from alarms.flood.models import AlarmNotice
from alarms.flood.planning import WINDOW
from alarms.flood.repository import is_put_away
from alarms.lifecycle import AlarmState
from alarms.models import Alarm, AlarmEpisode, TransitionRecord
from alarms.service import AlarmLabel
from alarms.transition import TransitionKind
from kit.access import Scope
from kit.clock import to_ms
from kit.totals import plan_for_values

RuleKey = tuple[str, str]

_ANNOUNCES = (TransitionKind.RAISED.value, TransitionKind.REALARMED.value)


@dataclass(frozen=True)
class Span:
    """Of which sites, and of what time."""

    scope: Scope
    site_id: UUID | None
    since: datetime
    until: datetime

    def at_sites(self, column: Any) -> list[ColumnElement[bool]]:
        where = [self.scope.where(column)]
        return [*where, column == self.site_id] if self.site_id is not None else where

    def of(self, column: Any, at: Any) -> list[ColumnElement[bool]]:
        return [*self.at_sites(column), at >= self.since, at < self.until]


def _told(span: Span) -> CTE:
    """The announcements, each with its alarm."""
    columns = (Alarm.id, Alarm.source, Alarm.source_id, Alarm.severity, Alarm.equipment_id, Alarm.equipment_code)
    return (
        select(*columns, TransitionRecord.recorded_at)
        .join(Alarm, Alarm.id == TransitionRecord.alarm_id)
        .where(
            TransitionRecord.kind.in_(_ANNOUNCES),
            *span.of(TransitionRecord.site_id, TransitionRecord.recorded_at),
            ~Alarm.life_safety,
            ~Alarm.is_test,
        )
        .cte("told")
    )


async def stretches(session: AsyncSession, span: Span) -> list[Stretch]:
    """The ten minutes in which anything was announced, oldest first."""
    await plan_for_values(session)
    told = _told(span)
    at = func.date_bin(literal(PERIOD), told.c.recorded_at, literal(datetime(2000, 1, 1, tzinfo=UTC))).label("at")
    rows = await session.execute(select(at, func.count()).group_by(at).order_by(at))
    return [Stretch(at, count) for at, count in rows]


async def by_severity(session: AsyncSession, span: Span) -> dict[str, int]:
    told = _told(span)
    rows = await session.execute(select(told.c.severity, func.count()).group_by(told.c.severity))
    return {str(severity): int(count) for severity, count in rows}


async def notices(session: AsyncSession, span: Span) -> int:
    """How much of it people were told, groups counting once a telling."""
    where = span.of(AlarmNotice.site_id, AlarmNotice.at)
    return await session.scalar(select(func.count()).select_from(AlarmNotice).where(*where)) or 0


async def standing(session: AsyncSession, span: Span, *, now: datetime) -> Mapping[str, int]:
    """Alarms that are open now: `open`, of them `stale` (as the list has them), `flapping`, `held_back`."""
    counts = select(
        func.count().label("open"),
        func.count().filter(Alarm.is_present, Alarm.raised_at < now - STALE_AFTER, ~is_put_away()).label("stale"),
        func.count().filter(Alarm.flapping_since.is_not(None)).label("flapping"),
        func.count().filter(Alarm.suppressed_by.is_not(None)).label("held_back"),
    ).where(Alarm.state != AlarmState.NORMAL, ~Alarm.life_safety, ~Alarm.is_test, *span.at_sites(Alarm.site_id))
    return dict((await session.execute(counts)).mappings().one())


async def worst_rules(session: AsyncSession, span: Span, *, now: datetime, limit: int) -> list[RuleFigures]:
    """Those with most announcements, the worst first."""
    told = _told(span)
    rule = (told.c.source, told.c.source_id)
    count = func.count()
    worst = select(*rule, count, func.count(distinct(told.c.equipment_id))).group_by(*rule)
    rows = (await session.execute(worst.order_by(count.desc(), *rule).limit(limit))).all()
    keys = [(source, source_id) for source, source_id, _, _ in rows]
    if not keys:
        return []
    alarms = await _by_rule(session, _alarms_of(told, keys, now=now))
    episodes = await _by_rule(session, _episodes_of(told, keys, span))
    tops = await _by_rule(session, _top_of(told, keys))
    return [
        RuleFigures(
            source=source, source_id=source_id, announcements=announcements, equipment=equipment,
            **alarms[source, source_id], **episodes.get((source, source_id), _NO_EPISODES), **tops[source, source_id],
        )
        for source, source_id, announcements, equipment in rows
    ]  # fmt: skip


_NO_EPISODES = {"episodes": 0, "fleeting": 0, "returns": 0, "gap_s": None, "quick_s": None, "median_s": None}


async def _by_rule(session: AsyncSession, query: Executable) -> dict[RuleKey, dict[str, Any]]:
    """Rows of (source, source id, …) by those two."""
    found: dict[RuleKey, dict[str, Any]] = {}
    for row in (await session.execute(query)).mappings():
        facts = dict(row)
        found[facts.pop("source"), facts.pop("source_id")] = facts
    return found


def _alarms_of(told: CTE, keys: Sequence[RuleKey], *, now: datetime) -> Executable:
    ours = Alarm.id.in_(select(told.c.id).where(tuple_(told.c.source, told.c.source_id).in_(keys)))
    over_at = func.coalesce(Alarm.returned_at, Alarm.cleared_at, now)
    return (
        select(
            Alarm.source,
            Alarm.source_id,
            func.count().label("alarms"),
            func.count().filter(Alarm.root_id.is_not(None)).label("explained"),
            func.count().filter(Alarm.acknowledged_at.is_not(None) | Alarm.label.is_not(None)).label("answered"),
            func.count().filter(over_at - Alarm.raised_at > STALE_AFTER).label("stale"),
            func.count(Alarm.label).label("labelled"),
            func.count().filter(Alarm.label.in_(_FALSE)).label("false_labels"),
        )
        .where(ours)
        .group_by(Alarm.source, Alarm.source_id)
    )


_FALSE = (AlarmLabel.FALSE_ALARM.value, AlarmLabel.NO_FAULT_FOUND.value)


def _top_of(told: CTE, keys: Sequence[RuleKey]) -> Executable:
    """The equipment that gave most of each."""
    rule, count = (told.c.source, told.c.source_id), func.count()
    return (
        select(*rule, told.c.equipment_code.label("top_equipment"), count.label("top_announcements"))
        .where(tuple_(*rule).in_(keys))
        .group_by(*rule, told.c.equipment_id, told.c.equipment_code)
        .order_by(count.asc(), told.c.equipment_code.desc())  # of one rule the last row counts
    )


def _episodes_of(told: CTE, keys: Sequence[RuleKey], span: Span) -> Executable:
    each = _episodes(told, keys, span)
    lasted, gap = each.c.lasted_s, each.c.gap_s
    comes_again = gap <= WINDOW.total_seconds()
    is_fleeting = lasted < FLEETING.total_seconds()

    def share(of: Any, fraction: float, only: ColumnElement[bool]) -> Any:
        return func.percentile_cont(fraction).within_group(of).filter(only)

    return select(
        each.c.source,
        each.c.source_id,
        func.count().label("episodes"),
        func.count().filter(is_fleeting).label("fleeting"),
        func.count().filter(comes_again).label("returns"),
        share(gap, 0.9, comes_again).label("gap_s"),
        share(lasted, 0.9, is_fleeting).label("quick_s"),
        share(lasted, 0.5, lasted.is_not(None)).label("median_s"),
    ).group_by(each.c.source, each.c.source_id)


def _episodes(told: CTE, keys: Sequence[RuleKey], span: Span) -> Subquery:
    """Stretches of their conditions with how long each lasted and how soon the next came, s. None of the withdrawn."""
    rule = (AlarmEpisode.source, AlarmEpisode.source_id)
    ended_ms = func.extract("epoch", AlarmEpisode.ended_at) * 1000
    after = func.lead(AlarmEpisode.onset_ms).over(
        partition_by=(AlarmEpisode.equipment_id, *rule), order_by=AlarmEpisode.onset_ms
    )
    ours = tuple_(AlarmEpisode.equipment_id, *rule).in_(
        select(told.c.equipment_id, told.c.source, told.c.source_id).where(
            tuple_(told.c.source, told.c.source_id).in_(keys)
        )
    )
    episodes = select(
        *rule,
        ((ended_ms - AlarmEpisode.onset_ms) / 1000).label("lasted_s"),
        ((after - ended_ms) / 1000).label("gap_s"),
    ).where(
        ours,
        AlarmEpisode.onset_ms >= to_ms(span.since),
        AlarmEpisode.onset_ms < to_ms(span.until),
        AlarmEpisode.ended_at.is_(None) | (ended_ms > AlarmEpisode.onset_ms),
    )
    return episodes.subquery()


@dataclass(frozen=True)
class Chatterer:
    """A condition that began `most` times within a minute, of `episodes` in the time."""

    source: str
    source_id: str
    equipment_id: UUID
    equipment_code: str
    equipment_name: str
    site_id: UUID
    episodes: int
    most: int
    last_at: datetime


async def chattering(session: AsyncSession, span: Span, *, limit: int) -> list[Chatterer]:
    """Conditions that chattered, the worst first."""
    condition = (AlarmEpisode.equipment_id, AlarmEpisode.source, AlarmEpisode.source_id)
    within = func.count().over(
        partition_by=condition, order_by=AlarmEpisode.onset_ms,
        range_=(1 - CHATTER_WITHIN // timedelta(milliseconds=1), 0),
    )  # fmt: skip
    ended_ms = func.extract("epoch", AlarmEpisode.ended_at) * 1000
    begun = (
        select(*condition, AlarmEpisode.onset_ms, AlarmEpisode.alarm_id, within.label("within"))
        .join(Alarm, Alarm.id == AlarmEpisode.alarm_id)
        .where(
            ~Alarm.life_safety, ~Alarm.is_test, *span.at_sites(Alarm.site_id),
            AlarmEpisode.onset_ms >= to_ms(span.since), AlarmEpisode.onset_ms < to_ms(span.until),
            AlarmEpisode.ended_at.is_(None) | (ended_ms > AlarmEpisode.onset_ms),
        )
        .subquery()
    )  # fmt: skip
    most = func.max(begun.c.within)
    worst = (
        select(
            begun.c.source, begun.c.source_id, begun.c.equipment_id, Alarm.equipment_code, Alarm.equipment_name,
            Alarm.site_id, func.count(), most, func.to_timestamp(func.max(begun.c.onset_ms) / 1000.0),
        )
        .join(Alarm, Alarm.id == begun.c.alarm_id)
        .group_by(
            begun.c.source, begun.c.source_id, begun.c.equipment_id, Alarm.equipment_code, Alarm.equipment_name,
            Alarm.site_id,
        )
        .having(most >= CHATTERS)
        .order_by(most.desc(), func.count().desc(), begun.c.equipment_id)
        .limit(limit)
    )  # fmt: skip
    return [Chatterer(*row) for row in await session.execute(worst)]
