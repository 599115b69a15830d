"""Rules that look at the parent or at other named equipment: judged as if all that they name were one equipment's."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.detection import Detection
from building.reading import Reading, ReadingBatch
from catalog.directory import EquipmentEntry
from kit.errors import DomainError
from rules import errors
from rules.coverage import check_surroundings, left_out, meant
from rules.judge import Judge
from rules.reorder import OrderedJudge
from rules.replay.engine import Replay
from rules.rule import CompiledRule, Rule
from rules.rule_set import PairKey, RuleSet
from rules.surroundings import Binder, Neighbours
from tests.rules.plant import T0, at, batch, compiled, entry, judge, judged, rule, seconds, ticked
from tests.rules.test_judge import episodes as in_short
from tests.rules.test_reorder import episodes, shuffled
from tests.rules.test_replay import as_told

CHILD, PARENT = entry(1, parent=2), entry(2)
BOTH = [CHILD, PARENT]
TEXTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("parent.pa > 75 and pa > 75", {}),
    ("pa - parent.pa > 5", {"for_ms": 4_000}),
    ("parent.ca == 1 and pa > 75", {"clear": "parent.ca == 0 and ca == 1"}),
    ("other['P-02'].pa > 75 or ca == 1", {"for_ms": 7_000, "clear_for_ms": 3_000}),
)
OVER_TIME: tuple[tuple[str, dict[str, Any]], ...] = (
    ("avg(parent.pa, '20s') - avg(pa, '20s') > 3", {}),
    ("age(parent.ca) > 9 and ca == 1", {"clear_for_ms": 2_000}),
    ("count(changed(parent.ca), '30s') >= 2 and pa > 70", {"clear": "pa < 65 or parent.ca == 0"}),
)


def written(texts: Iterable[tuple[str, dict[str, Any]]], *, as_own: bool = False) -> list[Rule]:
    """`as_own`: as they would be if the parent's pa and ca were the child's pb and cb."""

    def own(text: str) -> str:
        for name, ours in (("parent.pa", "pb"), ("other['P-02'].pa", "pb"), ("parent.ca", "cb")):
            text = text.replace(name, ours)
        return text

    return [
        rule(
            f"r{place}", when=own(text) if as_own else text, equipment=frozenset({CHILD.equipment_id}),
            **(more | ({"clear": own(more["clear"])} if as_own and "clear" in more else {})),
        )
        for place, (text, more) in enumerate(texts)
    ]  # fmt: skip


OF_THE_CHILD = {10: 10, 12: 12, 20: 11, 22: 13}


def as_own(batches: Iterable[ReadingBatch]) -> list[ReadingBatch]:
    told = ([one for one in each if one.point_no in OF_THE_CHILD] for each in batches)
    ours = ([replace(one, point_no=OF_THE_CHILD[one.point_no]) for one in some] for some in told)
    return [ReadingBatch.of(some) for some in ours if some]


def fail(_rule: CompiledRule, error: Exception) -> None:
    raise error


def laid_out(rules: Sequence[Rule], equipment: Sequence[EquipmentEntry] = BOTH) -> RuleSet:
    return RuleSet.of(compiled(rules), equipment, life_safety=False)


def ordered(rules: Sequence[Rule]) -> OrderedJudge:
    return OrderedJudge(laid_out(rules), on_failure=fail)


class Restarting:
    """An OrderedJudge whose place another takes, again and again."""

    def __init__(self, rules: Sequence[Rule], every: int) -> None:
        self._rules, self._every, self._count = rules, every, 0
        self._judge = ordered(rules)

    def judge(self, readings: ReadingBatch, *, now_ms: int) -> Any:
        self._count += 1
        if self._count % self._every == 0:
            self._judge._settle()
            fresh = ordered(self._rules)
            fresh.take_over(self._judge)
            self._judge = fresh
        return self._judge.judge(readings, now_ms=now_ms)

    def tick(self, *, now_ms: int, settled_ms: int) -> list[Detection]:
        return self._judge.tick(now_ms=now_ms, settled_ms=settled_ms)


@pytest.mark.parametrize("texts", [TEXTS, TEXTS + OVER_TIME], ids=["values", "over-time"])
@settings(max_examples=12, deadline=None)
@given(shuffled(), st.booleans(), st.integers(1, 8), st.integers(1, 20))
def test_any_order_any_cut_a_restart_and_a_replay_give_what_one_equipment_with_all_the_points_gives(
    texts: Any, case: tuple[list[ReadingBatch], list[ReadingBatch]], tick: bool, every: int, size: int
) -> None:
    in_order, anyhow = case
    mine = as_own(in_order)
    if not mine:
        return
    expected = episodes(ordered(written(texts, as_own=True)), in_order_of(mine, in_order))
    rules = written(texts)
    assert episodes(ordered(rules), anyhow, tick=tick) == expected
    assert episodes(Restarting(rules, every), anyhow, tick=tick) == expected  # type: ignore[arg-type]
    replay = Replay(laid_out(rules), on_failure=fail)
    for start in range(0, len(in_order), size):
        replay.take(ReadingBatch.concat(in_order[start : start + size]))
    newest_ms = max(int(one.ts_ms.max()) for one in in_order)
    assert as_told(replay.episodes(until_ms=newest_ms)) == expected


def in_order_of(mine: list[ReadingBatch], every: list[ReadingBatch]) -> list[ReadingBatch]:
    """With a reading of nobody's interest at the end, so that time is as late as it was."""
    newest_ms = max(int(one.ts_ms.max()) for one in every)
    return [*mine, ReadingBatch.of([Reading(14, newest_ms, 0.0)])]


