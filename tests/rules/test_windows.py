"""Functions over time: as a plain loop over the readings would have them, however readings arrive and whoever asks."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from building.reading import Reading, ReadingBatch
from rules.judge import Judge
from rules.reorder import OrderedJudge
from rules.rule import CompiledRule
from rules.rule_set import RuleSet
from tests.rules.plant import T0, at, batch, compiled, entry, judge, judged, rule, ticked
from tests.rules.test_judge import episodes
from tests.rules.test_reorder import Books, shuffled
from tests.rules.test_reorder import judge as ordered

RULES = (
    rule("mean", when="avg(pa, '1m') > 70", clear="avg(pa, '40s') < 66 or max(ca, '30s') < 1", for_ms=8_000),
    rule("held", when="avg(ca, '40s') > 0.5 and min(pb, '1m') < 4 and age(cb) < 40", clear_for_ms=6_000),
    rule("times", when="count(ca == 1 and changed(ca), '1m') >= 2 or previous(pb) > pb"),
    rule("moves", when="abs(rate(pa, '30s')) > 9 or delta(ca, '45s') > 0 or std(pa, '50s') > 7", for_ms=5_000),
    rule("quiet", when="age(pb) > 14 or not changed(pa, '35s')", for_ms=4_000),
)
# (seconds since the reading before, value)
READINGS = st.lists(st.tuples(st.integers(1, 45), st.integers(-3, 9)), min_size=1, max_size=25)


def said(point: str, second: float, value: float) -> list[Reading]:
    values = {point: value}
    return at(second, equipment=1, **values)


class Plain:
    """A point's readings in a list, and every function as a loop over it. Seconds."""

    def __init__(self, readings: Sequence[tuple[float, float]], *, hold: float, is_steady: bool) -> None:
        self.readings, self.hold, self.is_steady = readings, hold, is_steady

    def at(self, t: float) -> float:
        heard = [(s, v) for s, v in self.readings if s <= t]
        return heard[-1][1] if heard and t - heard[-1][0] <= self.hold else math.nan

    def inside(self, t: float, window: float) -> list[tuple[float, float]]:
        return [(s, v) for s, v in self.readings if t - window < s <= t]

    def is_known(self, t: float, window: float) -> bool:
        """Whether it had a value through all of the window: looked at wherever that may end."""
        ends = [s - 0.001 for s, _ in self.readings if t - window < s <= t]
        return not any(math.isnan(self.at(each)) for each in [t - window, *ends, t])

    def values(self, t: float, window: float) -> list[tuple[float, float]]:
        """(value, how much it counts)"""
        if not self.is_steady:
            return [(v, 1.0) for _, v in self.inside(t, window)]
        steps = [(t - window, self.at(t - window)), *self.inside(t, window)]
        ends = [s for s, _ in steps[1:]] + [t]
        return [(v, end - s) for (s, v), end in zip(steps, ends, strict=True)]

    def mean(self, t: float, window: float, of: Callable[[float], float] = float) -> float:
        parts = self.values(t, window)
        weight = sum(w for _, w in parts)
        return sum(of(v) * w for v, w in parts) / weight if weight else math.nan

    def std(self, t: float, window: float) -> float:
        mean = self.mean(t, window)
        return math.sqrt(self.mean(t, window, lambda v: (v - mean) ** 2))

    def extreme(self, t: float, window: float, pick: Callable[[list[float]], float]) -> float:
        held = [self.at(t - window)] if self.is_steady else []
        values = held + [v for _, v in self.inside(t, window)]
        return pick(values) if values else math.nan

    def rises(self, t: float, window: float) -> float:
        before = [v for s, v in self.readings if s <= t - window][-1:]
        values = before + [v for _, v in self.inside(t, window)]
        return sum(b > a and b > 2 for a, b in pairwise(values))

    def last_two(self, t: float) -> list[float] | None:
        heard = [(s, v) for s, v in self.readings if s <= t][-2:]
        if len(heard) < 2 or t - heard[1][0] > self.hold or heard[1][0] - heard[0][0] > self.hold:
            return None
        return [v for _, v in heard]


PLAINLY: dict[str, Callable[[Plain, float], float]] = {
    "avg({p}, '1m')": lambda p, t: p.mean(t, 60),
    "std({p}, '90s')": lambda p, t: p.std(t, 90),
    "min({p}, '45s')": lambda p, t: p.extreme(t, 45, min),
    "max({p}, '2m')": lambda p, t: p.extreme(t, 120, max),
    "delta({p}, '1m')": lambda p, t: p.at(t) - p.at(t - 60),
    "rate({p}, '30s')": lambda p, t: (p.at(t) - p.at(t - 30)) * 2,
    "count({p} > previous({p}) and {p} > 2, '2m')": lambda p, t: p.rises(t, 120),
}
WINDOW_S = {"1m": 60, "90s": 90, "45s": 45, "2m": 120, "30s": 30}


