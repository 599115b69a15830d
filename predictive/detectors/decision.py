"""From evidence to an alarm: a threshold to begin, a lower one to end."""

import numpy as np
from numpy.typing import NDArray

from predictive.detectors.contract import Floats

BEGINS = 1.0
ENDS = 0.7


def with_hysteresis(alarmed: NDArray[np.bool_], score: Floats) -> NDArray[np.bool_]:
    """Whether each row of `score` float64[E, T] is in alarm; `alarmed` bool[E] is the state before, advanced here."""
    begins, stays = score >= BEGINS, score >= ENDS
    verdict = np.empty(score.shape, dtype=np.bool_)
    for row in range(score.shape[1]):
        alarmed &= stays[:, row]
        alarmed |= begins[:, row]
        verdict[:, row] = alarmed
    return verdict
