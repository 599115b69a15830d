"""Readings in any order within the window, however often and in whatever batches: the same episodes."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.detection import Detection
from alarms.ledger import Ledger, OpenBook
from building.reading import Reading, ReadingBatch
from kit.clock import from_ms, to_ms
from rules.reorder import WINDOW_MS, OrderedJudge
from rules.rule import CompiledRule, Rule
from rules.rule_set import PairKey, RuleSet
from tests.rules.plant import T0, at, batch, compiled, entry, rule, seconds

RULES = [
    rule("hot", when="pa > 75"),
    rule("long", when="pa > 75", for_ms=25_000),
    rule("band", when="pa > 75", clear="pa < 70", clear_for_ms=15_000),
    rule("both", when="pa > 75 and pb > 4"),
    rule("door", when="ca == 1", for_ms=7_000, clear_for_ms=3_000),
]
EQUIPMENT = [entry(1), entry(2)]
BY_ID = {one.equipment_id: one for one in EQUIPMENT}


class Books:
    """The real ledger of alarms, in memory: (pair, onset) → end, None while it lasts."""

    def __init__(self) -> None:
        self.book = OpenBook()

    def enter(self, detections: Iterable[Detection]) -> None:
        ledger = Ledger(self.book, now=from_ms(T0))
        for detection in sorted(detections, key=lambda d: d.at_ms):
            ledger.enter(detection, BY_ID[detection.equipment_id])

    def true(self) -> dict[tuple[PairKey, int], int | None]:
        """Without those that were withdrawn: an alarm is present while one of its stretches lasts."""
        stretches: dict[tuple[PairKey, int], int | None] = {}
        for (equipment_id, _, rule_key, onset_ms), episode in self.book.episodes.items():
            end_ms = None if episode.ended_at is None else to_ms(episode.ended_at)
            if end_ms is None or end_ms > onset_ms:
                stretches[(rule_key, equipment_id), onset_ms] = end_ms
        lasting = {pair for (pair, _), end_ms in stretches.items() if end_ms is None}
        present = {(key[2], key[0]) for key, alarm in self.book.alarms.items() if alarm.is_present}
        assert present == lasting
        return stretches


def judge(rules: Sequence[Rule] = RULES, *, window_ms: int = WINDOW_MS) -> OrderedJudge:
    def fail(_rule: CompiledRule, error: Exception) -> None:
        raise error

    return OrderedJudge(RuleSet.of(compiled(rules), EQUIPMENT, life_safety=False), on_failure=fail, window_ms=window_ms)


def episodes(
    it: OrderedJudge, batches: Iterable[ReadingBatch], *, tick: bool = False
) -> dict[tuple[PairKey, int], int | None]:
    books, newest = Books(), T0
    for each in batches:
        newest = max([newest, *each.ts_ms.tolist()])
        books.enter(it.judge(each, now_ms=newest).detections)
        if tick:
            books.enter(it.tick(now_ms=newest, settled_ms=newest - 2_000))
    books.enter(it.tick(now_ms=newest + 1_000_000, settled_ms=newest))
    return books.true()


def one_by_one(readings: Iterable[Reading]) -> list[ReadingBatch]:
    return [ReadingBatch.of([reading]) for reading in readings]


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[list[ReadingBatch], list[ReadingBatch]]:
    """Readings by time, an instant a batch; and the same in another order within the window, some twice, cut anyhow."""
    count = draw(st.integers(2, 15))
    step_s = draw(st.sampled_from([1, 3, 10]))
    chance = random.Random(draw(st.integers(0, 2**32)))
    readings: list[Reading] = []
    for instant in range(count):
        for number in (1, 2):
            said = {
                "pa": chance.choice([60.0, 72.0, 80.0]), "pb": chance.choice([1.0, 5.0]),
                "ca": chance.choice([0.0, 1.0]),
            }  # fmt: skip
            readings += at(
                instant * step_s, equipment=number, **{k: v for k, v in said.items() if chance.random() < 0.6}
            )
    by_time = sorted(readings, key=lambda r: r.ts_ms)
    instants = [[r for r in by_time if r.ts_ms == ts_ms] for ts_ms in sorted({r.ts_ms for r in by_time})]
    delay_ms = draw(st.sampled_from([5_000, 30_000, WINDOW_MS]))
    twice = [reading for reading in readings if chance.random() < 0.2]
    arrivals = sorted(
        ((r.ts_ms + chance.randrange(delay_ms), place, r) for place, r in enumerate(readings + twice)),
        key=lambda a: a[:2],
    )
    order, batches = [r for _, _, r in arrivals], []
    while order:
        size = chance.randint(1, 12)
        batches.append(ReadingBatch.of(order[:size]))
        order = order[size:]
    return [ReadingBatch.of(some) for some in instants], batches


@settings(max_examples=100, deadline=None)
@given(shuffled(), st.booleans())
def test_any_order_any_cut_and_duplicates_give_the_same_episodes(
    case: tuple[list[ReadingBatch], list[ReadingBatch]], tick: bool
) -> None:
    in_order, anyhow = case
    assert episodes(judge(), anyhow, tick=tick) == episodes(judge(), in_order)


@settings(max_examples=40, deadline=None)
@given(shuffled(), st.integers(1, 20))
def test_settling_at_any_instant_changes_nothing(
    case: tuple[list[ReadingBatch], list[ReadingBatch]], every: int
) -> None:
    in_order, anyhow = case
    it, books = judge(), Books()
    for place, each in enumerate(anyhow):
        books.enter(it.judge(each, now_ms=T0).detections)
        if place % every == 0:
            it._settle()
    expected = Books()
    ordered = judge()
    for each in in_order:
        expected.enter(ordered.judge(each, now_ms=T0).detections)
    assert books.true() == expected.true()


def told(it: OrderedJudge, *readings: Iterable[Reading]) -> list[tuple[bool, float, float]]:
    return seconds(it.judge(batch(*readings), now_ms=T0).detections)


def test_a_reading_that_comes_late_raises_what_it_says() -> None:
    it = judge([rule(when="pa > 75")])
    assert told(it, at(0, pa=60), at(20, pa=60)) == []
    assert told(it, at(10, pa=80)) == [(True, 10, 10), (False, 10, 20)]


def test_a_late_reading_that_breaks_a_duration_takes_the_alarm_back() -> None:
    it = judge([rule(when="pa > 75", for_ms=25_000)])
    assert told(it, at(0, pa=80), at(10, pa=80), at(30, pa=80)) == [(True, 0, 25)]
    assert told(it, at(20, pa=60)) == [(False, 0, 0)]


def test_a_late_onset_is_the_onset() -> None:
    it = judge([rule(when="pa > 75")])
    assert told(it, at(10, pa=80)) == [(True, 10, 10)]
    assert sorted(told(it, at(5, pa=80))) == [(False, 10, 10), (True, 5, 5)]
    assert told(it, at(20, pa=60)) == [(False, 5, 20)]


def test_what_is_older_than_the_window_changes_nothing() -> None:
    it = judge([rule(when="pa > 75")])
    assert told(it, at(0, pa=60), at(200, pa=60)) == []
    assert told(it, at(10, pa=80)) == []


def test_duplicates_of_the_newest_are_not_judged_again() -> None:
    it = judge([rule(when="pa > 75")])
    for _ in range(3):
        told(it, at(0, pa=80))
    assert not it._strays(it.rules.slots_of(np.array([10], np.int32)), np.array([T0])).any()


def test_a_hub_that_saw_the_future_takes_back_what_it_told() -> None:
    """Its clock stood two hours ahead for a second, so that a duration seemed full."""
    it = judge([rule(when="ca == 1", for_ms=60_000)])
    books = Books()
    books.enter(it.judge(batch(at(0, ca=1)), now_ms=T0).detections)
    books.enter(it.tick(now_ms=T0 + 7_200_000, settled_ms=T0 + 7_198_000))
    books.enter(it.tick(now_ms=T0 + 5_000, settled_ms=T0 + 3_000))
    books.enter(it.judge(batch(at(10, ca=0)), now_ms=T0 + 10_000).detections)
    assert books.true() == {}
    books.enter(it.judge(batch(at(20, ca=1)), now_ms=T0 + 20_000).detections)
    books.enter(it.judge(batch(at(90, ca=1)), now_ms=T0 + 90_000).detections)
    assert list(books.true().values()) == [None]


def test_what_a_new_text_found_by_itself_is_taken_back_by_a_reading_that_was_on_its_way() -> None:
    old = judge([rule(when="ca > 80")])
    assert told(old, at(0, ca=75)) == []
    it = judge([rule(when="ca > 70", version=2)])
    assert it.succeed(old, now_ms=T0 + 99_000) == []
    assert seconds(it.tick(now_ms=T0 + 102_000, settled_ms=T0 + 100_000)) == [(True, 99, 99)]
    assert told(it, at(95, ca=60)) == [(False, 99, 99)]
    assert told(it, at(120, ca=75)) == [(True, 120, 120)]


def test_silence_is_told_as_before() -> None:
    quiet: Any = {"when": None, "missing_ms": 30_000}
    it = judge([rule("silent", **quiet)])
    it.listen_from(T0)
    assert told(it, at(0, pa=1)) == []
    assert seconds(it.tick(now_ms=T0 + 40_000, settled_ms=T0)) == [(True, 30, 40)]
    assert told(it, at(50, pa=1)) == [(False, 30, 50)]


def test_memory_is_bounded_whatever_comes(monkeypatch: Any) -> None:
    monkeypatch.setattr("rules.reorder.MOST_RECENT", 1_000)
    it = judge([rule(when="pa > 75")])
    for instant in range(5_000):
        it.judge(batch(at(instant / 100, pa=60)), now_ms=T0)
    assert len(it._recent) <= 1_001
    assert 1_000 < it.window_ms < WINDOW_MS, "the window says that it is shorter"
    for instant in range(200):
        it.judge(batch(at(1_000 + instant, pa=60)), now_ms=T0)
    it.tick(now_ms=T0 + 2_000_000, settled_ms=T0 + 1_300_000)
    assert it.window_ms == WINDOW_MS
