"""The flows that come with the hub: every stage, every action, every hat; and what makes a document workable."""

import tomllib
from collections.abc import Callable
from copy import deepcopy
from itertools import product
from typing import Any

import pytest

from kit.i18n import Language, Texts
from tests.ticketing.town import Town
from ticketing.definitions.book import shipped
from ticketing.definitions.errors import DocumentInvalid
from ticketing.definitions.flow_document import parse_flow
from ticketing.errors import FieldMissing, IllegalTransition, NotYourOrder
from ticketing.flow import Action, Effect, Hat
from ticketing.kinds import SETTLED, OrderState
from ticketing.words import SAYABLE

DOCUMENTS = shipped("flows")
FLOWS = {code: parse_flow(document, code=code, version=1) for code, document in DOCUMENTS.items()}
ACTIONS = sorted({*Action, *(row.action for flow in FLOWS.values() for row in flow.transitions)})

# The whole life of an order, written out once more by hand: a change of a flow must be meant twice.
EXPECTED = tomllib.loads("""
[repair]
new = "dispatch outsource accept finish cancel"
to_admit = "admit dispatch outsource finish cancel"
dispatched = "dispatch outsource accept decline lapse arrive finish cancel"
with_contractor = "dispatch accept decline lapse arrive finish cancel"
accepted = "dispatch outsource decline transfer depart arrive start hold quote ask_approval finish cancel"
en_route = "dispatch outsource transfer arrive start hold quote ask_approval finish cancel"
on_site = "dispatch outsource transfer start hold quote ask_approval finish cancel"
in_progress = "dispatch outsource transfer hold quote ask_approval finish cancel"
on_hold = "dispatch outsource resume finish cancel"
quoted = "approve_quote refuse_quote finish cancel"
to_approve = "grant refuse finish cancel"
done = "verify reopen hand_up close"
verified = "reopen hand_up close"
closed = "reopen hand_up"
cancelled = ""
reopened = "dispatch outsource accept finish cancel"

[life_safety]
new = "dispatch accept finish cancel"
dispatched = "dispatch accept decline arrive finish cancel"
accepted = "dispatch decline transfer depart arrive start hold finish cancel"
en_route = "dispatch transfer arrive start hold finish cancel"
on_site = "dispatch transfer start hold finish cancel"
in_progress = "dispatch transfer hold finish cancel"
on_hold = "dispatch resume finish cancel"
done = "verify reopen close"
verified = "reopen close"
closed = "reopen"
cancelled = ""
reopened = "dispatch accept finish cancel"

[feedback]
new = "dispatch accept finish cancel"
to_admit = "admit dispatch finish cancel"
dispatched = "dispatch accept decline lapse finish cancel"
accepted = "dispatch decline transfer start hold ask_owner finish cancel"
in_progress = "dispatch transfer hold ask_owner finish cancel"
on_hold = "dispatch resume finish cancel"
waiting_for_owner = "resume finish cancel"
done = "verify reopen hand_up close"
verified = "reopen hand_up close"
closed = "reopen hand_up"
cancelled = ""
reopened = "dispatch accept finish cancel"
""")

CASES = [(code, stage.code, action) for code, flow in FLOWS.items() for stage, action in product(flow.stages, ACTIONS)]
ROWS = [(code, row) for code, flow in FLOWS.items() for row in flow.transitions]


@pytest.mark.parametrize("code", sorted(FLOWS))
def test_a_flow_has_exactly_the_stages_written_here(code: str) -> None:
    assert {stage.code for stage in FLOWS[code].stages} == set(EXPECTED[code])


@pytest.mark.parametrize(("code", "stage", "action"), CASES)
def test_every_stage_knows_exactly_its_actions(code: str, stage: str, action: str) -> None:
    flow = FLOWS[code]
    if action in EXPECTED[code][stage].split():
        row = flow.decide(stage, action, hats=frozenset(Hat), given=SAYABLE)
        assert (row.before, row.action) == (stage, action)
        return
    with pytest.raises(IllegalTransition) as refused:
        flow.decide(stage, action, hats=frozenset(Hat), given=SAYABLE)
    assert set(refused.value.legal) == set(EXPECTED[code][stage].split())


def test_only_the_hats_of_a_transition_may_make_it() -> None:
    for (code, row), hat in product(ROWS, Hat):
        if hat in row.hats:
            assert FLOWS[code].decide(row.before, row.action, hats={hat}, given=SAYABLE) is row
            continue
        with pytest.raises(NotYourOrder):
            FLOWS[code].decide(row.before, row.action, hats={hat}, given=SAYABLE)


def test_each_required_field_is_asked_for_by_name() -> None:
    for code, row in ROWS:
        for field in row.required:
            with pytest.raises(FieldMissing) as refused:
                FLOWS[code].decide(row.before, row.action, hats=row.hats, given=SAYABLE - {field})
            assert refused.value.field == field


def test_the_hub_itself_never_closes_or_finishes_anything_and_calls_off_only_repairs_that_nobody_has_begun() -> None:
    ends = {OrderState.CLOSED, OrderState.CANCELLED, OrderState.DONE}
    by_hub = [
        (code, FLOWS[code].stage(row.before).state, FLOWS[code].stage(row.after).state)
        for code, row in ROWS
        if FLOWS[code].stage(row.after).state in ends and Hat.SYSTEM in row.hats
    ]
    not_begun = {OrderState.NEW, OrderState.DISPATCHED, OrderState.ACCEPTED}
    assert set(by_hub) == {("repair", before, OrderState.CANCELLED) for before in not_begun}


def test_the_hub_verifies_only_what_a_person_said_is_done() -> None:
    befores = {row.before for _, row in ROWS if row.after == OrderState.VERIFIED}
    assert befores == {OrderState.DONE}


