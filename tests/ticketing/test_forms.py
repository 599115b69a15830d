"""Forms of kinds: what is taken, what is refused and in which words, who sees what; and documents of kinds."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.access import Role
from kit.i18n import Language, Texts, Wording
from ticketing.definitions.book import shipped
from ticketing.definitions.errors import DocumentInvalid
from ticketing.definitions.flow_document import parse_flow
from ticketing.definitions.kind_document import check_flow, parse_kind
from ticketing.errors import FieldInvalid, FieldMissing, FieldNotYours, FieldUnknown
from ticketing.forms import FieldType, Form, FormField, Moment, Option
from ticketing.kinds import SETTLED, OrderState

FLOWS = {code: parse_flow(document, code=code, version=1) for code, document in shipped("flows").items()}
KINDS = shipped("kinds")
SPACE = "0198b5a0-0000-7000-8000-000000000502"


def named(zh: str, en: str) -> Wording:
    return Wording({"zh-CN": zh, "en": en})


FORM = Form(
    (
        FormField("permit_no", named("许可证号", "Permit number"), FieldType.TEXT, required=Moment.CREATION),
        FormField("depth", named("深度", "Depth"), FieldType.NUMBER, low=0, high=10, unit="m"),
        FormField(
            "room", named("房间", "Room"), FieldType.CHOICE,
            options=(Option("kitchen", named("厨房", "Kitchen")), Option("bath", named("卫生间", "Bathroom"))),
        ),
        FormField("seen_at", named("发现时间", "Seen at"), FieldType.DATETIME),
        FormField("where", named("位置", "Where"), FieldType.LOCATION, many=True),
        FormField(
            "verdict", named("验收意见", "Verdict"), FieldType.TEXT, required=Moment.COMPLETION,
            write=frozenset({Role.MANAGER}),
        ),
        FormField("remark", named("内部备注", "Internal remark"), FieldType.TEXT, see=frozenset({Role.MANAGER})),
    )
)  # fmt: skip
EVERYBODY = frozenset(Role)
GOOD: dict[str, Any] = {
    "permit_no": "ZX-7", "depth": 1.5, "room": "bath", "seen_at": "2026-11-22T10:00:00+08:00", "where": [SPACE],
}  # fmt: skip
BAD: list[tuple[str, Any]] = [
    ("permit_no", 7), ("permit_no", "x" * 2001), ("permit_no", "a\x00b"), ("depth", "1.5"), ("depth", 10.01),
    ("depth", True), ("depth", float("nan")), ("depth", 10**400),
    ("room", "cellar"), ("room", ["bath"]), ("seen_at", "yesterday"),
    ("seen_at", "2026-11-22T10:00:00"), ("seen_at", 5), ("where", SPACE), ("where", ["here"]), ("where", [None]),
]  # fmt: skip


def test_what_fits_is_taken_and_an_empty_value_takes_it_away() -> None:
    taken = FORM.take({}, GOOD, roles=EVERYBODY)
    assert taken == GOOD
    assert FORM.take(taken, {"depth": None, "room": ""}, roles=EVERYBODY).keys() == {"permit_no", "seen_at", "where"}


@pytest.mark.parametrize(("key", "value"), BAD)
def test_what_cannot_be_meant_is_refused_by_name(key: str, value: Any) -> None:
    with pytest.raises(FieldInvalid) as refused:
        FORM.take({}, {key: value}, roles=EVERYBODY)
    assert refused.value.field == key


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=5), max_size=3))
def test_a_field_nobody_asked_for_is_refused_and_the_known_ones_named(values: dict[str, str]) -> None:
    strange = {key: value for key, value in values.items() if key not in {field.key for field in FORM.fields}}
    if not strange:
        return
    with pytest.raises(FieldUnknown) as refused:
        FORM.take({}, strange, roles=EVERYBODY)
    assert refused.value.known == [field.key for field in FORM.fields]


def test_a_missing_field_is_named_in_the_readers_language() -> None:
    with pytest.raises(FieldMissing) as refused:
        FORM.check_complete({}, Moment.CREATION, action="create")
    texts = Texts.load(["ticketing"])
    assert texts.of_error(refused.value, Language.ZH) == "执行“提交工单”必须填写 许可证号。"
    assert "Permit number" in texts.of_error(refused.value, Language.EN)


def test_blanks_fill_nothing_in() -> None:
    assert FORM.take({}, {"permit_no": "   "}, roles=EVERYBODY) == {}


def test_what_is_wanted_at_completion_is_not_asked_for_before() -> None:
    values = {"permit_no": "ZX-7"}
    FORM.check_complete(values, Moment.CREATION, action="create")
    with pytest.raises(FieldMissing) as refused:
        FORM.check_complete(values, Moment.COMPLETION, action="finish")
    assert refused.value.field == "verdict"


def test_rights_on_fields_are_by_role() -> None:
    values = FORM.take({}, {"verdict": "合格", "remark": "催得急"}, roles={Role.MANAGER})
    assert FORM.seen_by(values, {Role.ENGINEER}) == {"verdict": "合格"}
    assert FORM.seen_by(values, {Role.MANAGER}) == values
    with pytest.raises(FieldNotYours):
        FORM.take({}, {"verdict": "合格"}, roles={Role.ENGINEER})


def test_answers_are_told_with_the_words_of_their_fields() -> None:
    values = FORM.take({}, {"depth": 2, "room": "bath", "remark": "催得急"}, roles={Role.MANAGER})
    told = [
        (one.field.key, one.value, [name["zh-CN"] for name in one.words]) for one in FORM.answers(values, {Role.OWNER})
    ]
    assert told == [("depth", 2, []), ("room", "bath", ["卫生间"])]


def test_what_another_form_asks_otherwise_is_not_carried_to_it() -> None:
    other = Form(tuple(replace(one, high=1.0) if one.key == "depth" else one for one in FORM.fields))
    assert FORM.carried({"depth": 2, "room": "bath"}, FORM) == {"depth": 2, "room": "bath"}
    assert FORM.carried({"depth": 2, "room": "bath"}, other) == {"room": "bath"}


# --- documents -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_kind_that_comes_with_the_hub_can_take_its_flow(code: str) -> None:
    kind = parse_kind(KINDS[code], code=code, version=1)
    check_flow(kind, FLOWS[kind.flow])
    topics = [topic.code for root in kind.topics for topic in root.walk()]
    assert len(topics) == len(set(topics))


def test_a_topic_takes_from_its_parent_what_it_does_not_say() -> None:
    kind = parse_kind(KINDS["home_repair"], code="home_repair", version=1)
    leak, blocked = kind.topic("pipe_leaks"), kind.topic("drain_blocked")
    assert leak is not None
    assert blocked is not None
    assert (leak.category, blocked.category) == ("water_leak", "drainage")


def _field(**changes: Any) -> dict[str, Any]:
    return {"key": "depth", "names": {"zh-CN": "深度", "en": "Depth"}, "type": "number", **changes}


Harm = Callable[[dict[str, Any]], None]
BROKEN: dict[str, tuple[str, Harm]] = {
    "an unknown type": ("unreadable", lambda it: it["fields"].append(_field(type="colour"))),
    "a field twice": ("twice", lambda it: it["fields"].extend([_field(), _field()])),
    "a bad key": ("bad_code", lambda it: it["fields"].append(_field(key="Depth in m"))),
    "a choice without options": ("options_wanted", lambda it: it["fields"].append(_field(type="choice"))),
    "options of a number": (
        "options_unwanted",
        lambda it: it["fields"].append(_field(options=[{"code": "a", "names": {"zh-CN": "甲", "en": "A"}}])),
    ),
    "a unit of a text": ("not_a_number", lambda it: it["fields"].append(_field(type="text", unit="m"))),
    "low above high": ("bad_number", lambda it: it["fields"].append(_field(low=2, high=1))),
    "required of nobody": ("nobody_writes", lambda it: it["fields"].append(_field(required="completion", write=[]))),
    "a photo before there is an order": (
        "photo_at_creation", lambda it: it["fields"].append(_field(type="photo", required="creation")),
    ),
    "no English": ("no_name", lambda it: it["names"].pop("en")),
    "a topic twice": ("twice", lambda it: it["topics"].append(it["topics"][0])),
    "an unheard-of priority": ("bad_number", lambda it: it.update(priority=7)),
    "life safety that waits": ("life_safety_waits", lambda it: it.update(procedure="smoke", intake="admit")),
    "photos without end": ("bad_number", lambda it: it.update(completion={"photos_after": 99})),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_a_document_that_could_not_work_is_refused_and_says_why(case: str) -> None:
    problem, harm = BROKEN[case]
    document = deepcopy(KINDS["home_repair"])
    harm(document)
    with pytest.raises(DocumentInvalid) as refused:
        parse_kind(document, code="home_repair", version=2)
    assert f"ticketing.document.{problem}" in refused.value.problems
    texts = Texts.load(["ticketing", "ticketing.definitions"])
    for language in Language:
        assert "{" not in texts.of_error(refused.value, language)


def test_a_kind_cannot_take_a_flow_that_does_not_fit() -> None:
    waiting = parse_kind(KINDS["home_repair"] | {"intake": "admit"}, code="x", version=1)
    with pytest.raises(DocumentInvalid, match="no_admission"):
        check_flow(waiting, FLOWS["life_safety"])
    with pytest.raises(DocumentInvalid, match="required_missing"):
        check_flow(parse_kind(KINDS["home_repair"], code="x", version=1), FLOWS["feedback"])


def test_a_flow_of_life_safety_can_take_over_an_order_wherever_it_stands() -> None:
    kind = parse_kind(KINDS["entrapment"], code="entrapment", version=2)
    document = shipped("flows")["life_safety"]
    check_flow(kind, parse_flow(document, code="life_safety", version=1))
    texts = Texts.load(["ticketing", "ticketing.definitions"])
    for state in sorted({*OrderState} - SETTLED - {OrderState.NEW}):
        renamed = _renamed(document, state.value)
        with pytest.raises(DocumentInvalid, match="life_safety_stage") as refused:
            check_flow(kind, parse_flow(renamed, code="life_safety", version=2))
        assert "{" not in texts.of_error(refused.value, Language.ZH)
    stuck = deepcopy(document)
    dispatch = next(row for row in stuck["transitions"] if row["action"] == "dispatch")
    dispatch["from"].remove("on_hold")
    with pytest.raises(DocumentInvalid, match="hub_cannot"):
        check_flow(kind, parse_flow(stuck, code="life_safety", version=2))


def _renamed(document: dict[str, Any], stage: str) -> dict[str, Any]:
    """The flow with a stage of the same meaning under another code."""
    other = deepcopy(document)
    names = {"zh-CN": "另一环节", "en": "Another stage"}
    for one in other["stages"]:
        if one["code"] == stage:
            one.update(code=f"{stage}_too", names=names)
    for row in other["transitions"]:
        row["from"] = [f"{stage}_too" if one == stage else one for one in row["from"]]
        row["to"] = f"{stage}_too" if row["to"] == stage else row["to"]
    return other
