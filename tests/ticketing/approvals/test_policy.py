"""What a policy may say, and which of its steps concern an order."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from hub.texts import load_texts
from kit.i18n import Language
from ticketing.approvals.condition import Fact, Facts
from ticketing.approvals.policy import parse
from ticketing.definitions.errors import DocumentInvalid

ANY_MANAGER: dict[str, Any] = {"who": {"role": "manager"}, "mode": "any"}
SOMEBODY = "01980000-0000-7000-8000-000000000001"
COSTLY: dict[str, Any] = {
    "code": "costly",
    "names": {"zh-CN": "大额维修", "en": "Costly work"},
    "steps": [
        {"who": {"role": "dispatcher"}, "mode": "any"},
        {
            "who": {"role": "manager"}, "mode": "all",
            "when": {
                "all": [
                    {"fact": "cost", "op": ">", "value": 500},
                    {"fact": "kind", "op": "in", "value": ["repair_home", "repair_public"]},
                ]
            },
            "late": {"after_min": 60, "then": "escalate", "to": {"manager_of": "site"}},
        },
        {"who": {"persons": [SOMEBODY]}, "mode": "single", "when": {"fact": "payer", "op": "=", "value": "owner"}},
    ],
}  # fmt: skip
TEXTS = load_texts()


@pytest.mark.parametrize(
    ("facts", "steps"),
    [
        ({}, 1),
        ({Fact.COST: Decimal(500), Fact.KIND: "repair_home"}, 1),
        ({Fact.COST: Decimal("500.01"), Fact.KIND: "repair_home"}, 2),
        ({Fact.COST: Decimal(900), Fact.KIND: "complaint"}, 1),
        ({Fact.COST: Decimal(900), Fact.KIND: "repair_public", Fact.PAYER: "owner"}, 3),
        ({Fact.COST: None, Fact.KIND: "repair_public", Fact.PAYER: None}, 1),
    ],
)
def test_only_the_steps_whose_condition_holds_concern_an_order(facts: Facts, steps: int) -> None:
    assert len(parse(COSTLY).steps_for(facts)) == steps


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("unreadable", {"steps": [{"who": {"role": "manager"}, "mode": "most"}]}),
    ("unreadable", {"steps": [{"who": {"role": "manager"}, "mode": "any", "unless": {}}]}),
    ("steps_count", {"steps": []}),
    ("bad_code", {"code": "大额"}),
    ("no_name", {"names": {"zh-CN": "大额"}}),
    ("who_form", {"steps": [{"who": {}, "mode": "any"}]}),
    ("who_form", {"steps": [{"who": {"role": "manager", "manager_of": "site"}, "mode": "any"}]}),
    ("who_not_staff", {"steps": [{"who": {"role": "owner"}, "mode": "any"}]}),
    ("twice", {"steps": [{"who": {"persons": [SOMEBODY, SOMEBODY]}, "mode": "any"}]}),
    ("single_needs_one", {"steps": [{"who": {"role": "manager"}, "mode": "single"}]}),
    ("late_after", {"steps": [{**ANY_MANAGER, "late": {"after_min": 0, "then": "remind"}}]}),
    ("late_to", {"steps": [{**ANY_MANAGER, "late": {"after_min": 9, "then": "escalate"}}]}),
    ("condition_form", {"steps": [{**ANY_MANAGER, "when": {}}]}),
    ("condition_form", {"steps": [{**ANY_MANAGER, "when": {"all": []}}]}),
    ("condition_value", {"steps": [{**ANY_MANAGER, "when": {"fact": "cost", "op": ">", "value": "many"}}]}),
    ("condition_value", {"steps": [{**ANY_MANAGER, "when": {"fact": "kind", "op": ">", "value": "a"}}]}),
]  # fmt: skip


@pytest.mark.parametrize(("problem", "change"), WRONG)
def test_a_policy_that_cannot_be_meant_is_refused_and_says_why_in_both_languages(
    problem: str, change: dict[str, Any]
) -> None:
    with pytest.raises(DocumentInvalid) as refused:
        parse(deepcopy(COSTLY) | change)
    assert f"ticketing.document.{problem}" in refused.value.problems
    for language in Language:
        assert "{" not in TEXTS.of_error(refused.value, language)


def test_a_condition_too_deep_to_be_understood_is_refused() -> None:
    deep: dict[str, Any] = {"fact": "cost", "op": ">", "value": 1}
    for _ in range(5):
        deep = {"all": [deep]}
    with pytest.raises(DocumentInvalid) as refused:
        parse(COSTLY | {"steps": [{**ANY_MANAGER, "when": deep}]})
    assert refused.value.problems == ["ticketing.document.condition_too_large"]