def found(it: Judge, t: float) -> float:
    """What the only function of the only rule gives at an instant."""
    group, pairs = it.rules.groups[0], np.array([0])
    with np.errstate(all="ignore"):
        return float(it._frame(group, pairs, np.array([T0 + round(t * 1000)])).signals[0, 0])


@pytest.mark.parametrize("text", PLAINLY)
@pytest.mark.parametrize("point", ["pa", "ca"])
@settings(max_examples=15, deadline=None)
@given(steps=READINGS, looks=st.lists(st.integers(0, 700), min_size=1, max_size=8))
def test_a_window_is_what_a_plain_loop_would_make_of_it(
    text: str, point: str, steps: list[tuple[int, int]], looks: list[int]
) -> None:
    readings, second = [], 0
    for step, value in steps:
        second += step
        readings.append((float(second), float(value)))
    it = judge(rule(when=f"{text.format(p=point)} > 0"))
    it.remember(batch(*(said(point, s, v) for s, v in readings)))
    plain = Plain(readings, hold=30 if point == "pa" else 3600, is_steady=point == "ca")
    for look in looks:
        window = WINDOW_S[text.split("'")[1]]
        expected = PLAINLY[text](plain, look) if plain.is_known(look, window) else math.nan
        assert found(it, look) == pytest.approx(expected, nan_ok=True, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(steps=READINGS, looks=st.lists(st.integers(0, 700), min_size=1, max_size=8))
def test_the_last_two_readings_are_those_before_the_instant(steps: list[tuple[int, int]], looks: list[int]) -> None:
    seconds_of = np.cumsum([step for step, _ in steps]).tolist()
    readings = [(float(s), float(v)) for s, (_, v) in zip(seconds_of, steps, strict=True)]
    plain = Plain(readings, hold=30, is_steady=False)
    before, changed = judge(rule(when="previous(pa) > 0")), judge(rule(when="changed(pa)"))
    for it in (before, changed):
        it.remember(batch(*(at(s, pa=v) for s, v in readings)))
    for look in looks:
        two = plain.last_two(look)
        expected = (math.nan, math.nan) if two is None else (two[0], float(two[0] != two[1]))
        assert (found(before, look), found(changed, look)) == pytest.approx(expected, nan_ok=True)


@settings(max_examples=8, deadline=None)
@given(shuffled(), st.booleans(), st.integers(0, 40))
def test_any_order_gives_what_one_by_one_in_order_gives_and_so_does_a_restart(
    case: tuple[list[ReadingBatch], list[ReadingBatch]], tick: bool, cut: int
) -> None:
    in_order, anyhow = case
    newest = max(int(each.ts_ms.max()) for each in in_order)
    end_ms = newest + 1_000_000

    def told(it: OrderedJudge, batches: Sequence[ReadingBatch], *, ticking: bool, restart: int = -1) -> object:
        books, now_ms = Books(), T0
        for place, each in enumerate(batches):
            if place == restart:
                fresh = ordered(RULES)
                fresh.take_over(it)
                it = fresh
            now_ms = max(now_ms, int(each.ts_ms.max()))
            books.enter(it.judge(each, now_ms=now_ms).detections)
            if ticking:
                books.enter(it.tick(now_ms=now_ms, settled_ms=now_ms - 2_000))
        books.enter(it.tick(now_ms=end_ms, settled_ms=newest))
        return books.true()

    expected = told(ordered(RULES), in_order, ticking=False)
    assert told(ordered(RULES), anyhow, ticking=tick, restart=cut) == expected
    plain = judge(*RULES, equipment=[entry(1), entry(2)])
    together = plain.judge(ReadingBatch.concat(in_order), now_ms=T0).detections
    together += plain.tick(now_ms=end_ms, settled_ms=newest)
    apart = judge(*RULES, equipment=[entry(1), entry(2)])
    one_by_one = [d for each in in_order for d in apart.judge(each, now_ms=T0).detections]
    one_by_one += apart.tick(now_ms=end_ms, settled_ms=newest)
    assert episodes(together) == episodes(one_by_one)


# --- time alone ----------------------------------------------------------------------------------------------------


def test_silence_of_a_point_raises_at_the_very_instant_its_age_is_passed() -> None:
    it = judge(rule(when="age(ca) > limit", params={"limit": 90}))
    assert judged(it, at(0, ca=1)) == []
    assert ticked(it, 90) == []
    assert ticked(it, 500) == [(True, 90.001, 90.001)]
    assert judged(it, at(600, ca=1)) == [(False, 90.001, 600)]


def test_a_count_goes_down_when_readings_leave_the_window_though_none_comes() -> None:
    it = judge(rule(when="count(changed(ca) and ca == 1, '1m') >= 2"))
    door = [at(s, ca=s % 2) for s in (0, 61, 62, 63)]
    assert judged(it, *door) == [(True, 63, 63)]
    assert ticked(it, 120) == []
    assert ticked(it, 125) == [(False, 63, 121)]


def test_an_average_of_held_values_moves_while_nothing_comes() -> None:
    it = judge(rule(when="avg(ca, '1m') > 0.5"))
    judged(it, at(0, ca=0), at(100, ca=1))
    assert ticked(it, 200) == [(True, 131, 131)]


def test_the_next_reading_finds_out_what_no_tick_told() -> None:
    it = judge(rule(when="age(ca) > 90", for_ms=60_000))
    assert judged(it, at(0, ca=1), at(600, ca=1)) == [(True, 90.001, 150.001), (False, 90.001, 600)]


# --- gaps ----------------------------------------------------------------------------------------------------------


def test_a_gap_in_a_window_makes_it_not_known_until_the_gap_has_left_it() -> None:
    it = judge(rule(when="avg(pa, '1m') > 5"))
    steady = [at(s, pa=9) for s in range(0, 61, 10)]
    assert judged(it, *steady) == [(True, 60, 60)], "not before a whole minute was heard"
    assert judged(it, *(at(s, pa=0) for s in range(200, 260, 10))) == []
    assert judged(it, at(260, pa=0)) == [(False, 60, 260)]


def test_a_reading_without_a_value_is_as_one_that_never_came() -> None:
    it = judge(rule(when="min(pa, '1m') > 5"))
    readings = [at(s, pa=9 if s != 30 else math.nan) for s in range(0, 61, 10)]
    assert judged(it, *readings) == [(True, 60, 60)]


def test_zero_counts_in_a_window() -> None:
    assert judged(judge(rule(when="avg(pa, '20s') < 1")), *(at(s, pa=0) for s in (0, 10, 20))) == [(True, 20, 20)]


# --- carrying on ---------------------------------------------------------------------------------------------------


def test_other_rules_over_the_same_point_keep_its_past() -> None:
    old = judge(rule("a", when="avg(pa, '1m') > 5"))
    judged(old, *(at(s, pa=4) for s in range(0, 61, 10)))
    fresh = judge(rule("b", when="max(pa, '40s') > 5"))
    fresh.succeed(old, now_ms=T0)
    assert judged(fresh, at(70, pa=6)) == [(True, 70, 70)]


def test_a_judge_that_was_told_the_past_goes_on_as_one_that_heard_it() -> None:
    it = judge(rule(when="delta(ca, '1h') > 5 and age(pa) > 20"))
    it.remember(batch(at(-4000, ca=1), at(-2000, ca=2)))
    it.seed(batch(at(-10, ca=9, pa=1)))
    assert ticked(it, 5) == []
    assert ticked(it, 15) == [(True, 10.001, 10.001)]


def test_a_rule_that_fails_while_time_passes_stops_nobody() -> None:
    failed = []

    def explode(_frame: object) -> object:
        raise RuntimeError

    rules = compiled([rule("good", when="age(ca) > 5"), rule("bad", when="age(ca) > 5")])
    object.__setattr__(next(c for c in rules if c.rule.key == "bad").when, "run", explode)
    layout = RuleSet.of(rules, [entry(1)], life_safety=False)

    def note(which: CompiledRule, _error: Exception) -> None:
        failed.append(which.rule.key)

    it = Judge(layout, on_failure=note)
    assert judged(it, at(0, ca=1)) == []
    assert ticked(it, 10) == [(True, 5.001, 5.001)]
    assert set(failed) == {"bad"}


def test_memory_follows_the_window_and_not_what_has_passed() -> None:
    it = judge(rule(when="avg(pa, '1m') > 1e6"))
    for start in range(0, 600, 10):
        it.judge(ReadingBatch.of([Reading(10, T0 + (start + n) * 1000, 1.0) for n in range(10)]), now_ms=T0)
    assert 60 <= it.history.readings < 300
    assert found(it, 599) == 1.0


def test_of_a_point_that_chatters_the_window_is_not_known_rather_than_memory_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rules.history.MOST_READINGS", 50)
    it = judge(rule(when="count(ca >= 0, '30m') > 1e6"))
    for second in range(500):
        judged(it, at(second, ca=second % 2))
    assert it.history.readings < 150
    assert math.isnan(found(it, 499))
