"""What a forecast looks at in each row of a life: levels, speeds, and all signs together against lives of the fleet."""

import numpy as np

from predictive.detectors.contract import Arrays, Floats, Model
from predictive.remaining_life.filters import beginning, local_line, smoothed
from predictive.remaining_life.lives import Life, scaled

# In rows. Short spans see the last bend, long ones average the noise away.
LINE_SPANS = (8.0, 20.0, 40.0)
LEVEL_SPANS = (5.0, 20.0)
POINT_SPAN = 10.0
FIRST_ROWS = 20
RIDGE = 10.0


def learn_blends(values: list[Floats], left: Floats, *, horizon: float) -> Arrays:
    """Blends of the points that follow what is left, near its end, over all of it, and in between.

    values: float64[T, K] of each life, scaled; left: float64[sum of T]. Array: blends float64[K, 3].
    """
    rows = np.vstack([smoothed(each, span=LEVEL_SPANS[0]) for each in values])
    targets = (
        np.minimum(left, horizon),
        np.exp(-left / (horizon / 3.0)),
        np.log(np.minimum(left, 1.6 * horizon) + horizon / 25.0),
    )
    centred = rows - rows.mean(axis=0)
    gram = centred.T @ centred + RIDGE * np.eye(rows.shape[1])
    blends = [np.linalg.solve(gram, centred.T @ (target - target.mean())) / target.std() for target in targets]
    return {"blends": np.stack(blends, axis=1)}


def features_of(scale: Model, blends: Model, life: Life) -> Floats:
    """float64[T, F], each row from rows up to it."""
    values = scaled(scale, life.values)
    blended = values @ blends["blends"]
    parts = [smoothed(values, span=POINT_SPAN)]
    parts += [smoothed(blended, span=span) for span in LEVEL_SPANS]
    for span in LINE_SPANS:
        parts += list(local_line(blended, span=span))
    parts += [beginning(blended, rows=FIRST_ROWS), np.log1p(life.ages)[:, None]]
    return np.hstack(parts)
