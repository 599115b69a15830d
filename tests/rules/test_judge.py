"""Judging in event time: durations, gaps, hysteresis, silence, and that how readings arrive makes no difference."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.detection import Detection
from building.quality import Quality
from building.reading import Reading, ReadingBatch
from rules.heard import Heard
from rules.judge import Judge
from rules.rule import CompiledRule, Rule
from rules.rule_set import PairKey, RuleSet
from tests.rules.plant import T0, at, batch, compiled, entry, judge, judged, rule, seconds, ticked

MIN = 60_000


def test_a_condition_raises_at_its_first_reading_and_ends_when_it_no_longer_holds() -> None:
    it = judge(rule(when="pa > 75"))
    assert judged(it, at(0, pa=70), at(10, pa=76)) == [(True, 10, 10)]
    assert judged(it, at(20, pa=77)) == []
    assert judged(it, at(30, pa=75)) == [(False, 10, 30)]


def test_both_sides_of_an_and_must_hold() -> None:
    it = judge(rule(when="pa > 75 and pb > 4.5"))
    assert judged(it, at(0, pa=80, pb=1), at(10, pa=80, pb=5)) == [(True, 10, 10)]


def test_points_that_come_apart_are_judged_together() -> None:
    it = judge(rule(when="pa > 75 and pb > 4.5"))
    assert judged(it, at(0, pa=80)) == []
    assert judged(it, at(1, pb=5)) == [(True, 1, 1)]


def test_zero_is_a_value_and_not_missing() -> None:
    it = judge(rule(when="pa < 1"))
    assert judged(it, at(0, pa=0)) == [(True, 0, 0)]


def test_a_reading_without_a_value_neither_raises_nor_ends() -> None:
    it = judge(rule(when="not pa > 5"))
    bad = ReadingBatch.of([Reading(10, T0, float("nan"), Quality.FAULT)])
    assert it.judge(bad, now_ms=T0).detections == []
    assert judged(it, at(10, pa=1)) == [(True, 10, 10)]
    bad = ReadingBatch.of([Reading(10, T0 + 20_000, float("nan"), Quality.DOWN)])
    assert it.judge(bad, now_ms=T0).detections == []


# --- durations ---------------------------------------------------------------------------------------------------


def test_a_duration_begins_with_the_condition_and_is_full_in_event_time() -> None:
    it = judge(rule(when="pa > 75", for_ms=25_000))
    assert judged(it, at(0, pa=76), at(10, pa=76), at(20, pa=76)) == []
    assert judged(it, at(30, pa=76)) == [(True, 0, 25)]


def test_a_break_begins_the_duration_anew() -> None:
    it = judge(rule(when="pa > 75", for_ms=25_000))
    assert judged(it, at(0, pa=76), at(10, pa=70), at(20, pa=76), at(30, pa=76), at(40, pa=76)) == []
    assert judged(it, at(50, pa=76)) == [(True, 20, 45)]


def test_a_gap_of_a_periodic_point_is_no_duration() -> None:
    it = judge(rule(when="pa > 75", for_ms=60_000))
    assert judged(it, at(0, pa=76), at(600, pa=76), at(630, pa=76)) == []
    assert judged(it, at(645, pa=76), at(661, pa=76)) == [(True, 600, 660)]


def test_two_lost_readings_are_no_gap() -> None:
    it = judge(rule(when="pa > 75", for_ms=60_000))
    assert judged(it, at(0, pa=76), at(30, pa=76), at(60, pa=76)) == [(True, 0, 60)]


def test_a_point_that_reports_on_change_holds_its_value() -> None:
    it = judge(rule(when="ca == 1", for_ms=10 * MIN))
    assert judged(it, at(0, ca=1)) == []
    assert ticked(it, 599) == []
    assert ticked(it, 601) == [(True, 0, 600)]


def test_but_no_longer_than_its_longest_hold() -> None:
    it = judge(rule(when="ca == 1", for_ms=90 * MIN))
    judged(it, at(0, ca=1))
    assert ticked(it, 3 * 3600) == []
    assert judged(it, at(3 * 3600, ca=1), at(3 * 3600 + 60, ca=1)) == []


def test_a_duration_that_was_full_before_the_next_reading_counts_even_if_that_reading_ends_it() -> None:
    it = judge(rule(when="ca == 1", for_ms=MIN))
    assert judged(it, at(0, ca=1), at(300, ca=0)) == [(True, 0, 60), (False, 0, 300)]


def test_hysteresis_keeps_an_alarm_until_the_clear_condition_holds() -> None:
    it = judge(rule(when="pa > 75", clear="pa < 70"))
    assert judged(it, at(0, pa=76), at(10, pa=74), at(20, pa=76), at(30, pa=71)) == [(True, 0, 0)]
    assert judged(it, at(40, pa=69)) == [(False, 0, 40)]


def test_clearing_may_want_a_duration_too() -> None:
    it = judge(rule(when="pa > 75", clear_for_ms=25_000))
    assert judged(it, at(0, pa=76), at(10, pa=70), at(20, pa=76), at(30, pa=70), at(40, pa=70)) == [(True, 0, 0)]
    assert judged(it, at(50, pa=70), at(60, pa=70)) == [(False, 0, 55)]


def test_an_alarm_lasts_across_a_gap() -> None:
    it = judge(rule(when="pa > 75 and pb > 1"))
    assert judged(it, at(0, pa=76, pb=2)) == [(True, 0, 0)]
    assert judged(it, at(3600, pa=76)) == []
    assert judged(it, at(3601, pa=76, pb=0)) == [(False, 0, 3601)]


# --- late, doubled, elsewhere --------------------------------------------------------------------------------------


def test_a_late_reading_changes_nothing_and_is_counted() -> None:
    it = judge(rule(when="pa > 75"))
    judged(it, at(0, pa=76), at(10, pa=70))
    verdicts = it.judge(batch(at(5, pa=80)), now_ms=T0)
    assert (verdicts.detections, verdicts.late) == ([], 1)
    assert judged(it, at(20, pa=70)) == []


def test_a_batch_that_comes_twice_changes_nothing() -> None:
    it = judge(rule(when="pa > 75"))
    readings = [at(0, pa=76), at(10, pa=70), at(20, pa=80)]
    assert len(judged(it, *readings)) == 3
    assert judged(it, *readings) == []


def test_one_wrong_clock_stalls_no_other_equipment() -> None:
    it = judge(rule(when="pa > 75"), equipment=[entry(1), entry(2)])
    assert judged(it, at(9_999_999, pa=76)) == [(True, 9_999_999, 9_999_999)]
    assert judged(it, at(0, equipment=2, pa=76)) == [(True, 0, 0)]


def test_life_safety_readings_can_be_given_the_time_of_arrival_when_they_come_too_late() -> None:
    it = judge(rule(when="sa", life_safety=True), life_safety=True)
    judged(it, at(100, sa=0))
    late = batch(at(50, sa=1))
    in_time = it.never_late(late, arrived_ms=T0 + 101_000)
    assert seconds(it.judge(in_time, now_ms=T0).detections) == [(True, 101, 101)]
    assert it.never_late(batch(at(200, sa=0)), arrived_ms=T0).ts_ms.tolist() == [T0 + 200_000]


def test_smoke_that_a_broker_delivers_again_when_it_is_over_is_not_smoke_again() -> None:
    it = judge(rule(when="sa", life_safety=True), life_safety=True)

    def heard(reading: Iterable[Reading], *, arrived: int) -> list[tuple[bool, float, float]]:
        in_time = it.never_late(batch(reading), arrived_ms=T0 + arrived * 1000)
        return seconds(it.judge(in_time, now_ms=T0).detections)

    assert heard(at(100, sa=1), arrived=100) == [(True, 100, 100)]
    assert heard(at(103, sa=0), arrived=103) == [(False, 100, 103)]
    assert heard(at(100, sa=1), arrived=106) == []
    assert heard(at(101, sa=1), arrived=107) == [(True, 107, 107)], "that one nobody had heard of"


def test_a_detector_whose_clock_stands_still_is_believed_each_time() -> None:
    it = judge(rule(when="sa", life_safety=True), life_safety=True)
    told = []
    for arrived, smoke in ((1, 1), (2, 0), (3, 1), (4, 0)):
        in_time = it.never_late(batch(at(0, sa=smoke)), arrived_ms=T0 + arrived * 1000)
        told += [detection.active for detection in it.judge(in_time, now_ms=T0).detections]
    assert told == [True, False, True, False]


def test_what_was_heard_is_remembered_for_ten_minutes_and_no_longer() -> None:
    heard = Heard()
    once = batch(at(0, sa=1))
    assert heard.again(once, arrived_ms=T0) == [False]
    later = Heard()
    later.take_over(heard)
    assert later.again(once, arrived_ms=T0 + 9 * MIN) == [True]
    assert later.again(once, arrived_ms=T0 + 11 * MIN) == [False]


def test_each_line_judges_its_own_points_and_rules() -> None:
    both = [rule("ordinary", when="pa > 75"), rule("safety", when="sa", life_safety=True)]
    readings = batch(at(0, pa=76, sa=1))
    for life_safety, key in ((False, "ordinary"), (True, "safety")):
        [detection] = judge(*both, life_safety=life_safety).judge(readings, now_ms=T0).detections
        assert (detection.source_id, detection.life_safety) == (key, life_safety)


def test_equipment_out_of_service_or_of_another_profile_is_not_judged() -> None:
    equipment = [entry(1, in_service=False), entry(2, profile="other"), entry(3)]
    it = judge(rule(when="pa > 75"), equipment=equipment)
    found = it.judge(batch(*(at(0, equipment=n, pa=80) for n in (1, 2, 3))), now_ms=T0).detections
    assert [d.equipment_id.int for d in found] == [3]


def test_a_rule_for_named_equipment_leaves_the_others_alone_and_thresholds_may_differ() -> None:
    equipment = [entry(n) for n in (1, 2, 3)]
    limits = rule(
        when="pa > limit",
        params={"limit": 75},
        equipment=frozenset({equipment[0].equipment_id, equipment[1].equipment_id}),
        equipment_params={equipment[1].equipment_id: {"limit": 90}},
    )
    it = judge(limits, equipment=equipment)
    found = it.judge(batch(*(at(0, equipment=n, pa=80) for n in (1, 2, 3))), now_ms=T0).detections
    assert [d.equipment_id.int for d in found] == [1]


def test_a_detection_carries_the_values_and_a_filled_message() -> None:
    message = {"zh-CN": "温度 {pa} 超过 {limit}，{pb}", "en": "{pa} over {limit}"}
    it = judge(rule(when="pa > limit or pb > 9", message=message, params={"limit": 75}))
    [detection] = it.judge(batch(at(0, pa=80.12345)), now_ms=T0).detections
    assert detection.values == {"pa": 80.123}
    assert detection.message == {"zh-CN": "温度 80.12 超过 75，—", "en": "80.12 over 75"}


# --- missing data --------------------------------------------------------------------------------------------------


def silence(**changes: object) -> Rule:
    return rule("silent", missing_ms=10 * MIN, **changes)


def test_silence_is_raised_by_the_clock_and_ended_by_any_reading() -> None:
    it = judge(silence())
    assert judged(it, at(0, pa=1), now_s=0) == []
    assert ticked(it, 599) == []
    assert ticked(it, 601) == [(True, 600, 601)]
    assert ticked(it, 900) == []
    assert judged(it, at(1000, cb=1), now_s=1000) == [(False, 600, 1000)]


def test_silence_of_named_points_is_not_ended_by_others() -> None:
    it = judge(silence(missing_points=("pa",)))
    judged(it, at(0, pa=1), now_s=0)
    judged(it, at(590, pb=1), now_s=590)
    assert ticked(it, 601) == [(True, 600, 601)]


def test_what_never_spoke_is_not_missed() -> None:
    assert ticked(judge(silence()), 10_000_000) == []


def test_a_device_with_a_slow_clock_is_not_silent() -> None:
    it = judge(silence())
    judged(it, at(0, pa=1), now_s=7200)
    assert ticked(it, 7300) == []


def test_silence_of_the_hub_is_not_the_devices() -> None:
    it = judge(silence())
    it.seed(batch(at(0, pa=1)))
    it.listen_from(T0 + 7200_000)
    assert ticked(it, 7201) == []
    assert ticked(it, 7200 + 601) == [(True, 600, 7801)]


# --- beginning anew ------------------------------------------------------------------------------------------------


def test_a_seeded_value_counts_in_conditions_and_its_own_reading_may_still_come() -> None:
    it = judge(rule(when="ca == 1 and pa > 75"))
    it.seed(batch(at(0, ca=1, pa=80)))
    assert judged(it, at(5, pa=80)) == [(True, 5, 5)]
    again = judge(rule(when="ca == 1"))
    again.seed(batch(at(0, ca=1)))
    assert judged(again, at(0, ca=1)) == [(True, 0, 0)]


def test_an_adopted_episode_is_not_raised_again_and_ends_under_its_own_onset() -> None:
    it = judge(rule(when="pa > 75"))
    key = it.rules.pair_keys[0]
    assert it.adopt({key: T0 + 5_000, ("gone", key[1]): T0}) == [("gone", key[1])]
    assert judged(it, at(0, pa=70)) == []  # from before the episode: does not end it
    assert judged(it, at(10, pa=76)) == []
    assert judged(it, at(20, pa=70)) == [(False, 5, 20)]


def test_what_the_books_do_not_know_is_not_under_way() -> None:
    it = judge(rule(when="pa > 75"))
    judged(it, at(0, pa=76))
    it.adopt({})
    assert judged(it, at(10, pa=76)) == [(True, 10, 10)]


def replaced(old: Judge, *rules: Rule) -> tuple[Judge, list[tuple[bool, float, float]]]:
    fresh = judge(*rules)
    return fresh, seconds(fresh.succeed(old, now_ms=T0 + 99_000))


def test_changed_rules_keep_values_episodes_and_untouched_durations() -> None:
    old = judge(rule("a", when="pa > 75"), rule("b", when="pa > 75", for_ms=25_000))
    judged(old, at(0, pa=76), at(10, pa=76))
    fresh, ended = replaced(
        old, rule("a", when="pa > 75"), rule("b", when="pa > 75", for_ms=25_000), rule("c", when="pa > 1")
    )
    assert ended == []
    assert judged(fresh, at(20, pa=76), at(30, pa=76)) == [(True, 20, 20), (True, 0, 25)]


def test_a_rule_with_a_new_text_begins_its_duration_anew() -> None:
    old = judge(rule(when="pa > 75", for_ms=25_000))
    judged(old, at(0, pa=76), at(10, pa=76))
    fresh, _ = replaced(old, rule(when="pa > 74", for_ms=25_000, version=2))
    assert judged(fresh, at(20, pa=76), at(30, pa=76), at(40, pa=76), at(50, pa=76)) == [(True, 20, 45)]


def test_a_new_text_is_judged_soon_by_what_is_known_also_where_nothing_is_said() -> None:
    old = judge(rule("less", when="ca > 80"), rule("more", when="ca > 70"), rule("same", when="ca > 70"))
    assert judged(old, at(0, ca=75)) == [(True, 0, 0), (True, 0, 0)]
    fresh, ended = replaced(
        old,
        rule("less", when="ca > 74", version=2),
        rule("more", when="ca > 76", version=2),
        rule("same", when="ca > 70"),
        rule("new", when="ca > 74", for_ms=60_000),
    )
    assert ended == []
    assert ticked(fresh, 100) == [(True, 99, 99), (False, 0, 99)]
    assert ticked(fresh, 159) == []
    assert ticked(fresh, 160) == [(True, 99, 159)]


@pytest.mark.parametrize("when", ["pa > 70", "pa > 70 and age(ca) < 1000"])
def test_what_is_not_known_any_more_is_judged_by_no_new_text_and_a_gap_is_no_duration(when: str) -> None:
    old = judge(rule("a", when="pa > 80"), rule("b", when="pa > 80"))
    judged(old, at(0, pa=75, ca=1))
    fresh, _ = replaced(old, rule("a", when=when, version=2), rule("b", when=when, version=2, for_ms=25_000))
    assert ticked(fresh, 200) == []
    spoken = [at(s, pa=75) for s in range(210, 250, 10)]
    assert judged(fresh, *spoken) == [(True, 210, 210), (True, 210, 235)]


def test_a_new_text_breaks_its_duration_in_a_gap_as_any() -> None:
    old = judge(rule(when="pa > 80", for_ms=60_000))
    judged(old, at(90, pa=75))
    fresh, _ = replaced(old, rule(when="pa > 70", for_ms=60_000, version=2))
    assert judged(fresh, at(200, pa=75), at(210, pa=75)) == []
    assert ticked(fresh, 262) == []


def test_a_removed_rules_episode_ends() -> None:
    old = judge(rule("a", when="pa > 75"), rule("b", when="pa > 75"))
    judged(old, at(0, pa=76))
    _, ended = replaced(old, rule("b", when="pa > 75"))
    assert ended == [(False, 0, 99)]


def test_a_failing_rule_is_told_and_stops_no_other() -> None:
    failed: list[str] = []

    def note(which: CompiledRule, _error: Exception) -> None:
        failed.append(which.rule.key)

    def explode(_frame: object) -> object:
        raise RuntimeError

    rules = compiled([rule("good", when="pa > 75"), rule("bad", when="pa > 75")])
    object.__setattr__(next(c for c in rules if c.rule.key == "bad").when, "run", explode)
    it = Judge(RuleSet.of(rules, [entry(1)], life_safety=False), on_failure=note)
    found = it.judge(batch(at(0, pa=80)), now_ms=T0).detections
    assert ([d.source_id for d in found], failed) == (["good"], ["bad"])


def test_no_equipment_and_no_rules_are_fine() -> None:
    assert judged(judge(equipment=[]), at(0, pa=1)) == []
    assert ticked(judge(), 10) == []
    empty = judge(rule(when="pa > 1"))
    assert empty.judge(ReadingBatch.empty(), now_ms=T0).detections == []
    judge(equipment=[]).seed(batch(at(0, pa=1)))


# --- how readings arrive makes no difference -----------------------------------------------------------------------

RULES = (
    rule("plain", when="pa > 5"),
    rule("both", when="pa > 5 and ca == 1", for_ms=20_000),
    rule("hysteresis", when="pb > 6", clear="pb < 3", for_ms=15_000, clear_for_ms=12_000),
    rule("either", when="not (pa < 5) or cb == 1", for_ms=35_000),
)
INSTANT = st.tuples(
    st.integers(1, 2),
    st.integers(-15, 40),
    st.dictionaries(st.sampled_from(["pa", "pb", "ca", "cb"]), st.integers(0, 9), min_size=1),
)
FAR_S = 100_000


def episodes(detections: Iterable[Detection]) -> list[tuple[str, int, bool, int, int]]:
    return sorted((d.source_id, d.equipment_id.int, d.active, d.onset_ms, d.at_ms) for d in detections)


# Some come late; no two neighbours of one equipment have the same time (those are one instant if they come together).
@given(instants=st.lists(INSTANT.filter(lambda i: i[1] != 0), max_size=40), cuts=st.sets(st.integers(0, 40)))
@settings(max_examples=300, deadline=None)
def test_one_by_one_and_in_batches_give_the_same(
    instants: list[tuple[int, int, dict[str, float]]], cuts: set[int]
) -> None:
    readings, second = [], {1: 0, 2: 0}
    for number, step, values in instants:
        second[number] += step
        readings.append(at(second[number], equipment=number, **values))
    equipment = [entry(1), entry(2)]
    one_by_one, batched = judge(*RULES, equipment=equipment), judge(*RULES, equipment=equipment)
    alone = [d for some in readings for d in one_by_one.judge(batch(some), now_ms=T0).detections]
    bounds = [0, *sorted(cut for cut in cuts if cut < len(readings)), len(readings)]
    together = [
        d for start, stop in pairwise(bounds) for d in batched.judge(batch(*readings[start:stop]), now_ms=T0).detections
    ]
    assert episodes(alone) == episodes(together)
    for name in ("value", "seen_ms", "since_ms", "onset_ms", "is_active"):
        np.testing.assert_array_equal(getattr(one_by_one.state, name), getattr(batched.state, name))


@given(
    instants=st.lists(INSTANT.filter(lambda i: i[0] == 1 and i[1] > 0), max_size=30),
    ticks=st.lists(st.floats(0, 0.999), max_size=30),
)
@settings(max_examples=300, deadline=None)
def test_ticks_change_only_how_soon_something_is_known(
    instants: list[tuple[int, int, dict[str, float]]], ticks: list[float]
) -> None:
    with_ticks, without = judge(*RULES), judge(*RULES)
    found: tuple[list[Detection], list[Detection]] = ([], [])
    second = 0
    for place, (_, step, values) in enumerate(instants):
        if place < len(ticks):
            now_ms = T0 + int((second + ticks[place] * step) * 1000)
            found[0].extend(with_ticks.tick(now_ms=now_ms, settled_ms=now_ms))
        second += step
        for it, some in zip((with_ticks, without), found, strict=True):
            some.extend(it.judge(batch(at(second, equipment=1, **values)), now_ms=T0).detections)
    end_ms = T0 + FAR_S * 1000
    for it, some in zip((with_ticks, without), found, strict=True):
        some.extend(it.tick(now_ms=end_ms, settled_ms=end_ms))
    assert episodes(found[0]) == episodes(found[1])


@given(instants=st.lists(INSTANT.filter(lambda i: i[1] > 0), min_size=1, max_size=30), cut=st.integers(0, 30))
@settings(max_examples=200, deadline=None)
def test_a_judge_that_begins_anew_goes_on_as_if_nothing_had_happened(
    instants: list[tuple[int, int, dict[str, float]]], cut: int
) -> None:
    """A restart: readings up to the cut are judged silently, lasting episodes come from the books."""
    readings, second = [], {1: 0, 2: 0}
    for number, step, values in instants:
        second[number] += step
        readings.append(at(second[number], equipment=number, **values))
    equipment = [entry(1), entry(2)]
    whole = judge(*RULES, equipment=equipment)
    before = whole.judge(batch(*readings[:cut]), now_ms=T0).detections
    lasting: dict[PairKey, int] = {}
    for detection in before:
        key = (detection.source_id, detection.equipment_id)
        lasting.pop(key, None)
        if detection.active:
            lasting[key] = detection.onset_ms
    anew = judge(*RULES, equipment=equipment)
    anew.judge(batch(*readings[:cut]), now_ms=T0)
    assert anew.adopt(lasting) == []
    rest = [
        whole.judge(batch(*readings[cut:]), now_ms=T0).detections,
        anew.judge(batch(*readings[cut:]), now_ms=T0).detections,
    ]
    assert episodes(rest[0]) == episodes(rest[1])


@pytest.mark.parametrize("count", [1, 7, 100])
def test_many_equipment_are_judged_in_one_go(count: int) -> None:
    equipment = [entry(n) for n in range(1, count + 1)]
    it = judge(rule(when="pa > 75"), equipment=equipment)
    found = it.judge(batch(*(at(0, equipment=n, pa=70 + n % 10) for n in range(1, count + 1))), now_ms=T0).detections
    assert [d.equipment_id.int for d in found] == [n for n in range(1, count + 1) if 70 + n % 10 > 75]


def test_a_detection_names_the_version_of_its_rule() -> None:
    [told] = judge(rule(when="pa > 75", version=7)).judge(batch(at(0, pa=76)), now_ms=T0).detections
    assert told.rule_version == 7
