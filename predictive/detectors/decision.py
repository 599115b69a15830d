"""From evidence to an alarm: a threshold to begin, a lower one to end, and changes that divide an episode."""

import numpy as np
from numpy.typing import NDArray

from predictive.detectors.contract import Floats, State

BEGINS = 1.0
ENDS = 0.7
# A change so many times its own threshold makes half of the evidence enough: something did happen.
STRONG_CHANGE, BEGINS_WITH_CHANGE = 1.5, 0.5
# A stage of an episode lasts so many rows at least.
SHORTEST_STAGE = 30


def undecided(equipment: int) -> State:
    """The state before the first row: nobody is in alarm, and a stage may begin at once."""
    return {
        "alarmed": np.zeros(equipment, dtype=np.bool_),
        "stage_rows": np.full(equipment, SHORTEST_STAGE, dtype=np.int64),
    }


def decided(state: State, score: Floats, change: Floats) -> NDArray[np.bool_]:
    """Whether each row of `score` float64[E, T] is in alarm; `state` goes along.

    An alarm begins at BEGINS, or earlier with a strong change, and ends below ENDS. A `change` float64[E, T] of 1 or
    more within it ends a stage: that row is out of alarm, and the next begins another occurrence.
    """
    alarmed, stage_rows = state["alarmed"].copy(), state["stage_rows"].copy()
    begins = (score >= BEGINS) | ((change >= STRONG_CHANGE) & (score >= BEGINS_WITH_CHANGE))
    stays, changes = score >= ENDS, change >= 1.0
    verdict = np.empty(score.shape, dtype=np.bool_)
    for row in range(score.shape[1]):
        was = alarmed.copy()
        alarmed = (alarmed & stays[:, row]) | begins[:, row]
        divides = changes[:, row] & was & alarmed & (stage_rows >= SHORTEST_STAGE)
        stage_rows = np.where(divides, 0, np.minimum(stage_rows + 1, SHORTEST_STAGE))
        verdict[:, row] = alarmed & ~divides
    state["alarmed"], state["stage_rows"] = alarmed, stage_rows
    return verdict