def test_owners_end_nothing_where_life_is_at_stake() -> None:
    assert not [row for row in FLOWS["life_safety"].transitions if Hat.OWNER in row.hats]


def test_whatever_settles_an_order_closes_its_incident_and_nothing_else_does() -> None:
    for code, row in ROWS:
        assert (Effect.SETTLE in row.effects) is (FLOWS[code].stage(row.after).state in SETTLED)


def test_only_a_cancelled_order_is_left_for_good() -> None:
    for flow in FLOWS.values():
        assert [stage.code for stage in flow.stages if not flow.legal(stage.code)] == ["cancelled"]


def test_a_stranger_learns_nothing_about_fields() -> None:
    with pytest.raises(NotYourOrder):
        FLOWS["repair"].decide("on_site", Action.FINISH, hats=set(), given=())


def test_a_refusal_names_only_what_this_caller_may_do_in_words_of_the_flow() -> None:
    with pytest.raises(IllegalTransition) as refused:
        FLOWS["feedback"].decide("in_progress", Action.RESUME, hats={Hat.ASSIGNEE}, given=())
    assert set(refused.value.legal) == {"transfer", "hold", "ask_owner", "finish"}
    sentence = Texts.load(["ticketing"]).of_error(refused.value, Language.ZH)
    assert sentence == "工单当前状态为“核实中”，不能执行“恢复”。现在可以：转派、挂起、请业主补充、回复。"


async def test_every_guard_and_effect_has_somebody_who_follows_it(town: Town) -> None:
    assert town.room.moving.following.missing() == set()


# --- documents -----------------------------------------------------------------------------------------------------


def _row(document: dict[str, Any], action: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in document["transitions"] if row["action"] == action)
    return found


def _without_effect(action: str, effect: str) -> Callable[[dict[str, Any]], None]:
    return lambda document: _row(document, action)["effects"].remove(effect)


def _with(action: str, key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: _row(document, action).update({key: value})


BROKEN: dict[str, tuple[str, Callable[[dict[str, Any]], None]]] = {
    "an unknown field": ("unreadable", lambda it: it.update(colour="red")),
    "an unknown state": ("unreadable", lambda it: it["stages"][0].update(state="limbo")),
    "an unknown effect": ("unreadable", _with("accept", "effects", ["dance"])),
    "no name": ("no_name", lambda it: it["names"].pop("en")),
    "another language": ("unknown_language", lambda it: it["names"].update(fr="Réparation")),
    "a stage twice": ("twice", lambda it: it["stages"].append(it["stages"][0])),
    "a transition twice": ("twice", lambda it: it["transitions"].append(deepcopy(it["transitions"][0]))),
    "a stage that is called like another state": ("misnamed_stage", lambda it: it["stages"][2].update(code="done")),
    "a stage without a name": ("no_name", lambda it: it["stages"].append({"code": "parked", "state": "on_hold"})),
    "waiting where clocks run": ("waits_elsewhere", lambda it: it["stages"][0].update(waits_for="owner")),
    "another start": ("bad_start", lambda it: it["stages"].reverse()),
    "admission elsewhere": ("bad_admission", lambda it: it.update(admission="accepted")),
    "a way to nowhere": ("unknown_stage", _with("depart", "to", "mars")),
    "a stage nobody reaches": ("unreachable", lambda it: it["transitions"].remove(_row(it, "depart"))),
    "an action without a word": ("no_name", _with("depart", "action", "fly")),
    "a word for nothing": ("unused_action", lambda it: it.update(actions={"fly": {"zh-CN": "飞", "en": "Fly"}})),
    "an action of nobody": ("nobody_may", _with("depart", "by", [])),
    "a field that cannot be said": ("unsayable", _with("depart", "required", ["colour"])),
    "done without proof": ("effect_missing", _without_effect("finish", "ask_proof")),
    "closed with an open incident": ("effect_missing", _without_effect("close", "settle")),
    "an offer to nobody": ("required_missing", _with("dispatch", "required", [])),
    "a hub that closes": ("only_people", _with("close", "by", ["system", "manager"])),
    "a hub that cannot give out": ("hub_cannot", _with("dispatch", "by", ["manager"])),
    "an offer that lapses with whoever had it": ("hub_cannot", _without_effect("lapse", "withdraw")),
    "an offer that lapses at somebody's word": ("hub_cannot", _with("lapse", "by", ["dispatcher"])),
    "work that lapses": ("hub_cannot", _with("lapse", "from", ["accepted"])),
    "work that goes on after the end": ("half_reopened", _with("reopen", "to", "accepted")),
    "a settling that settles nothing": ("effect_misplaced", _with("depart", "effects", ["settle"])),
    "no days to reopen": ("bad_number", lambda it: it.update(reopen_days=-1)),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_a_document_that_could_not_work_is_refused_and_says_why(case: str) -> None:
    problem, harm = BROKEN[case]
    document = deepcopy(DOCUMENTS["repair"])
    harm(document)
    with pytest.raises(DocumentInvalid) as refused:
        parse_flow(document, code="repair", version=2)
    assert f"ticketing.document.{problem}" in refused.value.problems
    texts = Texts.load(["ticketing", "ticketing.definitions"])
    for language in Language:
        assert "{" not in texts.of_error(refused.value, language)


def test_a_stage_one_cannot_leave_is_refused() -> None:
    document = deepcopy(DOCUMENTS["repair"])
    for row in document["transitions"]:
        row["from"] = [stage for stage in row["from"] if stage != "quoted"]
    document["transitions"] = [row for row in document["transitions"] if row["from"]]
    with pytest.raises(DocumentInvalid) as refused:
        parse_flow(document, code="repair", version=2)
    assert "ticketing.document.dead_end" in refused.value.problems
