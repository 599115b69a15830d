"""Which alarms of a replay met something real: pure arithmetic over episodes and the orders people closed.

An episode meets an order about the same equipment, of the same fault or one nobody named, that was opened or first
reported while it lasted or within the tolerance of it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never
from uuid import UUID

from alarms.detection import OrderJoining
from kit.clock import to_ms
from rules.replay.episode import Episode
from ticketing.kinds import ClosingCode
from ticketing.outcomes import Outcome

_HOUR_MS: Final = 3_600_000


class Worth(StrEnum):
    """What an order says about the equipment."""

    REAL = "real"  # closed as a fault, or a person reported it and nobody said otherwise
    FALSE = "false"  # closed as a false alarm, or nothing was found
    OPEN = "open"  # an alarm opened it and nobody has said yet


class ReplayVerdict(StrEnum):
    """What became of an episode. UNMET: nobody noticed anything."""

    MET = "met"
    REFUTED = "refuted"
    UNDECIDED = "undecided"
    UNMET = "unmet"


@dataclass(frozen=True)
class Judged:
    """An episode, what became of it, and the order that says so."""

    episode: Episode
    verdict: ReplayVerdict
    order: Outcome | None


@dataclass(frozen=True)
class Found:
    """A real fault; `lead_ms`: how long before people noticed it the rule raised it (negative: after). None: not."""

    order: Outcome
    lead_ms: int | None


@dataclass(frozen=True)
class Match:
    episodes: Sequence[Judged]
    faults: Sequence[Found]

    def count(self, verdict: ReplayVerdict) -> int:
        return sum(one.verdict is verdict for one in self.episodes)

    @property
    def precision(self) -> float | None:
        """Of the episodes that are decided, the share that met something real. None of no such episode."""
        decided = len(self.episodes) - self.count(ReplayVerdict.UNDECIDED)
        return self.count(ReplayVerdict.MET) / decided if decided else None

    @property
    def recall(self) -> float | None:
        """Of the real faults, the share that was raised. None where there was no fault."""
        return sum(one.lead_ms is not None for one in self.faults) / len(self.faults) if self.faults else None


def match(
    episodes: Sequence[Episode], outcomes: Sequence[Outcome], *, since_ms: int, until_ms: int, tolerance_h: float,
    fault_mode: str,
) -> Match:  # fmt: skip
    """Of episodes and orders of one rule's equipments. What people noticed outside of the span is no fault to find."""
    tolerance_ms = round(tolerance_h * _HOUR_MS)
    orders: dict[UUID, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.fault_mode in (None, fault_mode):
            orders[outcome.equipment_id].append(outcome)
    raised: dict[UUID, int] = {}
    judged = []
    for episode in episodes:
        ends_ms = until_ms if episode.end_ms is None else episode.end_ms
        near = [
            one for one in orders[episode.equipment_id]
            if episode.onset_ms - tolerance_ms <= noticed_ms(one) <= ends_ms + tolerance_ms
        ]  # fmt: skip
        judged.append(_judged(episode, near))
        for one in near:
            raised[one.order_id] = min(raised.get(one.order_id, episode.raised_ms), episode.raised_ms)
    faults = [
        Found(one, noticed_ms(one) - raised[one.order_id] if one.order_id in raised else None)
        for some in orders.values()
        for one in some
        if worth(one) is Worth.REAL and since_ms <= noticed_ms(one) < until_ms
    ]
    return Match(judged, faults)


def worth(outcome: Outcome) -> Worth:
    if outcome.closing_code in (ClosingCode.REAL_FAULT, ClosingCode.MISUSE):
        return Worth.REAL
    if outcome.closing_code in (ClosingCode.FALSE_ALARM, ClosingCode.NO_FAULT_FOUND):
        return Worth.FALSE
    return Worth.OPEN if outcome.by_alarm and outcome.reported_at is None else Worth.REAL


def noticed_ms(outcome: Outcome) -> int:
    """When people knew: the first report, or the order where there is none or it came before."""
    return to_ms(_noticed(outcome))


def _noticed(outcome: Outcome) -> datetime:
    if outcome.reported_at is None:
        return outcome.opened_at
    # An alarm that opened the order is what is to be measured: people knew when the first of them said so.
    return outcome.reported_at if outcome.by_alarm else min(outcome.reported_at, outcome.opened_at)


def _judged(episode: Episode, near: Sequence[Outcome]) -> Judged:
    for wanted in (Worth.REAL, Worth.FALSE, Worth.OPEN):
        for order in near:
            if worth(order) is wanted:
                return Judged(episode, _verdict(wanted), order)
    return Judged(episode, ReplayVerdict.UNMET, None)


def _verdict(found: Worth) -> ReplayVerdict:
    match found:
        case Worth.REAL:
            return ReplayVerdict.MET
        case Worth.FALSE:
            return ReplayVerdict.REFUTED
        case Worth.OPEN:
            return ReplayVerdict.UNDECIDED
        case _:
            assert_never(found)


def would_be_orders(
    episodes: Sequence[Episode], outcomes: Sequence[Outcome], *, tolerance_h: float,
    building_of: Mapping[UUID, UUID | None],
) -> int:  # fmt: skip
    """How many orders the episodes would have opened: what comes back within the tolerance, or while an order that the
    rule joins was open, joins it. `building_of` are the equipments of the rule; only orders about them are looked at.
    """
    tolerance_ms = round(tolerance_h * _HOUR_MS)
    open_until: dict[_Incident, float] = {}
    opened = 0
    for episode in sorted(episodes, key=lambda one: one.raised_ms):
        if episode.order is None:
            continue
        incident = _incident_of(episode, building_of)
        joins = episode.raised_ms <= open_until.get(incident, float("-inf"))
        opened += not joins and not any(_was_open(one, episode, incident, building_of) for one in outcomes)
        ends_ms = float("inf") if episode.end_ms is None else episode.end_ms + tolerance_ms
        open_until[incident] = max(ends_ms, open_until.get(incident, ends_ms))
    return opened


@dataclass(frozen=True)
class _Incident:
    """What one order is about: a fault, None for any, of an equipment or of a building."""

    of: UUID
    fault_mode: str | None


def _incident_of(episode: Episode, building_of: Mapping[UUID, UUID | None]) -> _Incident:
    """As orders are joined live (`ticketing.handlers`): life safety always stands by its own fault."""
    joins = OrderJoining.FAULT if episode.order is None or episode.life_safety else episode.order.joins
    building_id = building_of.get(episode.equipment_id)
    match joins:
        case OrderJoining.BUILDING if building_id is not None:
            return _Incident(building_id, episode.fault_mode)
        case OrderJoining.EQUIPMENT:
            return _Incident(episode.equipment_id, None)
        case OrderJoining.FAULT | OrderJoining.BUILDING:
            return _Incident(episode.equipment_id, episode.fault_mode)
        case _:
            assert_never(joins)


def _was_open(order: Outcome, episode: Episode, incident: _Incident, building_of: Mapping[UUID, UUID | None]) -> bool:
    """Whether a person's order stood open then. One that an alarm opened is what the rule, or another, did."""
    if order.by_alarm or incident.of not in (order.equipment_id, building_of.get(order.equipment_id)):
        return False
    if incident.fault_mode is not None and order.fault_mode not in (None, incident.fault_mode):
        return False
    over = order.over_at is not None and to_ms(order.over_at) <= episode.raised_ms
    return to_ms(order.opened_at) <= episode.raised_ms and not over
