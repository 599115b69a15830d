"""The life of a work order as a table, pure: state × action → state, who may, what must be said, what follows.

`decide` is the only way to move an order. Later kinds of orders bring tables of their own with the same shape.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ticketing.errors import FieldMissing, IllegalTransition, NotYourOrder
from ticketing.kinds import OrderState


class Action(StrEnum):
    DISPATCH = "dispatch"
    ACCEPT = "accept"
    DECLINE = "decline"
    DEPART = "depart"
    ARRIVE = "arrive"
    START = "start"
    HOLD = "hold"
    RESUME = "resume"
    FINISH = "finish"
    VERIFY = "verify"
    REOPEN = "reopen"
    CLOSE = "close"
    CANCEL = "cancel"


class Hat(StrEnum):
    """In which quality somebody acts on an order. One person may wear several."""

    SYSTEM = "system"
    ASSIGNEE = "assignee"
    ENGINEER = "engineer"
    DISPATCHER = "dispatcher"
    MANAGER = "manager"


class Effect(StrEnum):
    """What follows a transition, in the same transaction."""

    OFFER = "offer"  # the order is offered to the named person
    TAKE = "take"  # the caller becomes, or stays, the assignee; the response clock stops
    WITHDRAW = "withdraw"  # the open offer ends unanswered
    OFFER_NEXT = "offer_next"  # the next candidate is asked
    CHECK_IN = "check_in"  # arrival is stamped
    PAUSE_CLOCK = "pause_clock"
    RESUME_CLOCK = "resume_clock"
    ASK_PROOF = "ask_proof"  # the closing code labels the alarms, telemetry is asked whether it agrees
    END_TASKS = "end_tasks"  # tasks nobody needs any more are cancelled
    SETTLE = "settle"  # the incident is closed, muted alarms are released
    UNSETTLE = "unsettle"  # the incident is open again, with clocks of its own


@dataclass(frozen=True)
class Transition:
    """One row of the table. `required` names the fields that must be given; `effects` follow in this order."""

    action: Action
    before: OrderState
    after: OrderState
    hats: frozenset[Hat]
    required: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()


_S = OrderState
_DESK = (Hat.DISPATCHER, Hat.MANAGER)
_WORKING = (_S.ACCEPTED, _S.EN_ROUTE, _S.ON_SITE, _S.IN_PROGRESS)


def _rows(
    action: Action,
    before: Iterable[OrderState],
    after: OrderState,
    hats: Iterable[Hat],
    required: tuple[str, ...] = (),
    effects: tuple[Effect, ...] = (),
) -> Iterable[Transition]:
    return (Transition(action, state, after, frozenset(hats), required, effects) for state in before)


_TABLE: tuple[Transition, ...] = (
    *_rows(
        Action.DISPATCH, (_S.NEW, _S.REOPENED, _S.DISPATCHED, *_WORKING, _S.ON_HOLD), _S.DISPATCHED,
        (Hat.SYSTEM, *_DESK), ("assignee_id",), (Effect.WITHDRAW, Effect.RESUME_CLOCK, Effect.OFFER),
    ),
    # Whoever is free may take an order nobody was asked for; one that was offered is for its addressee alone.
    *_rows(Action.ACCEPT, (_S.NEW, _S.REOPENED), _S.ACCEPTED, (Hat.ENGINEER, *_DESK), (), (Effect.TAKE,)),
    *_rows(Action.ACCEPT, (_S.DISPATCHED,), _S.ACCEPTED, (Hat.ASSIGNEE,), (), (Effect.TAKE,)),
    *_rows(
        Action.DECLINE, (_S.DISPATCHED, _S.ACCEPTED), _S.NEW,
        (Hat.ASSIGNEE,), ("reason",), (Effect.WITHDRAW, Effect.OFFER_NEXT),
    ),
    *_rows(Action.DEPART, (_S.ACCEPTED,), _S.EN_ROUTE, (Hat.ASSIGNEE,)),
    *_rows(
        Action.ARRIVE, (_S.DISPATCHED, _S.ACCEPTED, _S.EN_ROUTE), _S.ON_SITE,
        (Hat.ASSIGNEE,), (), (Effect.TAKE, Effect.CHECK_IN),
    ),
    *_rows(
        Action.START, (_S.ACCEPTED, _S.EN_ROUTE, _S.ON_SITE), _S.IN_PROGRESS,
        (Hat.ASSIGNEE,), (), (Effect.CHECK_IN,),
    ),
    *_rows(Action.HOLD, _WORKING, _S.ON_HOLD, (Hat.ASSIGNEE, *_DESK), ("reason",), (Effect.PAUSE_CLOCK,)),
    # Back to accepted, not to where it stood: after a wait for parts or the owner somebody has to come again.
    *_rows(Action.RESUME, (_S.ON_HOLD,), _S.ACCEPTED, (Hat.ASSIGNEE, *_DESK), (), (Effect.RESUME_CLOCK,)),
    *_rows(
        Action.FINISH, (_S.ON_SITE, _S.IN_PROGRESS), _S.DONE,
        (Hat.ASSIGNEE, *_DESK), ("closing_code",), (Effect.END_TASKS, Effect.ASK_PROOF),
    ),
    # Settled by telephone, or seen to be nothing: the desk ends what nobody has to drive to.
    *_rows(
        Action.FINISH, (_S.NEW, _S.REOPENED, _S.DISPATCHED, _S.ACCEPTED, _S.EN_ROUTE, _S.ON_HOLD), _S.DONE,
        _DESK, ("closing_code",), (Effect.RESUME_CLOCK, Effect.END_TASKS, Effect.ASK_PROOF),
    ),
    *_rows(Action.VERIFY, (_S.DONE,), _S.VERIFIED, (Hat.SYSTEM, *_DESK), (), (Effect.SETTLE,)),
    *_rows(
        Action.REOPEN, (_S.DONE, _S.VERIFIED, _S.CLOSED), _S.REOPENED,
        (Hat.SYSTEM, *_DESK), ("reason",), (Effect.UNSETTLE, Effect.OFFER_NEXT),
    ),
    # Never the system: recovery alone closes nothing.
    *_rows(Action.CLOSE, (_S.DONE, _S.VERIFIED), _S.CLOSED, _DESK, (), (Effect.SETTLE,)),
    *_rows(
        Action.CANCEL, (_S.NEW, _S.REOPENED, _S.DISPATCHED, *_WORKING, _S.ON_HOLD), _S.CANCELLED,
        _DESK, ("reason",), (Effect.WITHDRAW, Effect.END_TASKS, Effect.SETTLE),
    ),
)  # fmt: skip

TRANSITIONS: Mapping[tuple[OrderState, Action], Transition] = {(row.before, row.action): row for row in _TABLE}


def legal(state: OrderState, hats: Collection[Hat] | None = None) -> list[Transition]:
    """The transitions out of `state`, for somebody with `hats` or for anybody at all."""
    return [row for row in _TABLE if row.before is state and (hats is None or row.hats.intersection(hats))]


def decide(state: OrderState, action: Action, *, hats: Collection[Hat], given: Collection[str]) -> Transition:
    """The transition that `action` means for somebody with `hats` who gave the fields `given`.

    Raises IllegalTransition (naming what is legal), NotYourOrder, FieldMissing; in this order, so that a stranger to
    the order learns nothing about fields.
    """
    row = TRANSITIONS.get((state, action))
    if row is None:
        raise IllegalTransition(action=action, state=state, legal=[row.action.value for row in legal(state, hats)])
    if not row.hats.intersection(hats):
        raise NotYourOrder(action=action, who=sorted(hat.value for hat in row.hats - {Hat.SYSTEM}))
    for field in row.required:
        if field not in given:
            raise FieldMissing(field=field, action=action)
    return row
