"""Conditions of rules: what is read, what is refused and where, what holds."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.condition import MAX_DEPTH, MAX_TESTS, AllOf, AnyOf, Comparison, Condition, Not, holds, parse
from automation.errors import RuleInvalid
from automation.facts import OF_TIME, could_hold
from automation.vocabulary import Trigger, fields_of

FIELDS = fields_of(Trigger.MOVED)


def a(field: str, operator: str, *value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator} | ({"value": value[0]} if value else {})


@pytest.mark.parametrize(
    ("tree", "facts", "is_so"),
    [
        ({}, {}, True),
        (a("priority", "<=", 2), {"priority": 2.0}, True),
        (a("priority", "<", 2), {"priority": 2.0}, False),
        (a("priority", ">", 2), {"priority": None}, False),
        (a("priority", "!=", 2), {"priority": None}, True),
        (a("priority", "in", [1, 2]), {"priority": 1.0}, True),
        (a("is_repeat", "==", False), {"is_repeat": False}, True),
        (a("is_repeat", "==", False), {}, False),
        (a("kind", "not_in", ["repair"]), {"kind": "smoke"}, True),
        (a("assignee_id", "is_not_set"), {"assignee_id": None}, True),
        (a("place", "contains", "3栋"), {"place": "阳光 3栋2单元"}, True),
        (a("event.after", "==", "on_hold"), {"event.after": "on_hold"}, True),
        ({"not": a("kind", "==", "repair")}, {"kind": "repair"}, False),
        ({"any": [a("kind", "==", "repair"), a("cost", ">=", 500)]}, {"kind": "x", "cost": 500.0}, True),
        ({"all": [a("kind", "==", "repair"), a("cost", ">=", 500)]}, {"kind": "x", "cost": 500.0}, False),
        # A flag is no number.
        (a("cost", "<", 5), {"cost": True}, False),
    ],
)
def test_a_condition_holds_of_facts(tree: dict[str, Any], facts: dict[str, Any], is_so: bool) -> None:
    assert holds(parse(tree, FIELDS), facts) is is_so


def deep(levels: int) -> dict[str, Any]:
    tree = a("priority", "==", 1)
    for _ in range(levels):
        tree = {"not": tree}
    return tree


@pytest.mark.parametrize(
    ("tree", "where", "problem"),
    [
        ([], "condition", "no_object"),
        ({"all": []}, "condition.all", "no_list"),
        ({"all": [a("nonsense", "==", 1)]}, "condition.all[0].field", "unknown"),
        (a("event.reason", "==", "x"), "condition.field", "unknown"),
        (a("priority", "contains", "1"), "condition.operator", "unknown"),
        (a("priority", "=", 1), "condition.operator", "unknown"),
        (a("priority", "==", "2"), "condition.value", "wrong_type"),
        (a("priority", "==", True), "condition.value", "wrong_type"),
        (a("is_repeat", "==", 1), "condition.value", "wrong_type"),
        (a("state", "==", "asleep"), "condition.value", "unknown"),
        (a("state", "in", ["new", "asleep"]), "condition.value[1]", "unknown"),
        (a("state", "in", "new"), "condition.value", "no_list"),
        (a("kind", "==", "x'; DROP TABLE work_order"), "condition.value", "unknown"),
        (a("assignee_id", "==", "张工"), "condition.value", "wrong_type"),
        (a("assignee_id", "is_set", "x"), "condition.value", "unwanted"),
        ({"field": "priority", "operator": "==", "value": 1, "eval": "1"}, "condition.eval", "unknown"),
        (deep(MAX_DEPTH), "condition" + ".not" * MAX_DEPTH, "too_deep"),
        ({"any": [a("priority", "==", 1)] * (MAX_TESTS + 1)}, f"condition.any[{MAX_TESTS}]", "too_many"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_named(tree: Any, where: str, problem: str) -> None:
    with pytest.raises(RuleInvalid) as refused:
        parse(tree, FIELDS)
    assert (refused.value.where, refused.value.problem) == (where, problem)
    assert refused.value.allowed


tests_of_numbers = st.builds(
    lambda field, operator, value: parse(a(field, operator, value), FIELDS),
    st.sampled_from(["priority", "cost", *sorted(OF_TIME)]), st.sampled_from(["<", ">=", "=="]), st.integers(0, 3),
)  # fmt: skip
conditions: st.SearchStrategy[Condition] = st.recursive(
    tests_of_numbers,
    lambda some: st.one_of(
        st.builds(Not, some),
        st.builds(lambda of: AllOf(tuple(of)), st.lists(some, min_size=1, max_size=3)),
        st.builds(lambda of: AnyOf(tuple(of)), st.lists(some, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)
numbers = st.dictionaries(st.sampled_from(["priority", "cost"]), st.integers(0, 3).map(float))
times = st.fixed_dictionaries({name: st.integers(0, 3).map(float) for name in sorted(OF_TIME)})


@settings(max_examples=150, deadline=None)
@given(conditions, numbers, times)
def test_whatever_holds_once_time_has_passed_could_hold_before(
    condition: Condition, facts: dict[str, float], later: dict[str, float]
) -> None:
    if holds(condition, {**facts, **later}):
        assert could_hold(condition, facts)


@settings(max_examples=150, deadline=None)
@given(conditions, numbers, times)
def test_not_turns_a_condition_round(condition: Condition, facts: dict[str, float], now: dict[str, float]) -> None:
    assert holds(Not(condition), {**facts, **now}) is not holds(condition, {**facts, **now})


def test_without_time_in_it_what_could_hold_holds() -> None:
    condition = parse(a("priority", "<=", 2), FIELDS)
    assert isinstance(condition, Comparison)
    assert could_hold(condition, {"priority": 2.0}) is holds(condition, {"priority": 2.0}) is True
    assert could_hold(condition, {"priority": 3.0}) is holds(condition, {"priority": 3.0}) is False
