"""A flow as a document: what may stand in it, and what makes one workable, pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from kit.i18n import Wording
from ticketing.definitions.documents import Checks, read, wording
from ticketing.flow import Action, Effect, Flow, Guard, Hat, Stage, Transition, WaitsFor
from ticketing.kinds import FREE, SETTLED, OrderState
from ticketing.words import SAYABLE

MOST_STAGES = 40
MOST_ROWS = 400
LONGEST_REOPEN_D = 3650.0


class StageDocument(msgspec.Struct, forbid_unknown_fields=True):
    """`names` may be left out where the stage is called like a state."""

    code: str
    state: OrderState
    names: dict[str, str] | None = None
    waits_for: WaitsFor | None = None


class TransitionDocument(msgspec.Struct, forbid_unknown_fields=True, rename={"befores": "from", "after": "to"}):
    """`from` several stages `to` one; `by` whom."""

    action: str
    befores: list[str]
    after: str
    by: list[Hat]
    required: list[str] = []
    guards: list[Guard] = []
    effects: list[Effect] = []


class FlowDocument(msgspec.Struct, forbid_unknown_fields=True):
    """See docs/ticketing.md, "Flows"."""

    names: dict[str, str]
    stages: list[StageDocument]
    transitions: list[TransitionDocument]
    admission: str | None = None
    reopen_days: float = 30
    actions: dict[str, dict[str, str]] = {}


def parse_flow(document: Mapping[str, Any], *, code: str, version: int) -> Flow:
    """The flow that a document means. Raises DocumentInvalid with everything that is wrong."""
    given = read(document, FlowDocument)
    flow = Flow(
        code=code,
        version=version,
        names=Wording(given.names),
        stages=tuple(Stage(one.code, one.state, wording(one.names), one.waits_for) for one in given.stages),
        transitions=tuple(
            Transition(
                row.action, before, row.after, frozenset(row.by), tuple(row.required), tuple(row.guards),
                tuple(row.effects),
            )
            for row in given.transitions
            for before in row.befores
        ),
        admission=given.admission,
        reopen_days=given.reopen_days,
        actions={action: Wording(names) for action, names in given.actions.items()},
    )  # fmt: skip
    _check(flow)
    return flow


def _check(flow: Flow) -> None:
    checks = Checks()
    checks.code(flow.code, where="code")
    checks.names(flow.names, where="names")
    if not 0 < flow.reopen_days <= LONGEST_REOPEN_D:
        checks.add("bad_number", where="reopen_days", low=0, high=LONGEST_REOPEN_D)
    if not flow.stages or len(flow.stages) > MOST_STAGES or len(flow.transitions) > MOST_ROWS:
        checks.add("too_large", stages=MOST_STAGES, rows=MOST_ROWS)
        checks.raise_if_any()
    _check_stages(flow, checks)
    _check_words(flow, checks)
    known = {stage.code for stage in flow.stages}
    for row in flow.transitions:
        for code in (row.before, row.after):
            if code not in known:
                checks.add("unknown_stage", where=row.action, code=code)
    checks.unique((f"{row.before}: {row.action}" for row in flow.transitions), where="transitions")
    checks.raise_if_any()  # what follows walks from stage to stage
    for row in flow.transitions:
        _check_row(flow, row, checks)
    _check_ways(flow, checks)
    _check_hub(flow, checks)
    checks.raise_if_any()


def _check_stages(flow: Flow, checks: Checks) -> None:
    checks.unique((stage.code for stage in flow.stages), where="stages")
    for stage in flow.stages:
        checks.code(stage.code, where="stages")
        if stage.names is not None or stage.code not in set(OrderState):
            checks.names(stage.names, where=stage.code)
        if stage.code in set(OrderState) and stage.code != stage.state:
            checks.add("misnamed_stage", code=stage.code, state=stage.state.value)
        if stage.waits_for is not None and stage.state is not OrderState.ON_HOLD:
            checks.add("waits_elsewhere", code=stage.code)
    if flow.stages[0].code != OrderState.NEW:
        checks.add("bad_start")
    if flow.admission is not None:
        first = next((stage for stage in flow.stages if stage.code == flow.admission), None)
        if first is None or first.state is not OrderState.NEW:
            checks.add("bad_admission", code=flow.admission)


def _check_words(flow: Flow, checks: Checks) -> None:
    """Actions of the flow's own have names; nothing is required that cannot be said."""
    used = {row.action for row in flow.transitions}
    for action in sorted(used):
        checks.code(action, where="action")
        if action not in set(Action) or action in flow.actions:
            checks.names(flow.actions.get(action), where=action)
    for unused in sorted(set(flow.actions) - used):
        checks.add("unused_action", action=unused)
    for row in flow.transitions:
        if not row.hats:
            checks.add("nobody_may", action=row.action)
        for name in sorted(set(row.required) - SAYABLE):
            checks.add("unsayable", action=row.action, field=name, known=sorted(SAYABLE))


