"""The life of a work order, pure: a flow says which stages there are, who may go from one to the next, what must be
said and what follows.

Flows are data (`ticketing.definitions`), versioned; an open order keeps its version. What code relies on are closed
sets that the data maps onto: the state of a stage, hats, guards, effects, and the actions that code itself takes.
`Flow.decide` is the only way to move an order.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from kit.i18n import TextKey, Wording
from ticketing.errors import FieldMissing, IllegalTransition, NotYourOrder
from ticketing.kinds import OrderState


class Action(StrEnum):
    """The actions that have a word of ours. A flow may bring further ones, with words of their own."""

    ADMIT = "admit"
    DISPATCH = "dispatch"
    ACCEPT = "accept"
    DECLINE = "decline"
    LAPSE = "lapse"  # nobody answered an offer, and orders of its kind wait to be taken
    DEPART = "depart"
    ARRIVE = "arrive"
    START = "start"
    HOLD = "hold"
    RESUME = "resume"
    TRANSFER = "transfer"
    OUTSOURCE = "outsource"
    QUOTE = "quote"
    APPROVE_QUOTE = "approve_quote"
    REFUSE_QUOTE = "refuse_quote"
    ASK_APPROVAL = "ask_approval"
    GRANT = "grant"
    REFUSE = "refuse"
    FINISH = "finish"
    VERIFY = "verify"
    REOPEN = "reopen"
    HAND_UP = "hand_up"
    CLOSE = "close"
    CANCEL = "cancel"


class Hat(StrEnum):
    """In which quality somebody acts on an order. One person may wear several."""

    SYSTEM = "system"
    OWNER = "owner"
    ASSIGNEE = "assignee"
    ENGINEER = "engineer"
    DISPATCHER = "dispatcher"
    MANAGER = "manager"


class Guard(StrEnum):
    """What must hold for a transition, asked of the order itself."""

    REOPENABLE = "reopenable"  # it was settled no longer ago than the flow's `reopen_days`
    WORK_COMPLETE = "work_complete"  # all that the order's kind wants before it is done is there
    QUOTED = "quoted"  # a quotation waits for its payer
    QUOTE_APPROVED = "quote_approved"  # the payer said yes
    QUOTE_REFUSED = "quote_refused"  # the payer said no, or nothing in time
    APPROVED = "approved"  # whoever must agree to the action has, where a policy of the site asks for that
    CHILDREN_DECIDED = "children_decided"  # whoever closes a root says what becomes of the orders under it


class Effect(StrEnum):
    """What follows a transition, in the same transaction."""

    ADMIT = "admit"  # customer service took it in; the time is stamped
    OFFER = "offer"  # the order is offered to the named person
    TAKE = "take"  # the caller becomes, or stays, the assignee; the response clock stops
    WITHDRAW = "withdraw"  # the open offer ends unanswered
    OFFER_NEXT = "offer_next"  # the next candidate is asked
    CHECK_IN = "check_in"  # arrival is stamped
    START_LABOUR = "start_labour"  # the assignee's working time runs
    STOP_LABOUR = "stop_labour"  # nobody's working time runs any more; what the order cost is weighed
    PAUSE_CLOCK = "pause_clock"
    RESUME_CLOCK = "resume_clock"
    ASK_APPROVAL = "ask_approval"  # whoever must agree to the action is asked; the hub then grants or refuses
    ASK_PROOF = "ask_proof"  # the closing code labels the alarms, telemetry is asked whether it agrees
    RELEASE_CHILDREN = "release_children"  # the orders under a root end with it or go on by themselves
    END_TASKS = "end_tasks"  # tasks nobody needs any more are cancelled
    SETTLE = "settle"  # the incident is closed, muted alarms are released
    UNSETTLE = "unsettle"  # the incident is open again, with clocks of its own


class WaitsFor(StrEnum):
    """Whom or what an order in a stage waits for; its clocks stand still meanwhile."""

    OWNER = "owner"
    PARTS = "parts"
    APPROVAL = "approval"
    OTHER = "other"


@dataclass(frozen=True)
class Stage:
    """Where an order may stand in a flow. `state` is what it means to code."""

    code: str
    state: OrderState
    names: Wording | None = None
    waits_for: WaitsFor | None = None

    @property
    def wording(self) -> TextKey | Wording:
        return self.names or TextKey(f"ticketing.state.{self.code}")


@dataclass(frozen=True)
class Transition:
    """One row of the table, from one stage to another.

    `required` names the fields that must be given, `guards` what must hold; `effects` follow in this order.
    """

    action: str
    before: str
    after: str
    hats: frozenset[Hat]
    required: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Flow:
    """A version of a flow. The first stage is where an order begins that is given out at once; `admission` where one
    begins that customer service must take in first, None where the flow knows no such thing.

    `actions` has the words of actions that are the flow's own. Raises ValueError for a stage it does not have.
    """

    code: str
    version: int
    names: Wording
    stages: tuple[Stage, ...]
    transitions: tuple[Transition, ...]
    admission: str | None = None
    reopen_days: float = 30
    actions: Mapping[str, Wording] = field(default_factory=dict)

    @property
    def start(self) -> str:
        return self.stages[0].code

    def stage(self, code: str) -> Stage:
        try:
            return self._stages[code]
        except KeyError:
            raise ValueError(f"flow {self.code} version {self.version} has no stage {code!r}") from None

    def legal(self, stage: str, hats: Collection[Hat] | None = None) -> list[Transition]:
        """The transitions out of `stage`, for somebody with `hats` or for anybody at all."""
        return [row for row in self.transitions if row.before == stage and (hats is None or row.hats & set(hats))]

    def find(self, stage: str, action: str) -> Transition | None:
        return self._table.get((stage, action))

    def decide(self, stage: str, action: str, *, hats: Collection[Hat], given: Collection[str]) -> Transition:
        """The transition that `action` means for somebody with `hats` who gave the fields `given`.

        Raises IllegalTransition (naming what is legal), NotYourOrder, FieldMissing; in this order, so that a stranger
        to the order learns nothing about fields.
        """
        row = self.find(stage, action)
        if row is None:
            raise self._illegal(stage, action, hats)
        if not row.hats & set(hats):
            who = sorted(hat.value for hat in row.hats - {Hat.SYSTEM})
            raise NotYourOrder(action=action, who=who, action_name=self.wording(action))
        for name in row.required:
            if name not in given:
                raise FieldMissing(field=name, action=action, action_name=self.wording(action))
        return row

    def wording(self, action: str) -> TextKey | Wording:
        """What an action is called, in the reader's language."""
        return self.actions.get(action) or TextKey(f"ticketing.action.{action}")

    def _illegal(self, stage: str, action: str, hats: Collection[Hat]) -> IllegalTransition:
        legal = list(dict.fromkeys(row.action for row in self.legal(stage, hats)))
        known = action in self.actions or action in set(Action)
        return IllegalTransition(
            action=action,
            state=stage,
            legal=legal,
            action_name=self.wording(action) if known else Wording.same(action),
            state_name=self.stage(stage).wording,
            legal_names=[self.wording(one) for one in legal],
        )

    @cached_property
    def _stages(self) -> dict[str, Stage]:
        return {stage.code: stage for stage in self.stages}

    @cached_property
    def _table(self) -> dict[tuple[str, str], Transition]:
        return {(row.before, row.action): row for row in self.transitions}
