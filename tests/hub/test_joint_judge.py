"""From deliveries to detections: what is too old, ahead, late, missing or seen before."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from building.reading import Reading, ReadingBatch
from bus.delivery import Delivery
from catalog.directory import Directory
from hub.joint_judge import JointJudge
from hub.judge_meters import JudgeMeters
from hub.partition_mark import Finding, PartitionMark
from rules.rule import CompiledRule
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
        self.mark = PartitionMark(partition=1, epoch=1, life_safety=life_safety)
        self.judged = JointJudge.of(
            layout, [self.mark], on_failure=lambda rule, error: None, life_safety=life_safety,
            meters=JudgeMeters(self.registry),
        )  # fmt: skip
        self._life_safety = life_safety

    def delivery(self, sequence: int, *, arrived_s: float, consumer: int = 0, at_s: float, **values: float) -> Delivery:
        """Readings of `at_s` that the bus took at `arrived_s`, seconds after T0."""
        readings = [Reading(10 + KEYS.index(key), T0 + int(at_s * 1000), float(value)) for key, value in values.items()]
        message: Any = None
        arrived_ms = T0 + int(arrived_s * 1000)
        return Delivery(ReadingBatch.of(readings), sequence, consumer, arrived_ms, 1, self._life_safety, message)

    def take(self, *deliveries: Delivery) -> list[tuple[bool, float]]:
        found = self.judged.take(deliveries, DIRECTORY, now_ms=T0)
        return [(each.active, (each.at_ms - T0) / 1000) for _, detections in found for each in detections]

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


def test_what_a_device_said_at_the_right_time_bears_out_what_it_says_while_the_hub_stands_behind(
    ordinary: Line,
) -> None:
    """Also when both come in one fetch, to a judge that knows nothing of the device yet, and not in order."""
    right = ordinary.delivery(1, arrived_s=7_200, at_s=7_200, pa=70)
    behind = [ordinary.delivery(n, arrived_s=n, at_s=7_200 + 5 * n, pa=80) for n in (2, 3)]
    late = ordinary.delivery(4, arrived_s=4, at_s=7_195, pa=80)
    assert ordinary.take(right, *behind, late) == [(True, 7_195), (False, 7_200), (True, 7_210)]


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
        return ordinary.mark.misses_some([ordinary.delivery(n, arrived_s=0, at_s=0, consumer=n) for n in numbers])

    assert [given(1, 2), given(3), given(5, 6), given(7)] == [False, False, True, False]


def test_what_the_consumer_gave_to_somebody_else_before_us_is_noticed(ordinary: Line) -> None:
    assert ordinary.mark.misses_some([ordinary.delivery(2, arrived_s=0, at_s=0, consumer=2)])


def test_readings_of_unknown_points_are_left_out(ordinary: Line) -> None:
    stranger = ordinary.delivery(1, arrived_s=0, at_s=0)
    batch = ReadingBatch.of([Reading(999, T0, 80.0)])
    assert ordinary.take(replace(stranger, batch=batch)) == []
    assert ordinary.left_out("unknown_point") == 1


def test_a_batch_that_cannot_be_judged_takes_no_other_with_it(ordinary: Line) -> None:
    crooked = ordinary.delivery(2, arrived_s=2, at_s=2, pa=70)
    columns = crooked.batch
    short = ReadingBatch(columns.point_no, columns.ts_ms, columns.value[:0], columns.quality)
    sound = [ordinary.delivery(n, arrived_s=n, at_s=n, pa=pa) for n, pa in ((1, 80), (3, 70))]
    assert ordinary.take(sound[0], replace(crooked, batch=short), sound[1]) == [(True, 1), (False, 3)]
    assert ordinary.registry.get_sample_value("judge_poison_batches_total", {"line": "ordinary"}) == 1


class Town:
    """Four partitions of two equipments each, of which one is the parent of the other."""

    EQUIPMENT = tuple(
        replace(entry(number, parent=number + 4 if number < 5 else 0), partition=number % 4) for number in range(1, 9)
    )
    DIRECTORY = Directory.of(1, EQUIPMENT)
    RULES = compiled(
        [
            rule(when="pa > 75 and pb > 5", for_ms=3_000), rule("silent", missing_ms=60_000),
            rule("both", when="parent.pa > 75 and pb > 5", for_ms=2_000),
            rule("mean", when="avg(parent.pb, '20s') > 3"),
        ]
    )  # fmt: skip

    def __init__(self) -> None:
        self.meters = JudgeMeters(CollectorRegistry())

    def rules(self, partitions: Collection[int]) -> RuleSet:
        return RuleSet.of(self.RULES, [e for e in self.EQUIPMENT if e.partition in partitions], life_safety=False)

    def judge(self, *partitions: int) -> JointJudge:
        marks = [PartitionMark(partition=partition, epoch=1, life_safety=False) for partition in partitions]
        return JointJudge.of(
            self.rules(partitions), marks, on_failure=self.failed, life_safety=False, meters=self.meters
        )

    def joined(self, judges: Sequence[JointJudge]) -> JointJudge:
        partitions = [partition for judge in judges for partition in judge.marks]
        return self.judge().join(self.rules(partitions), judges, on_failure=self.failed)

    @staticmethod
    def failed(rule: CompiledRule, error: Exception) -> None:
        raise error


# (equipment, which point, its value, seconds after T0)
WORDS = st.lists(st.tuples(st.integers(1, 8), st.sampled_from((0, 1)), st.sampled_from((0, 6, 80)), st.integers(0, 90)))


def deliveries(words: Iterable[tuple[int, int, int, int]], *, first: int) -> list[Delivery]:
    message: Any = None
    return [
        Delivery(
            ReadingBatch.of([Reading(number * 10 + place, T0 + at_s * 1000, float(value))]), sequence, sequence,
            T0 + 90_000, number % 4, False, message,
        )
        for sequence, (number, place, value, at_s) in enumerate(words, first)
    ]  # fmt: skip


def told(findings: Iterable[Finding]) -> list[tuple[Any, ...]]:
    return sorted(
        (str(each.equipment_id), each.source_id, each.onset_ms, each.at_ms, each.active, each.revises, mark.partition)
        for mark, detections in findings
        for each in detections
    )


@settings(max_examples=40, deadline=None)
@given(WORDS, WORDS, st.integers(0, 4))
def test_partitions_judged_together_are_told_what_each_would_be_told_alone(before: Any, after: Any, apart: int) -> None:
    """Some go their own way first and join later, with the window of what they heard."""
    town, first, second = Town(), deliveries(before, first=1), deliveries(after, first=1_000)
    alone = [town.judge(partition) for partition in range(4)]
    beginning = [town.judge(partition) for partition in range(4)]

    def each(judges: Sequence[JointJudge], given: Sequence[Delivery]) -> list[Finding]:
        return [
            finding
            for judge in judges
            for finding in judge.take([d for d in given if d.partition in judge.marks], town.DIRECTORY, now_ms=T0)
        ]

    assert told(each(alone, first)) == told(each(beginning, first))
    for judge in (*alone, *beginning):
        judge.judge.listen_from(T0)
    some = town.joined(beginning[:apart])
    joined = some.join(town.rules(range(4)), beginning[apart:], on_failure=town.failed)
    assert told(joined.take(second, town.DIRECTORY, now_ms=T0)) == told(each(alone, second))
    late_ms = T0 + 300_000
    ticked = [finding for judge in alone for finding in judge.tick(now_ms=late_ms, settled_ms=late_ms)]
    assert told(joined.tick(now_ms=late_ms, settled_ms=late_ms)) == told(ticked)


def test_a_partition_that_was_dropped_is_silent_until_it_is_begun_anew() -> None:
    town = Town()
    joined = town.joined([town.judge(partition) for partition in range(4)])
    both = [(number, place, 80, at_s) for number in (1, 2) for at_s in (1, 5) for place in (0, 1)]
    del joined.marks[1]
    assert joined.is_crooked
    words = [delivery for delivery in deliveries(both, first=1) if delivery.partition != 1]
    assert [mark.partition for mark, _ in joined.take(words, town.DIRECTORY, now_ms=T0)] == [2]
    again = joined.join(town.rules(range(4)), [town.judge(1)], on_failure=town.failed)
    assert not again.is_crooked
    words = [delivery for delivery in deliveries(both, first=100) if delivery.partition == 1]
    assert [mark.partition for mark, _ in again.take(words, town.DIRECTORY, now_ms=T0)] == [1]
