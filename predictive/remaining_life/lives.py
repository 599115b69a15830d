"""Lives of equipment, from its first row to failure or to now, and one scale for all of them.

Nothing here knows what a column means: columns are put in order, turned and scaled by what the lives themselves show,
so that renaming, turning, scaling or shuffling them changes no forecast.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from predictive.detectors.contract import Arrays, Floats, Model

# Values farther out than this many spreads are as good as broken: they say "far out" and no more.
FARTHEST = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class Life:
    """Rows of one piece of equipment, oldest first. values: float64[T, P], NaN for missing, never infinite.

    ages: float64[T], run time at each row in any one unit (hours, cycles, days), never falling.
    left: float64[T], what was left at each row; None where nobody knows yet.
    """

    ages: Floats
    values: Floats
    left: Floats | None = None

    @property
    def rows(self) -> int:
        return int(self.values.shape[0])


def learn_scale(lives: Sequence[Life]) -> Arrays:
    """What `scaled` needs: which columns say anything, in which order, their middle and spread.

    Of the columns that vary, the one that follows wear most comes first, turned so that it rises as life runs out.
    Lives with `left` only. Arrays: columns int64[K], middle float64[K], spread float64[K] (negative: turned).
    """
    values = np.vstack([life.values for life in lives])
    left = np.concatenate([life.left for life in lives if life.left is not None])
    seen = np.isfinite(values)
    enough = seen.sum(axis=0) >= max(2, len(values) // 4)
    middle, spread, follows = (np.zeros(values.shape[1]) for _ in range(3))
    for column in np.flatnonzero(enough):
        known = values[seen[:, column], column]
        middle[column], spread[column] = np.median(known), known.std()
        if spread[column] > 1e-9 * max(1e-9, float(np.abs(known).max())):
            follows[column] = -_rank_correlation(known, left[seen[:, column]])
        else:
            spread[column] = 0.0
    telling = np.flatnonzero(spread > 0)
    order = telling[np.argsort(-np.abs(follows[telling]), kind="stable")]
    sign = np.where(follows[order] < 0, -1.0, 1.0)
    return {"columns": order, "middle": middle[order], "spread": spread[order] * sign}


def scaled(scale: Model, values: Floats) -> Floats:
    """float64[T, K] in spreads from the middle; what is missing takes the value before it, at the beginning 0."""
    chosen = (values[:, scale["columns"]] - scale["middle"]) / scale["spread"]
    return _carried_forward(np.clip(chosen, -FARTHEST, FARTHEST))


def _carried_forward(values: Floats) -> Floats:
    rows = np.arange(len(values))[:, None]
    last_seen = np.maximum.accumulate(np.where(np.isfinite(values), rows, -1), axis=0)
    carried = np.take_along_axis(values, np.maximum(last_seen, 0), axis=0)
    return np.where(last_seen >= 0, carried, 0.0)


def _rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman's, in which neither scale nor a few wild values count."""
    ranks = [np.argsort(np.argsort(values, kind="stable"), kind="stable") for values in (first, second)]
    if len(first) < 3:
        return 0.0
    return float(np.nan_to_num(np.corrcoef(ranks[0], ranks[1])[0, 1]))
