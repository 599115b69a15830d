"""Rules as documents."""

from typing import Any

import pytest

from automation.errors import RuleInvalid
from automation.rule import Assign, Notify, Recipient, read_rule
from automation.schemas import DOCUMENT
from kit.ids import new_id

TELL = {"do": "notify", "to": "duty_manager", "text": "请关注"}


def test_the_documented_example_is_a_rule() -> None:
    rule = read_rule(DOCUMENT)
    assert (rule.trigger, rule.delay_min) == ("moved", 120.0)
    (notify,) = rule.actions
    assert isinstance(notify, Notify)
    assert (notify.to, notify.text["en"]) == (Recipient.DUTY_MANAGER, "On hold for two hours")


def test_whom_a_rule_names_is_known() -> None:
    person, hook = new_id(), new_id()
    rule = read_rule(
        {
            "trigger": "opened",
            "actions": [
                {"do": "assign", "person_id": str(person)}, {"do": "assign"},
                {"do": "webhook", "endpoint_id": str(hook)},
            ],
        }
    )  # fmt: skip
    assert rule.actions[1] == Assign(None)
    assert (rule.person_ids, rule.endpoint_ids) == (frozenset({person}), frozenset({hook}))


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"trigger": "sneezed"}, "trigger"),
        ({"trigger": None}, "trigger"),
        ({"delay_min": -1}, "delay_min"),
        ({"delay_min": True}, "delay_min"),
        ({"delay_min": 10**9}, "delay_min"),
        ({"actions": []}, "actions"),
        ({"actions": [TELL] * 11}, "actions"),
        ({"actions": ["notify"]}, "actions[0]"),
        ({"actions": [{"do": "explode"}]}, "actions[0].do"),
        ({"actions": [TELL | {"to": "owner"}]}, "actions[0].to"),
        ({"actions": [TELL | {"to": "person"}]}, "actions[0].person_id"),
        ({"actions": [TELL | {"text": {"zh-CN": "x"}}]}, "actions[0].text"),
        ({"actions": [TELL | {"text": " "}]}, "actions[0].text.zh-CN"),
        ({"actions": [TELL | {"is_urgent": "yes"}]}, "actions[0].is_urgent"),
        ({"actions": [TELL | {"phone": "1"}]}, "actions[0].phone"),
        ({"actions": [TELL, {"do": "set", "priority": 9}]}, "actions[1].priority"),
        ({"actions": [{"do": "create", "category": "dragons", "text": "x"}]}, "actions[0].category"),
        ({"actions": [{"do": "webhook", "endpoint_id": "x"}]}, "actions[0].endpoint_id"),
        ({"otherwise": []}, "otherwise"),
        ({"\ud800": 1}, "document"),
        ({"actions": [TELL | {"text": "a\x00b"}]}, "document"),
        ({"delay_min": float("nan")}, "delay_min"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, Any], where: str) -> None:
    with pytest.raises(RuleInvalid) as refused:
        read_rule({"trigger": "opened", "actions": [TELL]} | changed)
    assert refused.value.where == where
