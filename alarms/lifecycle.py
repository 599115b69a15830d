"""The states of an alarm after ISA-18.2, pure. Suppression is separate: a muted alarm still goes through its states.

| state       | condition | asks for a person | meaning                                              |
|-------------|-----------|-------------------|------------------------------------------------------|
| NORMAL      | gone      | no                | nothing to see; the row is history                   |
| UNACKED     | present   | yes               | somebody must look                                   |
| ACKED       | present   | no                | somebody knows                                       |
| RTN_UNACKED | gone      | yes               | it went away by itself, somebody must still look     |

An acknowledged alarm whose condition lasts too long asks again. One that latches (life safety) never becomes NORMAL
without a person: when its condition ends after the acknowledgement, the return itself wants acknowledging.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from kit.errors import DomainError


class AlarmState(StrEnum):
    NORMAL = "NORMAL"
    UNACKED = "UNACKED"
    ACKED = "ACKED"
    RTN_UNACKED = "RTN_UNACKED"


class AlarmInput(StrEnum):
    """What can happen to an alarm. RAISE and RETURN come from the condition, REALARM from a clock: it was acknowledged
    long ago and its condition still lasts. The others come from a person."""

    RAISE = "raise"
    RETURN = "return"
    ACKNOWLEDGE = "acknowledge"
    CLEAR = "clear"
    REALARM = "realarm"


@dataclass(eq=False)
class AlarmActionNotPossible(DomainError):
    """A person asked for something that the alarm's state does not allow."""

    action: AlarmInput
    state: AlarmState


@dataclass(eq=False)
class AlarmStillPresent(DomainError):
    """A life-safety alarm is not cleared while its condition lasts, whoever asks."""


def next_state(state: AlarmState, happened: AlarmInput, *, latches: bool) -> AlarmState:
    """The state after `happened`. What a condition or a clock says is always accepted, even when it changes nothing.

    Raises AlarmActionNotPossible and AlarmStillPresent for what a person may not do now.
    """
    match happened:
        case AlarmInput.RAISE:
            return AlarmState.UNACKED  # a new episode is announced again, whatever was acknowledged before
        case AlarmInput.RETURN:
            return _returned(state, latches=latches)
        case AlarmInput.ACKNOWLEDGE:
            return _acknowledged(state)
        case AlarmInput.CLEAR:
            return _cleared(state, latches=latches)
        case AlarmInput.REALARM:
            return AlarmState.UNACKED if state is AlarmState.ACKED else state
        case _:
            assert_never(happened)


def _returned(state: AlarmState, *, latches: bool) -> AlarmState:
    match state:
        case AlarmState.UNACKED:
            return AlarmState.RTN_UNACKED
        case AlarmState.ACKED:
            return AlarmState.RTN_UNACKED if latches else AlarmState.NORMAL
        case AlarmState.NORMAL | AlarmState.RTN_UNACKED:
            return state
        case _:
            assert_never(state)


def _acknowledged(state: AlarmState) -> AlarmState:
    match state:
        case AlarmState.UNACKED:
            return AlarmState.ACKED
        case AlarmState.RTN_UNACKED:
            return AlarmState.NORMAL
        case AlarmState.NORMAL | AlarmState.ACKED:
            raise AlarmActionNotPossible(AlarmInput.ACKNOWLEDGE, state)
        case _:
            assert_never(state)


def _cleared(state: AlarmState, *, latches: bool) -> AlarmState:
    """By hand: for a sensor that sticks, or equipment that was taken away. Never before somebody acknowledged."""
    match state:
        case AlarmState.RTN_UNACKED:
            return AlarmState.NORMAL
        case AlarmState.ACKED:
            if latches:
                raise AlarmStillPresent
            return AlarmState.NORMAL
        case AlarmState.NORMAL | AlarmState.UNACKED:
            raise AlarmActionNotPossible(AlarmInput.CLEAR, state)
        case _:
            assert_never(state)
