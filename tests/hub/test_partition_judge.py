"""From deliveries to detections: what is too old, ahead, late, missing or seen before."""

from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from building.reading import Reading, ReadingBatch
from bus.delivery import Delivery
from catalog.directory import Directory
from hub.judge_meters import JudgeMeters
from hub.partition_judge import PartitionJudge
from rules.reorder import OrderedJudge
from rules.rule_set import RuleSet
from tests.rules.plant import KEYS, T0, compiled, entry, rule

DIRECTORY = Directory.of(1, [entry(1)])
HOUR_S = 3600


class Line:
    """A partition under judgement and deliveries for it."""

    def __init__(self, *, life_safety: bool) -> None:
        self.registry = CollectorRegistry()
        rules = compiled([rule(when="pa > 75"), rule("safety", when="sa", life_safety=True)])
        layout = RuleSet.of(rules, [entry(1)], life_safety=life_safety)
        judge = OrderedJudge(layout, on_failure=lambda rule, error: None)
        self.judged = PartitionJudge(
            judge, partition=1, epoch=1, life_safety=life_safety, meters=JudgeMeters(self.registry)
        )
        self._life_safety = life_safety

    def delivery(self, sequence: int, *, arrived_s: float, consumer: int = 0, at_s: float, **values: float) -> Delivery:
        """Readings of `at_s` that the bus took at `arrived_s`, seconds after T0."""
        readings = [Reading(10 + KEYS.index(key), T0 + int(at_s * 1000), float(value)) for key, value in values.items()]
        message: Any = None
        arrived_ms = T0 + int(arrived_s * 1000)
        return Delivery(ReadingBatch.of(readings), sequence, consumer, arrived_ms, 1, self._life_safety, message)

    def take(self, *deliveries: Delivery) -> list[tuple[bool, float]]:
        found = self.judged.take(deliveries, DIRECTORY, now_ms=T0)
        return [(detection.active, (detection.at_ms - T0) / 1000) for detection in found]

    def left_out(self, reason: str) -> float | None:
        name = "life_safety" if self._life_safety else "ordinary"
        return self.registry.get_sample_value("judge_left_out_readings_total", {"line": name, "reason": reason})


@pytest.fixture
def ordinary() -> Line:
    return Line(life_safety=False)


@pytest.fixture
def life_safety() -> Line:
    return Line(life_safety=True)


def test_what_took_over_three_hours_is_stored_only(ordinary: Line) -> None:
    assert ordinary.take(ordinary.delivery(1, arrived_s=3 * HOUR_S + 1, at_s=0, pa=80)) == []
    assert ordinary.left_out("too_old") == 1
    assert ordinary.take(ordinary.delivery(2, arrived_s=3 * HOUR_S + 1, at_s=2, pa=80)) == [(True, 2)]


@pytest.mark.parametrize("off_s", [-2 * HOUR_S, 2 * HOUR_S])
def test_a_hub_whose_clock_steps_goes_on_by_its_devices_clocks(ordinary: Line, off_s: int) -> None:
    assert ordinary.take(ordinary.delivery(1, arrived_s=0, at_s=0, pa=70)) == []
    assert ordinary.take(ordinary.delivery(2, arrived_s=10 + off_s, at_s=10, pa=80)) == [(True, 10)]
    assert ordinary.take(ordinary.delivery(3, arrived_s=20, at_s=20, pa=70)) == [(False, 20)]


def test_a_device_that_jumps_ahead_while_the_hub_stands_behind_is_still_heard(ordinary: Line) -> None:
    """Judged at its arrival that would be before what it said last: right after it, then, rather than never."""
    assert ordinary.take(ordinary.delivery(1, arrived_s=7_200, at_s=7_200, pa=70)) == []
    assert ordinary.take(ordinary.delivery(2, arrived_s=10, at_s=10_000, pa=80)) == [(True, 7_200.001)]


def test_whatever_follows_a_jump_in_one_batch_is_not_believed_either(ordinary: Line) -> None:
    assert ordinary.take(ordinary.delivery(1, arrived_s=0, at_s=0, pa=70)) == []
    jumped = [ordinary.delivery(n, arrived_s=n, at_s=7_200 + n, pa=80) for n in (2, 3)]
    assert ordinary.take(*jumped) == [(True, 2)]


def test_a_clock_that_runs_ahead_is_overruled_by_the_arrival(ordinary: Line) -> None:
    assert ordinary.take(ordinary.delivery(1, arrived_s=10, at_s=7200, pa=80)) == [(True, 10)]
    assert ordinary.take(ordinary.delivery(2, arrived_s=20, at_s=20, pa=70)) == [(False, 20)]
    assert ordinary.registry.get_sample_value("judge_clock_skew_readings_total") == 1


def test_a_time_of_the_day_after_tomorrow_is_refused_but_not_for_life_safety(ordinary: Line, life_safety: Line) -> None:
    assert ordinary.take(ordinary.delivery(1, arrived_s=10, at_s=200_000, pa=80)) == []
    assert ordinary.left_out("time_ahead") == 1
    assert life_safety.take(life_safety.delivery(1, arrived_s=10, at_s=200_000, sa=1)) == [(True, 10)]


def test_smoke_is_never_too_late(life_safety: Line) -> None:
    """The detector's clock was set back between its two words."""
    assert life_safety.take(life_safety.delivery(1, arrived_s=10_000, at_s=10_000, sa=0)) == []
    assert life_safety.take(life_safety.delivery(2, arrived_s=10_001, at_s=50, sa=1)) == [(True, 10_001)]


def test_smoke_from_long_ago_is_raised_all_the_same(life_safety: Line) -> None:
    assert life_safety.take(life_safety.delivery(1, arrived_s=5 * HOUR_S, at_s=0, sa=1)) == [(True, 0)]


def test_a_delivery_that_comes_again_is_passed_over(life_safety: Line) -> None:
    first = life_safety.delivery(1, arrived_s=1, at_s=1, sa=1)
    assert life_safety.take(first, life_safety.delivery(2, arrived_s=2, at_s=2, sa=0)) == [(True, 1), (False, 2)]
    assert life_safety.take(first) == []


def test_a_bus_that_began_anew_is_judged_from_its_beginning(ordinary: Line) -> None:
    ordinary.take(ordinary.delivery(50_000, arrived_s=1, at_s=1, pa=70))
    assert ordinary.take(ordinary.delivery(1, arrived_s=600, at_s=600, pa=80)) == [(True, 600)]


def test_a_gap_in_what_the_consumer_gave_out_is_noticed_once(ordinary: Line) -> None:
    def given(*numbers: int) -> bool:
        return ordinary.judged.misses_some([ordinary.delivery(n, arrived_s=0, at_s=0, consumer=n) for n in numbers])

    assert [given(1, 2), given(3), given(5, 6), given(7)] == [False, False, True, False]


def test_what_the_consumer_gave_to_somebody_else_before_us_is_noticed(ordinary: Line) -> None:
    assert ordinary.judged.misses_some([ordinary.delivery(2, arrived_s=0, at_s=0, consumer=2)])


def test_readings_of_unknown_points_are_left_out(ordinary: Line) -> None:
    stranger = ordinary.delivery(1, arrived_s=0, at_s=0)
    batch = ReadingBatch.of([Reading(999, T0, 80.0)])
    assert ordinary.take(replace(stranger, batch=batch)) == []
    assert ordinary.left_out("unknown_point") == 1
