"""What became of the alarms of rules: precision, what false ones cost, and thresholds that would have done better."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.labelled import LabelCount, LabelledAlarm, LabelledAlarms
from alarms.service import AlarmLabel
from catalog.directory import LiveDirectory
from insight.rules import proposing, trying
from insight.rules.proposing import Trial
from insight.rules.schemas import ProposalOut, RuleLabelsOut, ThresholdOut
from insight.rules.trying import PRESENT, Attempt
from kit.access import Scope
from kit.clock import Clock, to_ms
from rules.kept_text import readable
from rules.replay.running import warm_up_ms
from rules.rule import CompiledRule
from rules.service import RuleService
from telemetry.store import TelemetryQueries
from ticketing.outcome_book import OutcomeBook

LOOKED_BACK: Final = timedelta(days=365)
# The newest false alarms whose orders are added up, and labelled alarms whose readings are replayed.
MOST_COSTED: Final = 2_000
MOST_REAL: Final = 200
MOST_FALSE: Final = 100
# Of an alarm that lasted longer, its first day says whether another threshold would have raised it.
_LONGEST_MS: Final = 86_400_000
_READINGS_AN_ALARM: Final = 200_000
_REAL: Final = frozenset({AlarmLabel.REAL_FAULT.value})
_FALSE: Final = frozenset({AlarmLabel.FALSE_ALARM.value, AlarmLabel.NO_FAULT_FOUND.value})

# Whether a labelled alarm was real, and the keys of the trials that raise it again.
_Case = tuple[bool, frozenset[str]]


class RuleLabels:
    def __init__(
        self, *, labelled: LabelledAlarms, outcomes: OutcomeBook, rules: RuleService, queries: TelemetryQueries,
        directory: LiveDirectory, clock: Clock,
    ) -> None:  # fmt: skip
        self._labelled = labelled
        self._outcomes = outcomes
        self._rules = rules
        self._queries = queries
        self._directory = directory
        self._clock = clock

    async def all(self, session: AsyncSession, scope: Scope, *, rule_key: str | None = None) -> list[RuleLabelsOut]:
        """Of every rule that had alarms within a year, those whose false ones cost most first."""
        since = self._clock.now() - LOOKED_BACK
        counts: dict[str, list[LabelCount]] = defaultdict(list)
        for count in await self._labelled.counts(session, scope, since=since, rule_key=rule_key):
            counts[count.rule_key].append(count)
        false = await self._labelled.ids(
            session, scope, since=since, labels=_FALSE, limit=MOST_COSTED, rule_key=rule_key
        )  # fmt: skip
        minutes, costed = await self._cost(session, scope, false)
        found = [_labels(key, some, minutes[key], costed[key]) for key, some in counts.items()]
        return sorted(found, key=lambda one: (-one.false_alarm_min, -one.false, one.rule_key))

    async def of_rule(self, session: AsyncSession, scope: Scope, key: str) -> RuleLabelsOut:
        """Raises RuleNotFound."""
        await self._rules.get(session, scope, key)
        found = await self.all(session, scope, rule_key=key)
        return found[0] if found else _labels(key, [], 0.0, 0)

    async def proposal(self, session: AsyncSession, scope: Scope, key: str) -> ProposalOut:
        """Raises RuleNotFound, QueryTooSlow, StoreUnavailable."""
        row = await self._rules.get(session, scope, key)
        rule = self._rules.compiled(readable(row))
        since = self._clock.now() - LOOKED_BACK
        # Of the real ones all, as far as that can be: a value that drops one of them must not be proposed.
        real = await self._labelled.of_rule(session, scope, key, since=since, labels=_REAL, limit=MOST_REAL)
        false = await self._labelled.of_rule(session, scope, key, since=since, labels=_FALSE, limit=MOST_FALSE)
        counts = await self._labelled.counts(session, scope, since=since, rule_key=key)
        labelled = sum(one.alarms for one in counts if one.label in _REAL | _FALSE)
        tried = trying.attempts(rule)
        found = [await self._tried(rule, tried, alarm) for alarm in (*real, *false)]
        return _proposal(key, row.number, tried, [one for one in found if one is not None], labelled)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _cost(
        self, session: AsyncSession, scope: Scope, false: dict[UUID, str]
    ) -> tuple[dict[str, float], dict[str, int]]:
        """Minutes of people by rule; an order with several alarms of a rule behind it counts once."""
        orders = {
            (false[one.alarm_id], one.outcome.order_id): one.outcome
            for one in await self._outcomes.of_alarms(session, scope, list(false))
        }
        minutes: dict[str, float] = defaultdict(float)
        costed: dict[str, int] = defaultdict(int)
        for (key, _), order in orders.items():
            minutes[key] += float(order.labour_min + order.travel_min)
        for key in false.values():
            costed[key] += 1
        return minutes, costed

    async def _tried(self, rule: CompiledRule, tried: Sequence[Attempt], alarm: LabelledAlarm) -> _Case | None:
        """What raises the alarm again out of the readings it came of; None where the rule as it is now does not (it was
        another then, or readings or equipment are gone): that proves nothing. One alarm's readings are held at a time.
        """
        directory = self._directory.current
        entry = directory.by_id.get(alarm.equipment_id)
        it = trying.replay(rule, tried, entry, directory.entries) if entry is not None else None
        if it is None or not it.point_nos:
            return None
        onset_ms, until_ms = to_ms(alarm.onset_at), _end_ms(alarm)
        readings = await self._queries.raw(
            it.point_nos, start_ms=onset_ms - warm_up_ms(it.rules), end_ms=until_ms + 1, limit=_READINGS_AN_ALARM
        )
        if len(readings) == _READINGS_AN_ALARM:
            return None  # some of them may be missing
        by = await asyncio.to_thread(trying.raised, it, readings, onset_ms=onset_ms, until_ms=until_ms)
        return (alarm.label in _REAL, by) if PRESENT in by else None


def _labels(key: str, counts: Sequence[LabelCount], minutes: float, costed: int) -> RuleLabelsOut:
    by_label = {one.label: one.alarms for one in counts}
    real = by_label.get(AlarmLabel.REAL_FAULT.value, 0)
    false = sum(by_label.get(label, 0) for label in _FALSE)
    return RuleLabelsOut(
        rule_key=key, alarms=sum(by_label.values()), real=real, false=false, unlabelled=by_label.get(None, 0),
        precision=round(real / (real + false), 4) if real + false else None, false_alarm_min=round(minutes, 1),
        costed=costed,
    )  # fmt: skip


def _proposal(key: str, number: int, tried: Sequence[Attempt], cases: Sequence[_Case], labelled: int) -> ProposalOut:
    real = {place for place, (is_real, _) in enumerate(cases) if is_real}
    parameters = list(dict.fromkeys(one.parameter for one in tried))
    refused = proposing.refusal(labelled=len(cases), real=len(real), parameters=len(parameters))
    thresholds = [] if refused else [_threshold(name, tried, cases, real) for name in parameters]
    return ProposalOut(
        rule_key=key, rule_version=number, labelled=len(cases), real=len(real), false=len(cases) - len(real),
        not_replayed=labelled - len(cases), needed=proposing.FEWEST_LABELLED, refused=refused, thresholds=thresholds,
    )  # fmt: skip


def _threshold(parameter: str, tried: Sequence[Attempt], cases: Sequence[_Case], real: set[int]) -> ThresholdOut:
    ours = [one for one in tried if one.parameter == parameter]
    trials = [
        Trial(one.value, frozenset(place for place, (_, by) in enumerate(cases) if one.key in by)) for one in ours
    ]
    now = ours[0].now
    found = proposing.propose(trials, now=now, real=real, false=set(range(len(cases))) - real)
    return ThresholdOut(parameter=parameter, now=now, proposed=found.value, false_dropped=found.false_dropped)


def _end_ms(alarm: LabelledAlarm) -> int:
    onset_ms = to_ms(alarm.onset_at)
    ended_ms = onset_ms + _LONGEST_MS if alarm.returned_at is None else to_ms(alarm.returned_at)
    return min(max(ended_ms, onset_ms), onset_ms + _LONGEST_MS)
