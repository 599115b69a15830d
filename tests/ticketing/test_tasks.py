from itertools import product

import pytest

from ticketing.errors import FieldInvalid, FieldMissing, IllegalTaskMove
from ticketing.kinds import FireOutcome, Procedure, TaskKind, TaskState
from ticketing.targets import Targets
from ticketing.tasks import TaskAction, after_fire_outcome, first_tasks, is_met, legal_moves, move

EXPECTED = {
    "open": {"accept": "accepted", "arrive": "on_site", "finish": "done", "cancel": "cancelled"},
    "accepted": {"arrive": "on_site", "finish": "done", "cancel": "cancelled"},
    "on_site": {"finish": "done", "cancel": "cancelled"},
    "done": {},
    "cancelled": {},
}


@pytest.mark.parametrize(("state", "action"), list(product(TaskState, TaskAction)))
def test_every_state_and_action_of_a_task(state: TaskState, action: TaskAction) -> None:
    expected = EXPECTED[state].get(action)
    assert (action in legal_moves(state)) is (expected is not None)
    if expected is not None:
        assert move(TaskKind.REASSURE, state, action, outcome=None, reason="为什么") == expected
    else:
        with pytest.raises(IllegalTaskMove) as refused:
            move(TaskKind.REASSURE, state, action, outcome=None, reason="为什么")
        assert set(refused.value.legal) == set(EXPECTED[state])


def test_a_task_is_not_cancelled_without_a_reason() -> None:
    with pytest.raises(FieldMissing):
        move(TaskKind.INTERCOM, TaskState.OPEN, TaskAction.CANCEL, outcome=None, reason=None)


@pytest.mark.parametrize("outcome", FireOutcome)
def test_a_fire_confirmation_ends_with_what_was_found(outcome: FireOutcome) -> None:
    assert (
        move(TaskKind.CONFIRM_FIRE, TaskState.ON_SITE, TaskAction.FINISH, outcome=outcome, reason=None)
        is TaskState.DONE
    )


@pytest.mark.parametrize(("outcome", "refusal"), [(None, FieldMissing), ("", FieldMissing), ("fog", FieldInvalid)])
def test_a_fire_confirmation_does_not_end_without_it(outcome: str | None, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        move(TaskKind.CONFIRM_FIRE, TaskState.ON_SITE, TaskAction.FINISH, outcome=outcome, reason=None)


def test_only_a_real_fire_brings_the_call_to_119() -> None:
    plans = {outcome: after_fire_outcome(outcome, Targets()) for outcome in FireOutcome}
    assert [plan.kind for plan in plans[FireOutcome.REAL_FIRE]] == [TaskKind.CALL_FIRE_BRIGADE]
    assert plans[FireOutcome.REAL_FIRE][0].facts == {"phone": "119"}
    assert plans[FireOutcome.FALSE_ALARM] == plans[FireOutcome.TEST] == ()


def test_an_ordinary_repair_begins_without_parallel_tasks() -> None:
    assert first_tasks(Procedure.REPAIR, Targets(), rescue_code=None) == ()


def test_an_elevator_without_a_rescue_code_still_gets_the_hot_line() -> None:
    plans = {plan.kind: plan for plan in first_tasks(Procedure.ENTRAPMENT, Targets(), rescue_code=None)}
    assert plans[TaskKind.RESCUE_HOTLINE].facts == {"phone": "96333"}
    assert not plans[TaskKind.RESCUE_HOTLINE].is_required


@pytest.mark.parametrize(
    ("state", "met_by", "expected"),
    [
        (TaskState.ACCEPTED, TaskState.ON_SITE, False),
        (TaskState.ON_SITE, TaskState.ON_SITE, True),
        (TaskState.DONE, TaskState.ON_SITE, True),
        (TaskState.ON_SITE, TaskState.DONE, False),
        (TaskState.CANCELLED, TaskState.ON_SITE, False),
    ],
)
def test_a_clock_stops_at_the_state_that_was_promised(state: TaskState, met_by: TaskState, expected: bool) -> None:
    assert is_met(state, met_by) is expected