# What must follow when a state is entered, whichever way.
_ON_ENTRY = {
    OrderState.DISPATCHED: {Effect.OFFER},
    OrderState.DONE: {Effect.END_TASKS, Effect.ASK_PROOF},
    OrderState.ON_HOLD: {Effect.PAUSE_CLOCK},
    OrderState.REOPENED: {Effect.UNSETTLE},
}
# What a person must say, and only a person may do.
_HUMAN = frozenset({OrderState.DONE, OrderState.CLOSED, OrderState.CANCELLED})
# What was only predicted, and is not any more, the hub calls off itself where nobody has set out for it.
_NOT_BEGUN = frozenset({OrderState.NEW, OrderState.DISPATCHED, OrderState.ACCEPTED})


def _check_row(flow: Flow, row: Transition, checks: Checks) -> None:
    before, after = flow.stage(row.before).state, flow.stage(row.after).state
    has = set(row.effects)
    wanted = set(_ON_ENTRY.get(after, set()))
    if after in SETTLED:
        wanted.add(Effect.SETTLE)
    if before is OrderState.ON_HOLD and after not in {*SETTLED, OrderState.ON_HOLD}:
        wanted.add(Effect.RESUME_CLOCK)
    if before is OrderState.ON_HOLD and after is OrderState.ON_HOLD:
        wanted.discard(Effect.PAUSE_CLOCK)
    for effect in sorted(wanted - has):
        checks.add("effect_missing", action=row.action, before=row.before, after=row.after, effect=effect.value)
    if (Effect.SETTLE in has and after not in SETTLED) or (Effect.UNSETTLE in has and after is not OrderState.REOPENED):
        checks.add("effect_misplaced", action=row.action, before=row.before, after=row.after)
    if before in {OrderState.DONE, *SETTLED} and after not in {*SETTLED, OrderState.REOPENED}:
        checks.add("half_reopened", action=row.action, before=row.before, after=row.after)
    if row.action == Action.LAPSE and not _lets_go(row, before, after):
        checks.add("hub_cannot", code=row.before, action=row.action)
    if Effect.OFFER in has and "assignee_id" not in row.required:
        checks.add("required_missing", action=row.action, field="assignee_id")
    calls_off = after is OrderState.CANCELLED and before in _NOT_BEGUN
    if after in _HUMAN and Hat.SYSTEM in row.hats and not calls_off:
        checks.add("only_people", action=row.action, after=row.after)


def _lets_go(row: Transition, before: OrderState, after: OrderState) -> bool:
    """Whether the hub can take an offer back that nobody answered, so that the order waits for all again."""
    if before is not OrderState.DISPATCHED or after not in FREE or Hat.SYSTEM not in row.hats or row.required:
        return False
    return {Effect.WITHDRAW, Effect.OFFER_NEXT} <= set(row.effects)


def _check_ways(flow: Flow, checks: Checks) -> None:
    """Every stage can be reached, and from every one there is a way to an end."""
    starts = {flow.start, *([flow.admission] if flow.admission else [])}
    reached = _closure(starts, {(row.before, row.after) for row in flow.transitions})
    ends = {stage.code for stage in flow.stages if stage.state in SETTLED}
    leaving = _closure(ends, {(row.after, row.before) for row in flow.transitions})
    for stage in flow.stages:
        if stage.code not in reached:
            checks.add("unreachable", code=stage.code)
        if stage.code not in leaving:
            checks.add("dead_end", code=stage.code)


def _closure(starts: set[str], steps: set[tuple[str, str]]) -> set[str]:
    found = set(starts)
    while fresh := {after for before, after in steps if before in found} - found:
        found |= fresh
    return found


def _check_hub(flow: Flow, checks: Checks) -> None:
    """What the hub does by itself must be possible: give out what is new or reopened, reopen what is not proved."""
    wanted: list[tuple[str, Action]] = []
    for stage in flow.stages:
        match stage.state:
            case OrderState.NEW | OrderState.REOPENED | OrderState.DISPATCHED if stage.code != flow.admission:
                wanted.append((stage.code, Action.DISPATCH))
            case OrderState.DONE:
                wanted.append((stage.code, Action.REOPEN))
            case _:
                pass
    for code, action in wanted:
        row = flow.find(code, action)
        if row is None or Hat.SYSTEM not in row.hats:
            checks.add("hub_cannot", code=code, action=action.value)
