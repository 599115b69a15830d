"""The state machine of predictions: every state × every happening × whatever holds it back."""

from itertools import product

import pytest

from predictive.predictions.life import OVER, Happening, HeldBack, PredictionState, next_state

OPEN, RAISED, ORDERED = PredictionState.OPEN, PredictionState.RAISED, PredictionState.ORDERED
ENDS = {
    Happening.GONE: PredictionState.WITHDRAWN,
    Happening.LAPSED: PredictionState.EXPIRED,
    Happening.ANSWERED: PredictionState.SETTLED,
}
FINDINGS = {
    (OPEN, Happening.WEAK): OPEN, (OPEN, Happening.TELLING): RAISED, (OPEN, Happening.PRESSING): ORDERED,
    (RAISED, Happening.WEAK): RAISED, (RAISED, Happening.TELLING): RAISED, (RAISED, Happening.PRESSING): ORDERED,
    (ORDERED, Happening.WEAK): ORDERED, (ORDERED, Happening.TELLING): ORDERED,
    (ORDERED, Happening.PRESSING): ORDERED,
}  # fmt: skip
EVERY = list(product(PredictionState, Happening, [None, *HeldBack]))


@pytest.mark.parametrize(("state", "happening", "held_back"), EVERY)
def test_every_state_answers_every_happening(
    state: PredictionState, happening: Happening, held_back: HeldBack | None
) -> None:
    after = next_state(state, happening, held_back=held_back)
    if state in OVER:
        assert after is state
    elif happening in ENDS:
        assert after is ENDS[happening]
    elif held_back is not None:
        assert after is state, "what is held back goes no further"
    else:
        assert after is FINDINGS[state, happening]


@pytest.mark.parametrize("held_back", HeldBack)
def test_what_is_held_back_from_the_start_never_becomes_an_alarm(held_back: HeldBack) -> None:
    reached = {OPEN}
    for _ in PredictionState:
        reached |= {next_state(one, what, held_back=held_back) for one in reached for what in Happening}
    assert reached == {OPEN} | OVER
