"""Every state × every input × latching or not, against the table written out by hand."""

from itertools import product

import pytest

from alarms.lifecycle import (
    AlarmActionNotPossible,
    AlarmInput,
    AlarmState,
    AlarmStillPresent,
    next_state,
)
from kit.errors import DomainError

N, U, A, R = AlarmState.NORMAL, AlarmState.UNACKED, AlarmState.ACKED, AlarmState.RTN_UNACKED
RAISE, RETURN, ACK, CLEAR = AlarmInput.RAISE, AlarmInput.RETURN, AlarmInput.ACKNOWLEDGE, AlarmInput.CLEAR
AGAIN = AlarmInput.REALARM
NO, PRESENT = AlarmActionNotPossible, AlarmStillPresent

# (state, input) → what an ordinary alarm does, what a latching one does.
TABLE: dict[tuple[AlarmState, AlarmInput], tuple[AlarmState | type[DomainError], AlarmState | type[DomainError]]] = {
    (N, RAISE): (U, U),
    (N, RETURN): (N, N),
    (N, ACK): (NO, NO),
    (N, CLEAR): (NO, NO),
    (U, RAISE): (U, U),
    (U, RETURN): (R, R),
    (U, ACK): (A, A),
    (U, CLEAR): (NO, NO),
    (A, RAISE): (U, U),
    (A, RETURN): (N, R),
    (A, ACK): (NO, NO),
    (A, CLEAR): (N, PRESENT),
    (R, RAISE): (U, U),
    (R, RETURN): (R, R),
    (R, ACK): (N, N),
    (R, CLEAR): (N, N),
    (N, AGAIN): (N, N),
    (U, AGAIN): (U, U),
    (A, AGAIN): (U, U),
    (R, AGAIN): (R, R),
}


def test_the_table_speaks_of_every_state_and_input() -> None:
    assert set(TABLE) == set(product(AlarmState, AlarmInput))


@pytest.mark.parametrize(("state", "happened", "latches"), list(product(AlarmState, AlarmInput, (False, True))))
def test_every_state_meets_every_input(state: AlarmState, happened: AlarmInput, latches: bool) -> None:
    expected = TABLE[state, happened][latches]
    if isinstance(expected, AlarmState):
        assert next_state(state, happened, latches=latches) is expected
    else:
        with pytest.raises(expected):
            next_state(state, happened, latches=latches)


@pytest.mark.parametrize("state", [s for s in AlarmState if s is not AlarmState.NORMAL])
def test_what_latches_never_becomes_normal_without_a_person(state: AlarmState) -> None:
    for happened in (AlarmInput.RAISE, AlarmInput.RETURN, AlarmInput.REALARM):
        assert next_state(state, happened, latches=True) is not AlarmState.NORMAL
