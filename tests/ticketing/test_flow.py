"""The table of transitions: every state, every action, every hat."""

from itertools import product

import pytest

from ticketing.errors import FieldMissing, IllegalTransition, NotYourOrder
from ticketing.flow import TRANSITIONS, Action, Effect, Hat, Transition, decide, legal
from ticketing.kinds import SETTLED, OrderState

ALL_FIELDS = frozenset({"assignee_id", "reason", "closing_code"})

# The whole life of an order, written out once more by hand: a change of the table must be meant twice.
EXPECTED = {
    "new": "dispatch accept finish cancel",
    "dispatched": "dispatch accept decline arrive finish cancel",
    "accepted": "dispatch decline depart arrive start hold finish cancel",
    "en_route": "dispatch arrive start hold finish cancel",
    "on_site": "dispatch start hold finish cancel",
    "in_progress": "dispatch hold finish cancel",
    "on_hold": "dispatch resume finish cancel",
    "done": "verify reopen close",
    "verified": "reopen close",
    "closed": "reopen",
    "cancelled": "",
    "reopened": "dispatch accept finish cancel",
}


def named(value) -> str:
    """A transition by where it leads from and to: the same words in every process."""
    return f"{value.action}:{value.before}" if isinstance(value, Transition) else str(value)


@pytest.mark.parametrize(("state", "action"), list(product(OrderState, Action)))
def test_every_state_knows_exactly_its_actions(state: OrderState, action: Action) -> None:
    is_legal = action.value in EXPECTED[state].split()
    assert ((state, action) in TRANSITIONS) is is_legal

    if is_legal:
        row = decide(state, action, hats=TRANSITIONS[state, action].hats, given=ALL_FIELDS)
        assert row.before is state
        assert row.action is action
    else:
        with pytest.raises(IllegalTransition) as refused:
            decide(state, action, hats=frozenset(Hat), given=ALL_FIELDS)
        assert set(refused.value.legal) == set(EXPECTED[state].split())


@pytest.mark.parametrize(
    ("row", "hat"), list(product(TRANSITIONS.values(), Hat)), ids=lambda it: getattr(it, "action", it)
)
def test_only_the_hats_of_a_transition_may_make_it(row, hat: Hat) -> None:
    if hat in row.hats:
        assert decide(row.before, row.action, hats={hat}, given=ALL_FIELDS) is row
    else:
        with pytest.raises(NotYourOrder):
            decide(row.before, row.action, hats={hat}, given=ALL_FIELDS)


@pytest.mark.parametrize("row", TRANSITIONS.values(), ids=named)
def test_each_required_field_is_asked_for_by_name(row) -> None:
    for field in row.required:
        with pytest.raises(FieldMissing) as refused:
            decide(row.before, row.action, hats=row.hats, given=ALL_FIELDS - {field})
        assert refused.value.field == field


def test_the_hub_itself_never_closes_cancels_or_finishes_anything() -> None:
    forbidden = {Action.CLOSE, Action.CANCEL, Action.FINISH}
    assert not [row for row in TRANSITIONS.values() if row.action in forbidden and Hat.SYSTEM in row.hats]


def test_the_hub_verifies_only_what_a_person_said_is_done() -> None:
    befores = {row.before for row in TRANSITIONS.values() if row.after is OrderState.VERIFIED}
    assert befores == {OrderState.DONE}


def test_whatever_settles_an_order_closes_its_incident_and_nothing_else_does() -> None:
    for row in TRANSITIONS.values():
        assert (Effect.SETTLE in row.effects) is (row.after in SETTLED)


def test_every_state_can_be_reached_and_only_a_cancelled_order_is_left_for_good() -> None:
    assert {row.after for row in TRANSITIONS.values()} == set(OrderState)
    assert [state for state in OrderState if not legal(state)] == [OrderState.CANCELLED]


def test_a_stranger_learns_nothing_about_fields() -> None:
    with pytest.raises(NotYourOrder):
        decide(OrderState.ON_SITE, Action.FINISH, hats=set(), given=())


def test_a_refusal_names_only_what_this_caller_may_do() -> None:
    with pytest.raises(IllegalTransition) as refused:
        decide(OrderState.ACCEPTED, Action.RESUME, hats={Hat.ASSIGNEE}, given=())
    assert set(refused.value.legal) == {"decline", "depart", "arrive", "start", "hold"}
