"""What became of the alarms of rules: precision, what false ones cost, and thresholds that would have done better."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.labelled import LabelCount, LabelledAlarm, LabelledAlarms
from alarms.service import AlarmLabel
from building.reading import ReadingBatch
from catalog.directory import EquipmentEntry, LiveDirectory
from insight.rules import proposing
from insight.rules.proposing import Trial
from insight.rules.schemas import ProposalOut, RuleLabelsOut, ThresholdOut
from kit.access import Scope
from kit.clock import Clock, to_ms
from rules.replay.engine import Replay
from rules.replay.running import warm_up_ms
from rules.rule import CompiledRule
from rules.rule_set import RuleSet
from rules.schemas import RuleDefinition
from rules.service import RuleService
from telemetry.store import TelemetryQueries
from ticketing.outcome_book import OutcomeBook

LOOKED_BACK: Final = timedelta(days=365)
# The newest false alarms whose orders are added up, and labelled alarms whose readings are replayed.
MOST_COSTED: Final = 2_000
MOST_REPLAYED: Final = 100
# Of an alarm that lasted longer, its first day says whether another threshold would have raised it.
_LONGEST_MS: Final = 86_400_000
_READINGS_AN_ALARM: Final = 200_000
_FALSE: Final = frozenset({AlarmLabel.FALSE_ALARM.value, AlarmLabel.NO_FAULT_FOUND.value})
# Between a trial's key and its place; no rule's key has one.
_TRIAL: Final = "@"

_Case = tuple[EquipmentEntry, LabelledAlarm, ReadingBatch]


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
        rule = self._rules.compiled(RuleDefinition.model_validate(row.definition))
        since = self._clock.now() - LOOKED_BACK
        alarms = [
            one
            for one in await self._labelled.of_rule(session, scope, key, since=since, limit=MOST_REPLAYED)
            if one.label in _FALSE or one.label == AlarmLabel.REAL_FAULT
        ]
        cases = await self._cases(rule, alarms)
        return await asyncio.to_thread(_proposal, key, row.version, rule, cases, len(alarms))

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

    async def _cases(self, rule: CompiledRule, alarms: Sequence[LabelledAlarm]) -> list[_Case]:
        """The readings that each alarm came of, where the equipment is still there."""
        cases: list[_Case] = []
        by_id = self._directory.current.by_id
        for alarm in alarms:
            entry = by_id.get(alarm.equipment_id)
            if entry is None:
                continue
            replay = _replay([rule], entry)
            if not replay.point_nos:
                continue
            onset_ms = to_ms(alarm.onset_at)
            readings = await self._queries.raw(
                replay.point_nos, start_ms=onset_ms - warm_up_ms(replay.rules), end_ms=_end_ms(alarm) + 1,
                limit=_READINGS_AN_ALARM,
            )  # fmt: skip
            cases.append((entry, alarm, readings))
        return cases


def _labels(key: str, counts: Sequence[LabelCount], minutes: float, costed: int) -> RuleLabelsOut:
    by_label = {one.label: one.alarms for one in counts}
    real = by_label.get(AlarmLabel.REAL_FAULT.value, 0)
    false = sum(by_label.get(label, 0) for label in _FALSE)
    return RuleLabelsOut(
        rule_key=key, alarms=sum(by_label.values()), real=real, false=false, unlabelled=by_label.get(None, 0),
        precision=round(real / (real + false), 4) if real + false else None, false_alarm_min=round(minutes, 1),
        costed=costed,
    )  # fmt: skip


def _proposal(key: str, version: int, rule: CompiledRule, cases: Sequence[_Case], labelled: int) -> ProposalOut:
    rule = replace(rule, levels=())  # the mildest says whether there is an alarm at all
    # What the rule as it is now does not raise again (it was another then, or readings are gone) proves nothing.
    again = [case for case in cases if _raised([rule], case)]
    real = {place for place, (_, alarm, _) in enumerate(again) if alarm.label == AlarmLabel.REAL_FAULT}
    parameters = [name for name in rule.parameters if name in rule.rule.params]
    refused = proposing.refusal(labelled=len(again), real=len(real), parameters=len(parameters))
    thresholds = [] if refused else [_threshold(rule, name, again, real) for name in parameters]
    return ProposalOut(
        rule_key=key, rule_version=version, labelled=len(again), real=len(real), false=len(again) - len(real),
        not_replayed=labelled - len(again), needed=proposing.FEWEST_LABELLED, refused=refused, thresholds=thresholds,
    )  # fmt: skip


def _threshold(rule: CompiledRule, parameter: str, cases: Sequence[_Case], real: set[int]) -> ThresholdOut:
    now = rule.rule.params[parameter]
    values = proposing.values_to_try(now)
    trials = [
        replace(rule, rule=replace(proposing.with_value(rule.rule, parameter, value), key=f"try{_TRIAL}{place}"))
        for place, value in enumerate(values)
    ]
    raised: dict[int, set[int]] = defaultdict(set)
    for place, case in enumerate(cases):
        for key in _raised(trials, case):
            raised[int(key.partition(_TRIAL)[2])].add(place)
    found = proposing.propose(
        [Trial(value, frozenset(raised[place])) for place, value in enumerate(values)],
        now=now, real=real, false=set(range(len(cases))) - real,
    )  # fmt: skip
    return ThresholdOut(parameter=parameter, now=now, proposed=found.value, false_dropped=found.false_dropped)


def _raised(rules: Sequence[CompiledRule], case: _Case) -> set[str]:
    """The keys of the rules that raise something while the alarm of the case lasted."""
    entry, alarm, readings = case
    replay = _replay(rules, entry)
    replay.take(readings)
    onset_ms, until_ms = to_ms(alarm.onset_at), _end_ms(alarm)
    return {
        one.rule_key
        for one in replay.episodes(until_ms=until_ms + 1)
        if one.onset_ms <= until_ms and (one.end_ms is None or one.end_ms >= onset_ms)
    }


def _replay(rules: Sequence[CompiledRule], entry: EquipmentEntry) -> Replay:
    laid_out = RuleSet.of(rules, [replace(entry, in_service=True)], life_safety=rules[0].rule.life_safety)
    return Replay(laid_out, on_failure=lambda _, __: None)


def _end_ms(alarm: LabelledAlarm) -> int:
    onset_ms = to_ms(alarm.onset_at)
    ended_ms = onset_ms + _LONGEST_MS if alarm.returned_at is None else to_ms(alarm.returned_at)
    return min(max(ended_ms, onset_ms), onset_ms + _LONGEST_MS)