INSTANT = st.tuples(
    st.integers(1, 2), st.integers(1, 30),
    st.dictionaries(st.sampled_from(["pa", "ca"]), st.sampled_from([0, 1, 60, 70, 80]), min_size=1),
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(instants=st.lists(INSTANT, min_size=1, max_size=25), cut=st.integers(0, 25))
def test_one_by_one_in_one_batch_and_begun_anew_in_the_middle_give_the_same(
    instants: list[tuple[int, int, dict[str, float]]], cut: int
) -> None:
    readings, second = [], 0
    for number, step, values in instants:
        second += step
        readings.append(at(second, equipment=number, **values))
    rules = written(TEXTS + OVER_TIME)

    def fresh() -> Judge:
        return judge(*rules, equipment=BOTH)

    alone, together, anew = fresh(), fresh(), fresh()
    one_by_one = [d for some in readings for d in alone.judge(batch(some), now_ms=T0).detections]
    assert in_short(one_by_one) == in_short(together.judge(batch(*readings), now_ms=T0).detections)
    np.testing.assert_array_equal(alone.state.since_ms, together.state.since_ms)
    before = anew.judge(batch(*readings[:cut]), now_ms=T0).detections
    lasting: dict[PairKey, int] = {}
    for told in before:
        lasting.pop((told.source_id, told.equipment_id), None)
        if told.active:
            lasting[told.source_id, told.equipment_id] = told.onset_ms
    begun = fresh()
    begun.judge(batch(*readings[:cut]), now_ms=T0)
    assert begun.adopt(lasting) == []
    after = begun.judge(batch(*readings[cut:]), now_ms=T0).detections
    assert in_short([*before, *after]) == in_short(one_by_one)


def test_a_reading_of_the_parent_judges_all_its_children_and_their_own_rules_wait_for_nothing() -> None:
    children = [entry(number, parent=2) for number in (1, 3, 4)]
    it = judge(rule("above", when="parent.pa > pa"), rule("own", when="pa > 75"), equipment=[*children, PARENT])
    assert judged(it, *(at(5, equipment=n, pa=50 + n) for n in (1, 3, 4))) == []
    told = it.judge(batch(at(9, equipment=2, pa=54)), now_ms=T0).detections
    assert [(d.source_id, d.equipment_id.int, d.at_ms - T0) for d in told] == [("above", 1, 9_000), ("above", 3, 9_000)]
    assert told[0].values == {"pa": 51.0, "parent.pa": 54.0}
    # A child whose clock is behind its parent's is judged by its own where only its own points are looked at.
    assert judged(it, at(7, pa=80)) == [(True, 7, 7)]


def test_the_message_names_points_of_others() -> None:
    message = {"zh-CN": "{parent.pa} {other['P-02'].ca}", "en": "{parent.pa} over {limit}"}
    it = judge(
        rule(when="parent.pa > limit or other['P-02'].ca", params={"limit": 75}, message=message), equipment=BOTH
    )
    [told] = it.judge(batch(at(0, equipment=2, pa=80.5)), now_ms=T0).detections
    assert told.message == {"zh-CN": "80.5 —", "en": "80.5 over 75"}


def test_what_the_store_knows_of_the_parent_counts_after_a_restart_and_not_for_longer_than_it_holds() -> None:
    for later_s, expected in ((20, [(True, 20, 20)]), (31, [])):
        it = OrderedJudge(laid_out([rule(when="parent.pa > 75 and pa > 75")]), on_failure=fail)
        assert sorted(it.rules.own_point_nos.tolist()) == [10, 11, 12, 13, 20, 21, 22, 23]
        it.seed(batch(at(0, equipment=2, pa=80)))
        assert seconds(it.judge(batch(at(later_s, pa=80)), now_ms=T0).detections) == expected


def test_a_replay_wants_the_readings_of_all_that_its_rule_names() -> None:
    assert Replay(laid_out([rule(when="parent.pa > 75 and ca == 1")]), on_failure=fail).point_nos == [12, 20]


def test_windows_over_the_parent_are_read_back_once_for_all_its_children() -> None:
    children = [entry(number, parent=2) for number in (1, 3, 4)]
    it = judge(rule(when="avg(parent.pa, '1m') > 75"), equipment=[*children, PARENT])
    assert it.rules.kept.point_no.tolist() == [20]
    it.remember(batch(*(at(s, equipment=2, pa=80) for s in range(-60, 0, 10))))
    told = it.judge(batch(at(0, equipment=2, pa=80)), now_ms=T0).detections
    assert [d.equipment_id.int for d in told] == [1, 3, 4]
    assert it.history.readings == 7


def test_rules_that_name_no_other_equipment_are_laid_out_as_ever() -> None:
    rules = laid_out([rule(when="pa > 75")])
    assert rules.copies is None
    assert rules.places == (CHILD.equipment_id, PARENT.equipment_id)
    slots, ts_ms, value = np.zeros(1, np.int32), np.zeros(1, np.int64), np.zeros(1)
    assert rules.spread(slots, ts_ms, value)[0] is slots


# --- who is left out, and why --------------------------------------------------------------------------------------

REASONS: tuple[tuple[str, dict[str, Any], type[DomainError]], ...] = (
    ("parent.pa > 75", {"parent_id": None}, errors.NoParent),
    ("parent.pa > 75", {"partition": 2}, errors.OtherInAnotherBuilding),
    ("other['P-02'].pa > 75", {"partition": 2}, errors.OtherInAnotherBuilding),
    ("other['P-09'].pa > 75", {}, errors.UnknownOther),
)


@pytest.mark.parametrize(("text", "moved", "reason"), REASONS)
def test_what_cannot_be_judged_is_left_out_with_its_reason(
    text: str, moved: dict[str, Any], reason: type[DomainError]
) -> None:
    [one] = compiled([rule(when=text, equipment=frozenset({CHILD.equipment_id}))])
    equipment = [replace(CHILD, **moved), PARENT]
    rules = RuleSet.of([one], equipment, life_safety=False)
    assert (rules.pairs, [type(each.refusal) for each in rules.left_out]) == (0, [reason])
    assert [type(each.refusal) for each in left_out(one, equipment)] == [reason]
    with pytest.raises(reason):
        check_surroundings(Binder.of(one, Neighbours.of(equipment)), meant(one, equipment))


def test_an_unfit_point_or_unit_of_the_other_leaves_the_pair_out() -> None:
    [one] = compiled([rule(when="parent.pa > pa")])
    celsius = {**CHILD.points, "pa": replace(CHILD.points["pa"], unit="°C")}
    bar = {**PARENT.points, "pa": replace(PARENT.points["pa"], unit="bar")}
    without = {key: point for key, point in PARENT.points.items() if key != "pa"}
    for points, reason in ((bar, errors.UnitsDisagree), (without, errors.UnknownPointOfOther)):
        rules = RuleSet.of([one], [replace(CHILD, points=celsius), replace(PARENT, points=points)], life_safety=False)
        assert {type(each.refusal) for each in rules.left_out} == {reason} | (
            set() if points is without else {errors.NoParent}
        )


def test_a_parent_out_of_service_stops_the_pair_and_refuses_no_rule() -> None:
    [one] = compiled([rule(when="parent.pa > 75")])
    equipment = [CHILD, replace(PARENT, in_service=False)]
    rules = RuleSet.of([one], equipment, life_safety=False)
    assert [(each.equipment.code, type(each.refusal)) for each in rules.left_out] == [
        ("P-01", errors.OtherOutOfService)
    ]
    check_surroundings(Binder.of(one, Neighbours.of(equipment)), meant(one, equipment))


def test_one_equipment_whose_parent_stands_elsewhere_refuses_the_rule_and_is_named() -> None:
    [one] = compiled([rule(when="parent.pa > 75")])
    equipment = [*BOTH, entry(3, parent=4), replace(entry(4), partition=7)]
    with pytest.raises(errors.OtherInAnotherBuilding) as refused:
        check_surroundings(Binder.of(one, Neighbours.of(equipment)), meant(one, equipment))
    assert (refused.value.equipment, refused.value.other) == ("P-03", "P-04")


# --- equipment that moves ------------------------------------------------------------------------------------------


def moved(old: OrderedJudge, rules: Sequence[Rule], equipment: Sequence[EquipmentEntry]) -> tuple[OrderedJudge, Any]:
    fresh = OrderedJudge(laid_out(rules, equipment), on_failure=fail)
    return fresh, seconds(fresh.succeed(old, now_ms=T0 + 99_000))


def test_an_alarm_ends_when_its_parent_moves_away_and_nothing_stale_is_judged() -> None:
    rules = [rule(when="parent.pa > 75 and pa > 75")]
    it = ordered(rules)
    assert seconds(it.judge(batch(at(0, pa=80), at(0, equipment=2, pa=80)), now_ms=T0).detections) == [(True, 0, 0)]
    it, ended = moved(it, rules, [CHILD, replace(PARENT, partition=5)])
    assert ended == [(False, 0, 99)]
    assert seconds(it.judge(batch(at(10, pa=80)), now_ms=T0).detections) == []
    assert [each.refusal.code() for each in it.rules.left_out if each.equipment is CHILD] == [
        "other_in_another_building"
    ]


def test_a_new_parent_is_judged_by_what_itself_said_and_durations_begin_anew() -> None:
    rules = [rule(when="parent.pa > 75 and pa > 1", for_ms=15_000), rule("own", when="pa > 1000")]
    third = entry(3)
    it = OrderedJudge(laid_out(rules, [*BOTH, third]), on_failure=fail)
    it.judge(batch(*(at(s, equipment=n, pa=v) for s in (0, 10) for n, v in ((1, 5), (2, 80), (3, 90)))), now_ms=T0)
    it, ended = moved(it, rules, [replace(CHILD, parent_id=third.equipment_id), PARENT, third])
    assert ended == []
    told = it.judge(batch(at(12, pa=5), at(20, pa=5), at(22, equipment=3, pa=90), at(30, pa=5)), now_ms=T0).detections
    assert seconds(told) == [(True, 12, 27)]


def test_a_rule_begins_with_what_watched_points_say_and_not_with_what_nobody_followed() -> None:
    watched, unwatched = rule("watched", when="ca > 5"), rule("new", when="parent.ca == 1 and pa > 75")
    for before, expected in (([watched], [(True, 9, 9)]), ([rule("other", when="pb > 5")], [])):
        it = ordered(before)
        it.seed(batch(at(-5, equipment=2, ca=1)))
        it.judge(batch(at(0, equipment=2, ca=1, pb=1), at(0, pa=1, pb=1)), now_ms=T0)
        it, _ = moved(it, [*before, unwatched], BOTH)
        assert seconds(it.judge(batch(at(9, pa=80)), now_ms=T0).detections) == expected


def test_life_safety_points_of_the_parent_are_heard_at_once() -> None:
    it = judge(rule(when="parent.sa and not sa", life_safety=True), equipment=BOTH, life_safety=True)
    assert judged(it, at(100, sa=0)) == []
    in_time = it.never_late(batch(at(50, equipment=2, sa=1)), arrived_ms=T0 + 101_000)
    assert seconds(it.judge(in_time, now_ms=T0).detections) == [(True, 100, 100)]
    assert ticked(it, 200) == []
