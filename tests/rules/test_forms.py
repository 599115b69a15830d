"""Plain forms of rules: repeating, stuck, too fast, and hours of their own, as a person would check them by hand."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from building.reading import ReadingBatch
from rules import errors
from rules.forms import ActiveHours, Repeats
from rules.rule import Rule
from rules.schedules import parse_schedule
from rules.schemas import RuleDefinition
from tests.rules.plant import at, compiled, judge, judged, rule, ticked
from tests.rules.test_reorder import episodes, shuffled
from tests.rules.test_reorder import judge as ordered

WRITTEN: dict[str, Any] = {
    "key": "rule",
    "name": {"zh-CN": "规则", "en": "Rule"},
    "message": {"zh-CN": "告警", "en": "Alarm"},
    "profile": "plant",
    "severity": "minor",
    "fault_mode": "fault",
}
# A minute at T0 in Shanghai.
NOON: dict[str, Any] = {"active_hours": ActiveHours("h"), "schedules": {"h": parse_schedule("12:00-12:01")}}


def written(**form: Any) -> Rule:
    """The rule that somebody saved with this form; what comes back over the wire is the same."""
    definition = RuleDefinition.model_validate(WRITTEN | form)
    assert RuleDefinition.model_validate_json(definition.model_dump_json()) == definition
    return definition.to_rule()


def naive_repeats(values: Sequence[int], *, times: int, window: int) -> list[bool | None]:
    """Of readings 10 s apart, whether it came on so often in the window; None where that is not known yet."""
    found: list[bool | None] = []
    for now in range(len(values)):
        begins = [n for n in range(1, now + 1) if values[n] and not values[n - 1] and (now - n) * 10 < window]
        found.append(len(begins) >= times if now * 10 >= window else None)
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 1), min_size=1, max_size=30), st.integers(2, 3))
def test_repeating_counts_how_often_the_condition_came_about(values: list[int], times: int) -> None:
    it = judge(written(when="80 > pa > 70", repeats={"times": times, "within": "1m"}))
    for place, known in enumerate(naive_repeats(values, times=times, window=60)):
        judged(it, at(place * 10, pa=75.0 if values[place] else 60.0))
        assert bool(it.state.is_active[0]) == bool(known)


def test_repeating_ends_by_itself_when_the_first_of_them_is_long_ago() -> None:
    it = judge(rule(when="ca == 1", repeats=Repeats(2, 60_000)))
    assert judged(it, at(0, ca=0)) == []
    assert judged(it, at(100, ca=1), at(105, ca=0), at(120, ca=1)) == [(True, 120, 120)]
    assert ticked(it, 200) == [(False, 120, 160)]


@pytest.mark.parametrize(
    ("when", "refusal"),
    [
        ("pa > 1 and pb > 1", "one_point_repeats"),
        ("avg(pa, '1m') > 1", "one_point_repeats"),
        ("pa > 1", "window_too_long"),
    ],
)
def test_what_cannot_be_counted_is_refused(when: str, refusal: str) -> None:
    with pytest.raises(errors.ExpressionError) as refused:
        compiled([rule(when=when, repeats=Repeats(3, 24 * 3_600_000))])
    assert refused.value.code() == refusal


def test_a_stuck_sensor_is_one_that_says_the_same_all_the_while_and_a_silent_one_is_none() -> None:
    it = judge(written(stuck={"points": ["pa", "pb"], "for": "1m"}, clear_for="20s"))
    told = [judged(it, at(n * 10, pa=5.0, pb=float(n))) for n in range(7)]
    assert told == [[]] * 6 + [[(True, 60, 60)]]
    assert judged(it, at(70, pa=5.1, pb=7.0)) == []
    assert judged(it, at(80, pa=5.2, pb=8.0)) == []
    assert judged(it, at(90, pa=5.2, pb=9.0)) == [(False, 60, 90)]
    silent = judge(written(stuck={"points": ["pa"], "for": "1m"}))
    assert judged(silent, at(0, pa=5), at(10, pa=5), at(200, pa=5)) == []


def test_a_rate_has_limits_up_and_down_by_the_minute_also_as_parameters() -> None:
    form = {"rate": {"point": "pa", "over": "1m", "above": "fastest", "below": -2.5}, "params": {"fastest": 6}}
    it = judge(written(**form))
    assert judged(it, *(at(n * 10, pa=float(n)) for n in range(7))) == []
    assert judged(it, at(70, pa=7.5)) == [(True, 70, 70)]
    assert judged(it, at(80, pa=7.9)) == [(False, 70, 80)]
    assert judged(it, at(90, pa=0.4)) == [(True, 90, 90)]


def test_a_rule_with_hours_raises_in_them_only_and_what_it_raised_ends_with_them() -> None:
    """T0 is noon in Shanghai."""
    it = judge(rule(when="ca == 1", clear="ca == 3", **NOON))
    assert judged(it, at(-30, ca=1)) == []
    assert ticked(it, 30) == [(True, 0, 0)]
    assert ticked(it, 90) == [(False, 0, 60)]
    outside = judge(rule(when="ca == 1", active_hours=ActiveHours("h", outside=True), schedules=NOON["schedules"]))
    assert judged(outside, at(-30, ca=1)) == [(True, -30, -30)]
    assert ticked(outside, 30) == [(False, -30, 0)]
    assert ticked(outside, 90) == [(True, 60, 60)]


def test_the_hours_of_a_rule_are_a_schedule_of_its_own() -> None:
    with pytest.raises(errors.UnknownSchedule):
        compiled([written(when="pa > 1", active_in="night")])


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"when": "pa > 1", "stuck": {"points": ["pa"], "for": "1h"}},
        {"rate": {"point": "pa", "over": "5m"}},
        {"when": "pa > 1", "for": "1m", "repeats": {"times": 3, "within": "1h"}},
        {"when": "pa > 1", "repeats": {"times": 1, "within": "1h"}},
        {"missing": "1h", "active_in": "night", "schedules": {"night": "22:00-06:00"}},
        {"when": "pa > 1", "active_in": "a", "active_outside": "a", "schedules": {"a": "22:00-06:00"}},
        {"stuck": {"points": [], "for": "1h"}},
        {"when": "pa > 1", "levels": [{"severity": "minor", "when": "pa > 2"}]},
        {"when": "pa > 1", "levels": [{"severity": "warning", "when": "pa > 2"}]},
        {"when": "pa > 1", "levels": [{"severity": "major", "when": "pa > 2"}] * 2},
        {"missing": "1h", "levels": [{"severity": "major", "when": "pa > 2"}]},
    ],
)
def test_forms_that_contradict_each_other_are_refused(form: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RuleDefinition.model_validate(WRITTEN | form)


FORMS = [
    rule("again", when="ca == 1", repeats=Repeats(2, 60_000)),
    rule("hours", when="pa > 75", for_ms=8_000, **NOON),
    rule("stuck", when=written(stuck={"points": ["pb"], "for": "20s"}).when),
]


@settings(max_examples=40, deadline=None)
@given(shuffled(), st.booleans())
def test_any_order_and_any_cut_give_the_same_episodes(
    case: tuple[list[ReadingBatch], list[ReadingBatch]], tick: bool
) -> None:
    in_order, anyhow = case
    assert episodes(ordered(FORMS), anyhow, tick=tick) == episodes(ordered(FORMS), in_order)
