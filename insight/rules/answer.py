"""The answer of a replay: one rule's alarms in figures, beside those of the rule as it is now. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from catalog.directory import EquipmentEntry
from insight.rules.matching import Found, Judged, Match, ReplayVerdict, match, would_be_orders
from insight.rules.schemas import ReplayAlarmOut, ReplayDayOut, ReplayEquipmentOut, ReplayFaultOut, ReplaySideOut
from kit.clock import from_ms
from rules.replay.episode import Episode
from ticketing.outcomes import Outcome

# The worst equipments, the last alarms and the faults that are named; the figures are of all of them.
MOST_NAMED: Final = 200
_MINUTE_MS: Final = 60_000


def side(
    found: Sequence[Episode], outcomes: Sequence[Outcome], entries: Mapping[UUID, EquipmentEntry], *, since_ms: int,
    until_ms: int, tolerance_h: float, fault_mode: str,
) -> ReplaySideOut:  # fmt: skip
    """`found` are all episodes of one rule, also those that ended before the span; `entries` its equipments."""
    episodes = [one for one in found if one.end_ms is None or one.end_ms > since_ms]
    matched = match(
        episodes, outcomes, since_ms=since_ms, until_ms=until_ms, tolerance_h=tolerance_h, fault_mode=fault_mode
    )
    buildings = {equipment_id: entry.building_id for equipment_id, entry in entries.items()}
    minutes = [_minutes(one, until_ms=until_ms) for one in episodes]
    leads = [one.lead_ms / _MINUTE_MS for one in matched.faults if one.lead_ms is not None]
    return ReplaySideOut(
        equipment_in_all=len(entries),
        alarms=len(episodes),
        lasting=sum(one.end_ms is None for one in episodes),
        median_min=_rounded(median(minutes) if minutes else None),
        longest_min=_rounded(max(minutes, default=None)),
        total_min=round(sum(minutes), 1),
        by_day=_by_day(episodes, entries, since_ms=since_ms),
        by_equipment=_by_equipment(episodes, entries, until_ms=until_ms),
        orders=would_be_orders(episodes, outcomes, tolerance_h=tolerance_h, building_of=buildings),
        met=matched.count(ReplayVerdict.MET),
        refuted=matched.count(ReplayVerdict.REFUTED),
        undecided=matched.count(ReplayVerdict.UNDECIDED),
        unmet=matched.count(ReplayVerdict.UNMET),
        precision=_rounded(matched.precision, 4),
        faults=len(matched.faults),
        faults_found=len(leads),
        recall=_rounded(matched.recall, 4),
        lead_min=_rounded(median(leads) if leads else None),
        last_alarms=_last(matched, entries),
        missed_faults=_missed(matched.faults, entries),
    )


def differing(draft: Sequence[Episode], present: Sequence[Episode]) -> int:
    """How many of `draft` have nothing in `present` that lasts at any instant they do."""
    spans: dict[UUID, list[tuple[int, float]]] = {}
    for one in present:
        spans.setdefault(one.equipment_id, []).append((one.onset_ms, _end(one)))
    return sum(
        not any(begins <= _end(one) and ends >= one.onset_ms for begins, ends in spans.get(one.equipment_id, []))
        for one in draft
    )


def _end(episode: Episode) -> float:
    return float("inf") if episode.end_ms is None else episode.end_ms


def _minutes(episode: Episode, *, until_ms: int) -> float:
    return ((until_ms if episode.end_ms is None else episode.end_ms) - episode.onset_ms) / _MINUTE_MS


def _by_day(
    episodes: Sequence[Episode], entries: Mapping[UUID, EquipmentEntry], *, since_ms: int
) -> list[ReplayDayOut]:  # fmt: skip
    """By the day their site had when they were raised; what began before the span counts on its first day."""
    days = Counter(
        from_ms(max(one.raised_ms, since_ms)).astimezone(ZoneInfo(entries[one.equipment_id].timezone)).date()
        for one in episodes
    )
    return [ReplayDayOut(day=day, alarms=days[day]) for day in sorted(days)]


def _by_equipment(
    episodes: Sequence[Episode], entries: Mapping[UUID, EquipmentEntry], *, until_ms: int
) -> list[ReplayEquipmentOut]:  # fmt: skip
    """Those with the most alarms first."""
    some: dict[UUID, list[float]] = {}
    for one in episodes:
        some.setdefault(one.equipment_id, []).append(_minutes(one, until_ms=until_ms))
    worst = sorted(some, key=lambda one: (-len(some[one]), entries[one].code))[:MOST_NAMED]
    return [
        ReplayEquipmentOut(
            equipment_id=one, code=entries[one].code, name=entries[one].name, alarms=len(some[one]),
            total_min=round(sum(some[one]), 1), longest_min=round(max(some[one]), 1),
        )
        for one in worst
    ]  # fmt: skip


def _last(matched: Match, entries: Mapping[UUID, EquipmentEntry]) -> list[ReplayAlarmOut]:
    newest: Callable[[Judged], int] = lambda one: -one.episode.onset_ms  # noqa: E731
    return [
        ReplayAlarmOut(
            equipment_id=one.episode.equipment_id, code=entries[one.episode.equipment_id].code,
            onset_at=from_ms(one.episode.onset_ms), raised_at=from_ms(one.episode.raised_ms),
            ended_at=_time(one.episode.end_ms), severity=one.episode.severity, values=dict(one.episode.values),
            verdict=one.verdict, order_id=one.order and one.order.order_id, order_number=one.order and one.order.number,
        )
        for one in sorted(matched.episodes, key=newest)[:MOST_NAMED]
    ]  # fmt: skip


def _missed(faults: Sequence[Found], entries: Mapping[UUID, EquipmentEntry]) -> list[ReplayFaultOut]:
    missed = [one.order for one in faults if one.lead_ms is None]
    return [
        ReplayFaultOut(
            order_id=one.order_id, order_number=one.number, equipment_id=one.equipment_id,
            code=entries[one.equipment_id].code, noticed_at=min(one.opened_at, one.reported_at or one.opened_at),
        )
        for one in sorted(missed, key=lambda one: one.opened_at, reverse=True)[:MOST_NAMED]
    ]  # fmt: skip


def _time(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)


def _rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)
