"""Levels of a rule: one alarm that becomes worse and better, however its readings come and whoever judges them."""

import random
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.detection import Detection, in_order
from alarms.ledger import Ledger, OpenBook
from alarms.lifecycle import AlarmState
from alarms.transition import TransitionKind
from building.reading import Reading, ReadingBatch
from building.severity import Severity
from kit.clock import from_ms, to_ms
from rules import errors
from rules.reorder import WINDOW_MS, OrderedJudge
from rules.rule import CompiledRule, Level, Rule
from rules.rule_set import RuleSet
from tests.rules.plant import T0, at, batch, compiled, entry, rule

HOT = rule(
    "hot",
    when="pa > 75",
    clear="pa < 70",
    severity=Severity.WARNING,
    message={"zh-CN": "温度 {pa}", "en": "At {pa}"},
    levels=(
        Level(severity=Severity.MAJOR, when="pa > 80"),
        Level(severity=Severity.CRITICAL, when="pa > 85", clear="pa < 80"),
    ),
)
SLOW = rule(
    "slow",
    when="pa > 75",
    for_ms=25_000,
    clear_for_ms=12_000,
    severity=Severity.MINOR,
    levels=(Level(severity=Severity.MAJOR, when="pa > 85 and pb > 4", for_ms=7_000, clear_for_ms=15_000),),
)
TREND = rule(
    "trend",
    when="avg(pa, '30s') > 75",
    severity=Severity.MINOR,
    levels=(Level(severity=Severity.CRITICAL, when="max(pa, '30s') > 85"),),
)
EQUIPMENT = [entry(1), entry(2)]
BY_ID = {one.equipment_id: one for one in EQUIPMENT}
RAISED, RETURNED = TransitionKind.RAISED, TransitionKind.RETURNED
ESCALATED, DOWNGRADED = TransitionKind.ESCALATED, TransitionKind.DOWNGRADED


class Books:
    """The real ledger in memory, a batch at a time."""

    def __init__(self) -> None:
        self.book = OpenBook()
        self.moves: list[tuple[str, Severity, float]] = []

    def enter(self, detections: Iterable[Detection]) -> None:
        ledger = Ledger(self.book, now=from_ms(T0))
        for detection in in_order(detections):
            ledger.enter(detection, BY_ID[detection.equipment_id])
        self.moves += [
            (entry.kind, Severity(str(entry.severity)), (to_ms(entry.at) - T0) / 1000) for _, entry in ledger.moves
        ]

    def episodes(self) -> dict[tuple[UUID, str, int], int | None]:
        """(equipment, level, onset) → end. Without those that were withdrawn."""
        found = {
            (equipment_id, level, onset_ms): None if each.ended_at is None else to_ms(each.ended_at)
            for (equipment_id, _, level, onset_ms), each in self.book.episodes.items()
        }
        return {key: end_ms for key, end_ms in found.items() if end_ms is None or end_ms > key[2]}

    def present(self) -> dict[tuple[UUID, str], str]:
        """What is present, and how bad; it agrees with the levels that last."""
        worst: dict[tuple[UUID, str], Severity] = {}
        for (equipment_id, level, _), end_ms in self.episodes().items():
            key, severity = (equipment_id, level.partition("#")[0]), SEVERITIES[level]
            if end_ms is None and severity.rank < worst.get(key, Severity.WARNING).rank + 1:
                worst[key] = severity
        told = {(key[0], key[2]): alarm.severity for key, alarm in self.book.alarms.items() if alarm.is_present}
        assert told == {key: severity.value for key, severity in worst.items()}
        assert all(alarm.severity_rank == Severity(alarm.severity).rank for alarm in self.book.alarms.values())
        return told


SEVERITIES = {
    each.rule.key: each.rule.severity for one in compiled([HOT, SLOW, TREND]) for each in one.judged
}  # fmt: skip


def judge(*rules: Rule) -> OrderedJudge:
    def fail(_rule: CompiledRule, error: Exception) -> None:
        raise error

    return OrderedJudge(RuleSet.of(compiled(rules), EQUIPMENT, life_safety=False), on_failure=fail)


def moves(*temperatures: float, equipment: int = 1) -> list[tuple[str, Severity, float]]:
    """Of HOT, a reading every 10 s."""
    it, books = judge(HOT), Books()
    for place, value in enumerate(temperatures):
        books.enter(it.judge(batch(at(place * 10, equipment=equipment, pa=value)), now_ms=T0).detections)
    return books.moves


def test_an_alarm_becomes_worse_and_better_by_its_levels_and_ends_once() -> None:
    assert moves(60, 78, 82, 90, 82, 79, 72, 65) == [
        (RAISED, Severity.WARNING, 10), (ESCALATED, Severity.MAJOR, 20), (ESCALATED, Severity.CRITICAL, 30),
        (DOWNGRADED, Severity.WARNING, 50), (RETURNED, Severity.WARNING, 70),
    ]  # fmt: skip


def test_what_is_critical_at_once_is_raised_once_and_ends_once() -> None:
    assert moves(60, 90, 60) == [(RAISED, Severity.CRITICAL, 10), (RETURNED, Severity.CRITICAL, 20)]


