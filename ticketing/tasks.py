"""The parallel tasks of an order as tables, pure: which an incident begins with, and how one moves.

A task is on time when it reached `met_by`; until then the clock runs, and after it the duty manager hears of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ticketing.errors import FieldInvalid, FieldMissing, IllegalTaskMove
from ticketing.kinds import FireOutcome, Procedure, TaskKind, TaskState
from ticketing.targets import Targets


class TaskAction(StrEnum):
    ACCEPT = "accept"
    ARRIVE = "arrive"
    FINISH = "finish"
    CANCEL = "cancel"


@dataclass(frozen=True)
class TaskPlan:
    """A task to be created. `due_min` counts from its creation.

    `duty`: who of those on shift gets it; None: whoever the order itself is dispatched to. `is_required`: a real
    incident does not end without it. `met_by`: the state that stops its clock. `facts`: what is needed to do it.
    """

    kind: TaskKind
    duty: str | None
    due_min: float
    met_by: TaskState
    is_required: bool = True
    facts: Mapping[str, str] = field(default_factory=dict)


def first_tasks(
    procedure: Procedure, targets: Targets, *, rescue_code: str | None, is_special: bool = False,
    arrival_min: float | None = None,
) -> tuple[TaskPlan, ...]:  # fmt: skip
    """The tasks that an order of this procedure begins with, all at once.

    `is_special`: an urgent repair for certified people only; a guard is there sooner. `arrival_min`: what the
    contractor of the equipment promised, where that is less than what a site asks of all.
    """
    match procedure:
        case Procedure.ENTRAPMENT:
            return _entrapment(targets, rescue_code, arrival_min)
        case Procedure.SMOKE:
            return (TaskPlan(TaskKind.CONFIRM_FIRE, "guard", targets.smoke.on_site_min, TaskState.ON_SITE),)
        case Procedure.REPAIR if is_special:
            # Nobody without a certificate may repair it; anybody can keep people away and calm until somebody comes.
            return (TaskPlan(TaskKind.SECURE, "guard", targets.secure_min, TaskState.ON_SITE, is_required=False),)
        case Procedure.REPAIR | Procedure.FEEDBACK:
            return ()


def _entrapment(targets: Targets, rescue_code: str | None, arrival_min: float | None) -> tuple[TaskPlan, ...]:
    times = targets.entrapment
    release_min = min(times.contractor_min, arrival_min or times.contractor_min)
    hotline = {"phone": times.hotline_number} | ({"rescue_code": rescue_code} if rescue_code else {})
    return (
        TaskPlan(TaskKind.INTERCOM, "control_room", times.intercom_min, TaskState.DONE),
        TaskPlan(TaskKind.REASSURE, "guard", times.guard_min, TaskState.ON_SITE),
        TaskPlan(TaskKind.RELEASE, None, release_min, TaskState.ON_SITE),
        # Offered from the first second, never demanded: the contractor is usually quicker.
        TaskPlan(
            TaskKind.RESCUE_HOTLINE, "control_room", times.hotline_min, TaskState.DONE, is_required=False, facts=hotline
        ),
    )


def after_fire_outcome(outcome: FireOutcome, targets: Targets) -> tuple[TaskPlan, ...]:
    """What the confirmation brings: a real fire is reported to 119, and that is logged."""
    if outcome is not FireOutcome.REAL_FIRE:
        return ()
    smoke = targets.smoke
    facts = {"phone": smoke.fire_brigade_number}
    return (TaskPlan(TaskKind.CALL_FIRE_BRIGADE, "control_room", smoke.fire_brigade_min, TaskState.DONE, facts=facts),)


_MOVES: Mapping[tuple[TaskState, TaskAction], TaskState] = {
    (TaskState.OPEN, TaskAction.ACCEPT): TaskState.ACCEPTED,
    (TaskState.OPEN, TaskAction.ARRIVE): TaskState.ON_SITE,
    (TaskState.OPEN, TaskAction.FINISH): TaskState.DONE,
    (TaskState.OPEN, TaskAction.CANCEL): TaskState.CANCELLED,
    (TaskState.ACCEPTED, TaskAction.ARRIVE): TaskState.ON_SITE,
    (TaskState.ACCEPTED, TaskAction.FINISH): TaskState.DONE,
    (TaskState.ACCEPTED, TaskAction.CANCEL): TaskState.CANCELLED,
    (TaskState.ON_SITE, TaskAction.FINISH): TaskState.DONE,
    (TaskState.ON_SITE, TaskAction.CANCEL): TaskState.CANCELLED,
}
UNFINISHED = frozenset({TaskState.OPEN, TaskState.ACCEPTED, TaskState.ON_SITE})
_PROGRESS = (TaskState.OPEN, TaskState.ACCEPTED, TaskState.ON_SITE, TaskState.DONE)


def legal_moves(state: TaskState) -> list[TaskAction]:
    return [action for (before, action) in _MOVES if before is state]


def move(kind: TaskKind, state: TaskState, action: TaskAction, *, outcome: str | None, reason: str | None) -> TaskState:
    """The state after `action`.

    Raises IllegalTaskMove; FieldMissing or FieldInvalid for the outcome that ends a fire confirmation, and for the
    reason of a cancellation.
    """
    after = _MOVES.get((state, action))
    if after is None:
        raise IllegalTaskMove(action=action, state=state, legal=[one.value for one in legal_moves(state)])
    if action is TaskAction.CANCEL and not reason:
        raise FieldMissing(field="note", action=action)
    if kind is TaskKind.CONFIRM_FIRE and after is TaskState.DONE:
        _check_fire_outcome(outcome, action)
    return after


def _check_fire_outcome(outcome: str | None, action: TaskAction) -> None:
    if not outcome:
        raise FieldMissing(field="outcome", action=action)
    if outcome not in list(FireOutcome):
        raise FieldInvalid(field="outcome", allowed=", ".join(FireOutcome))


def is_met(state: TaskState, met_by: TaskState) -> bool:
    """Whether a task in `state` has reached what stops its clock."""
    return state in _PROGRESS and _PROGRESS.index(state) >= _PROGRESS.index(met_by)
