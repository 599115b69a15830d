"""The life of a prediction: which state follows what happens. Pure."""

from enum import StrEnum
from typing import Final, assert_never


class PredictionState(StrEnum):
    OPEN = "open"  # kept and watched, nobody is told
    RAISED = "raised"  # an alarm says it
    ORDERED = "ordered"  # it is work
    WITHDRAWN = "withdrawn"  # the evidence went
    EXPIRED = "expired"  # nobody has said anything of it for too long
    SETTLED = "settled"  # somebody has looked at the equipment

    @property
    def is_over(self) -> bool:
        return self in OVER


OVER: Final = frozenset({PredictionState.WITHDRAWN, PredictionState.EXPIRED, PredictionState.SETTLED})


class Happening(StrEnum):
    """What may happen to a prediction. The first three are a finding, by what it is enough for."""

    WEAK = "weak"  # enough for nothing
    TELLING = "telling"  # enough for an alarm
    PRESSING = "pressing"  # enough for an order
    GONE = "gone"  # no model finds it any more
    LAPSED = "lapsed"  # not found again until it expired
    ANSWERED = "answered"  # the order was done, or a person said what it was


class HeldBack(StrEnum):
    """Why a prediction raises nothing, whatever it finds."""

    SHADOW = "shadow"  # of a model on trial
    MUTED = "muted"  # of a model that was wrong too often
    ANSWERED = "answered"  # somebody has just looked, and found nothing


def next_state(state: PredictionState, happening: Happening, *, held_back: HeldBack | None) -> PredictionState:
    """What is over stays so: what is found then is another prediction.

    One that is raised or ordered does not sink back because its confidence wavers, or because its model is muted
    meanwhile: it ends by evidence, by time or by an answer.
    """
    if state.is_over:
        return state
    match happening:
        case Happening.WEAK:
            return state
        case Happening.TELLING:
            return state if held_back or state is PredictionState.ORDERED else PredictionState.RAISED
        case Happening.PRESSING:
            return state if held_back else PredictionState.ORDERED
        case Happening.GONE:
            return PredictionState.WITHDRAWN
        case Happening.LAPSED:
            return PredictionState.EXPIRED
        case Happening.ANSWERED:
            return PredictionState.SETTLED
        case other:
            assert_never(other)