def test_a_worse_alarm_asks_again_whoever_knew_and_a_better_one_does_not() -> None:
    it, books = judge(HOT), Books()
    books.enter(it.judge(batch(at(0, pa=78)), now_ms=T0).detections)
    [alarm] = books.book.alarms.values()
    alarm.state = AlarmState.ACKED
    books.enter(it.judge(batch(at(10, pa=90)), now_ms=T0).detections)
    assert (alarm.state, alarm.episodes, alarm.message["en"]) == (AlarmState.UNACKED, 1, "At 90")
    alarm.state = AlarmState.ACKED
    books.enter(it.judge(batch(at(20, pa=78)), now_ms=T0).detections)
    assert (alarm.state, alarm.severity, alarm.message["en"]) == (AlarmState.ACKED, Severity.WARNING, "At 78")
    books.enter(it.judge(batch(at(30, pa=60)), now_ms=T0).detections)
    assert alarm.state == AlarmState.NORMAL


def test_after_somebody_cleared_it_by_hand_a_worse_level_is_an_alarm_of_its_own() -> None:
    it, books = judge(HOT), Books()
    books.enter(it.judge(batch(at(0, pa=78)), now_ms=T0).detections)
    books.book.alarms.clear()
    books.enter(it.judge(batch(at(10, pa=90), at(20, pa=82), at(30, pa=78)), now_ms=T0).detections)
    assert [move[:2] for move in books.moves[1:]] == [
        (RAISED, Severity.CRITICAL), (RETURNED, Severity.CRITICAL),
    ]  # fmt: skip


@pytest.mark.parametrize(("when", "refusal"), [("pa >", errors.ExpressionUnreadable), ("px > 1", errors.UnknownName)])
def test_a_level_is_checked_like_its_rule(when: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        compiled([rule(when="pa > 1", levels=(Level(severity=Severity.CRITICAL, when=when),))])


def naive(temperatures: Sequence[float]) -> list[Severity | None]:
    """How bad HOT is after each reading, by hand."""
    warning = critical = False
    found: list[Severity | None] = []
    for value in temperatures:
        warning = value > 75 or (warning and value >= 70)
        critical = value > 85 or (critical and value >= 80)
        present = {Severity.WARNING: warning, Severity.MAJOR: value > 80, Severity.CRITICAL: critical}
        found.append(min((s for s, holds in present.items() if holds), key=lambda s: s.rank, default=None))
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([60.0, 72.0, 78.0, 82.0, 90.0]), max_size=25))
def test_an_alarm_is_always_as_bad_as_the_worst_level_that_lasts(temperatures: list[float]) -> None:
    it, books = judge(HOT), Books()
    for place, (value, worst) in enumerate(zip(temperatures, naive(temperatures), strict=True)):
        books.enter(it.judge(batch(at(place * 10, pa=value)), now_ms=T0).detections)
        assert books.present() == ({} if worst is None else {(EQUIPMENT[0].equipment_id, "hot"): worst.value})


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[list[ReadingBatch], list[ReadingBatch]]:
    """Readings by time, an instant a batch; and the same in another order within the window, some twice, cut anyhow."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    step_s = draw(st.sampled_from([3, 10]))
    instants: list[list[Reading]] = []
    for instant in range(draw(st.integers(2, 14))):
        said: list[Reading] = []
        for number in (1, 2):
            values: dict[str, Any] = {"pa": chance.choice([60.0, 72.0, 78.0, 82.0, 90.0]), "pb": chance.choice([1, 5])}
            some = {key: value for key, value in values.items() if chance.random() < 0.7}
            said += at(instant * step_s, equipment=number, **some)
        if said:
            instants.append(said)
    readings = [reading for said in instants for reading in said]
    readings += [reading for reading in readings if chance.random() < 0.2]
    delay_ms = draw(st.sampled_from([5_000, 30_000, WINDOW_MS]))
    arrived = sorted(readings, key=lambda reading: reading.ts_ms + chance.randrange(delay_ms))
    cuts: list[ReadingBatch] = []
    while arrived:
        size = chance.randint(1, 12)
        cuts.append(ReadingBatch.of(arrived[:size]))
        arrived = arrived[size:]
    return [ReadingBatch.of(said) for said in instants], cuts


def outcome(batches: Sequence[ReadingBatch], *, restart: int = -1, tick: bool = False) -> tuple[Any, Any]:
    """Episodes and alarms that are left. At `restart` another judge begins from readings and books alone."""
    rules = (HOT, SLOW, TREND)
    it, books, newest = judge(*rules), Books(), T0
    for place, each in enumerate(batches):
        if place == restart:
            it = judge(*rules)
            for before in batches[:place]:
                it.judge(before, now_ms=newest)
            it.adopt({(level, id_): onset for (id_, level, onset), end in books.episodes().items() if end is None})
        newest = max([newest, *each.ts_ms.tolist()])
        books.enter(it.judge(each, now_ms=newest).detections)
        if tick:
            books.enter(it.tick(now_ms=newest, settled_ms=newest - 2_000))
    books.enter(it.tick(now_ms=newest + 1_000_000, settled_ms=newest))
    return books.episodes(), books.present()


@settings(max_examples=20, deadline=None)
@given(shuffled(), st.booleans())
def test_any_order_and_any_cut_give_the_same_stretches_and_severities(
    case: tuple[list[ReadingBatch], list[ReadingBatch]], tick: bool
) -> None:
    by_time, anyhow = case
    expected = outcome(by_time)
    assert outcome(anyhow, tick=tick) == expected
    assert outcome([ReadingBatch.concat(by_time)] if by_time else []) == expected


@settings(max_examples=15, deadline=None)
@given(shuffled(), st.integers(0, 13))
def test_a_restart_anywhere_changes_nothing(case: tuple[list[ReadingBatch], list[ReadingBatch]], restart: int) -> None:
    by_time, _ = case
    assert outcome(by_time, restart=restart) == outcome(by_time)
