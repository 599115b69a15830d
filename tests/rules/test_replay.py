"""A replay of stored history raises what was raised live, however little of it the judge is asked about."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from building.reading import Reading, ReadingBatch
from building.severity import Severity
from kit.clock import SystemClock
from rules.replay.engine import Replay
from rules.replay.episode import Episode
from rules.rule import CompiledRule, Rule
from rules.rule_set import PairKey, RuleSet
from telemetry.duckdb_store import DuckDbStore
from telemetry.history import history
from tests.rules.plant import T0, at, batch, compiled, rule
from tests.rules.test_reorder import EQUIPMENT, RULES, episodes, judge, shuffled

OVER_TIME = [
    rule("mean", when="avg(pa, '20s') > 74"),
    rule("came-on", when="count(changed(ca) and ca == 1, '30s') >= 2", clear_for_ms=4_000),
    rule("stuck", when="not changed(pa, '30s')", for_ms=5_000),
]


def replay(rules: Sequence[Rule]) -> Replay:
    def fail(_rule: CompiledRule, error: Exception) -> None:
        raise error

    return Replay(RuleSet.of(compiled(rules), EQUIPMENT, life_safety=False), on_failure=fail)


def replayed(rules: Sequence[Rule], stretches: Iterable[ReadingBatch], *, until_ms: int) -> list[Episode]:
    it = replay(rules)
    for stretch in stretches:
        it.take(stretch)
    return it.episodes(until_ms=until_ms)


def as_told(found: Iterable[Episode]) -> dict[tuple[PairKey, int], int | None]:
    return {((one.rule_key, one.equipment_id), one.onset_ms): one.end_ms for one in found}


@settings(max_examples=60, deadline=None)
@given(shuffled(), st.integers(1, 20), st.booleans())
def test_what_came_live_in_any_order_is_raised_again_from_history_in_any_stretches(
    case: tuple[list[ReadingBatch], list[ReadingBatch]], size: int, over_time: bool
) -> None:
    by_time, arrivals = case
    rules = RULES + OVER_TIME if over_time else RULES
    newest_ms = max(reading.ts_ms for each in arrivals for reading in each)
    live = episodes(judge(rules), arrivals, tick=True)
    stretches = [ReadingBatch.concat(by_time[start : start + size]) for start in range(0, len(by_time), size)]
    assert as_told(replayed(rules, stretches, until_ms=newest_ms)) == live


async def test_the_store_gives_a_replay_what_the_live_judge_heard(tmp_path: Path) -> None:
    """The golden way: the same readings, late, twice and in no order, to the judge and to the store."""
    chance = np.random.default_rng(8)
    readings: list[Reading] = []
    for instant in range(0, 3_600, 10):
        for number in (1, 2):
            drift = 74 + 4 * float(np.sin(instant / 400 + number)) + float(chance.normal())
            readings += at(instant, equipment=number, pa=drift, pb=float(chance.choice([1.0, 5.0])))
            if chance.random() < 0.1:
                readings += at(instant, equipment=number, ca=float(chance.integers(2)))
    arrivals = sorted(readings, key=lambda one: one.ts_ms + float(chance.uniform(0, 90_000)))
    batches = [ReadingBatch.of(arrivals[start : start + 25]) for start in range(0, len(arrivals), 20)]
    rules = RULES + OVER_TIME
    live = episodes(judge(rules), batches, tick=True)
    until_ms = max(one.ts_ms for one in readings)

    it = replay(rules)
    async with DuckDbStore(tmp_path, clock=SystemClock()) as store:
        await store.append(list(enumerate(batches, start=1)))
        pages = 0
        async for page in history(store, it.point_nos, start_ms=T0, end_ms=until_ms + 1, readings=700):
            it.take(page.readings)
            pages += 1
    assert pages > 2
    assert len(live) > 50
    assert as_told(it.episodes(until_ms=until_ms)) == live


def test_silence_is_found_between_readings_and_at_the_end() -> None:
    silent = rule("silent", when=None, missing_ms=30_000)
    stretches = [batch(at(0, pa=1), at(10, pa=1)), batch(at(70, pa=1), at(80, equipment=2, pa=1))]
    found = replayed([silent], stretches, until_ms=T0 + 105_000)
    assert [(one.equipment_id.int, one.onset_ms - T0, one.end_ms and one.end_ms - T0) for one in found] == [
        (1, 40_000, 70_000), (1, 100_000, None),
    ]  # fmt: skip


def test_nothing_to_replay_raises_nothing() -> None:
    assert replayed([rule(when="pa > 75")], [ReadingBatch.empty()], until_ms=T0) == []


def test_levels_that_overlap_are_one_episode_of_the_worst() -> None:
    found = replayed(
        [
            rule("hot#warning", when="pa > 75", severity=Severity.WARNING),
            rule("hot#critical", when="pa > 85", severity=Severity.CRITICAL),
        ],
        [batch(at(0, pa=80), at(10, pa=90), at(20, pa=80), at(30, pa=60), at(40, pa=80))],
        until_ms=T0 + 50_000,
    )
    assert [(one.rule_key, one.severity, one.onset_ms - T0, one.end_ms and one.end_ms - T0) for one in found] == [
        ("hot", Severity.CRITICAL, 0, 30_000), ("hot", Severity.WARNING, 40_000, None),
    ]  # fmt: skip


def test_a_level_that_is_raised_before_the_rule_itself_is_the_same_alarm() -> None:
    levels = [
        rule("hot", when="pa > 75", severity=Severity.WARNING, for_ms=30_000),
        rule("hot#critical", when="pa > 85", severity=Severity.CRITICAL),
    ]
    readings = [at(0, pa=60), *(at(second, pa=90) for second in (10, 20, 30, 40)), at(50, pa=80), at(60, pa=60)]
    (found,) = replayed(levels, [batch(*readings)], until_ms=T0 + 70_000)
    assert (found.severity, found.onset_ms - T0, found.raised_ms - T0, found.end_ms) == (
        Severity.CRITICAL, 10_000, 10_000, T0 + 60_000,
    )  # fmt: skip


def test_a_level_that_was_over_before_the_rule_was_raised_is_an_alarm_of_its_own() -> None:
    levels = [
        rule("hot", when="pa > 75", severity=Severity.WARNING, for_ms=30_000),
        rule("hot#critical", when="pa > 85", severity=Severity.CRITICAL),
    ]
    heats = {0: 60, 10: 80, 20: 90, 30: 80, 40: 80, 50: 60}
    found = replayed(levels, [batch(*(at(s, pa=pa) for s, pa in heats.items()))], until_ms=T0 + 60_000)
    assert [(one.severity, one.raised_ms - T0, one.end_ms and one.end_ms - T0) for one in found] == [
        (Severity.WARNING, 40_000, 50_000), (Severity.CRITICAL, 20_000, 30_000),
    ]  # fmt: skip


def test_a_quiet_year_asks_the_judge_about_next_to_nothing() -> None:
    it = replay([rule(when="pa > 75", for_ms=20_000)])
    asked = 0
    judge_slots = it._judge.judge_slots

    def counted(slots: np.ndarray, ts_ms: np.ndarray, values: np.ndarray, *, now_ms: int) -> object:
        nonlocal asked
        asked += len(slots)
        return judge_slots(slots, ts_ms, values, now_ms=now_ms)

    it._judge.judge_slots = counted  # type: ignore[assignment]
    ts_ms = T0 + np.arange(10_000) * 10_000
    value = np.where(np.isin(np.arange(10_000), [5_000, 5_001, 5_002, 5_003]), 80.0, 60.0)
    it.take(ReadingBatch(np.full(10_000, 10, np.int32), ts_ms, value, np.zeros(10_000, np.uint8)))
    (found,) = it.episodes(until_ms=int(ts_ms[-1]))
    assert (found.onset_ms, found.raised_ms, found.end_ms) == tuple(
        T0 + at_s * 1000 for at_s in (50_000, 50_020, 50_040)
    )
    assert asked < 10
