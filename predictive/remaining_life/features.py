"""What a forecast looks at in each row of a life: levels, speeds, and all signs together against lives of the fleet."""

import numpy as np

from predictive.detectors.contract import Arrays, Floats, Model
from predictive.remaining_life.filters import beginning, local_line, smoothed
from predictive.remaining_life.lives import Life, scaled

# In rows. Short spans see the last bend, long ones average the noise away.
LINE_SPANS = (8.0, 20.0, 40.0)
LEVEL_SPANS = (5.0, 20.0)
LONG_SPAN = 60.0
POINT_SPAN = 10.0
FIRST_ROWS = 20
RIDGE = 10.0
# Directions in which lives move, at most, and by how many times their noise at least.
MOST_WAYS = 3
LEAST_MOVEMENT = 1.0
SMOOTHING_SPAN = 10.0


def learn_blends(values: list[Floats], left: Floats, *, horizon: float) -> Arrays:
    """Two ways to see all points as few.

    values: float64[T, K] of each life, scaled; left: float64[sum of T]. Arrays: blends float64[K, 3], which follow what
    is left, near its end, over all of it, and in between; ways float64[K, W], the directions in which lives move while
    noise does not (generalised eigenvectors of slow movement against what is left of a row without it), so that wear in
    one part is told from wear in another, and both from noise.
    """
    return {"blends": _blends(values, left, horizon=horizon), "ways": _ways(values, left)}


def features_of(scale: Model, blends: Model, life: Life) -> Floats:
    """float64[T, F], each row from rows up to it."""
    values = scaled(scale, life.values)
    blended, moved = values @ blends["blends"], values @ blends["ways"]
    parts = [smoothed(values, span=POINT_SPAN), np.log1p(life.ages)[:, None]]
    parts += [smoothed(blended, span=span) for span in LEVEL_SPANS]
    parts += [smoothed(moved, span=LEVEL_SPANS[0]), smoothed(moved, span=LONG_SPAN)]
    for span in LINE_SPANS:
        parts += [*local_line(blended, span=span), *local_line(moved, span=span)]
    first = beginning(moved, rows=FIRST_ROWS)
    parts += [beginning(blended, rows=FIRST_ROWS), first, smoothed(moved, span=LEVEL_SPANS[1]) - first]
    parts.append(beginning(moved, rows=len(moved)))
    return np.hstack(parts)


def _blends(values: list[Floats], left: Floats, *, horizon: float) -> Floats:
    rows = np.vstack([smoothed(each, span=LEVEL_SPANS[0]) for each in values])
    targets = (
        np.minimum(left, horizon),
        np.exp(-left / (horizon / 3.0)),
        np.log(np.minimum(left, 1.6 * horizon) + horizon / 25.0),
    )
    centred = rows - rows.mean(axis=0)
    gram = centred.T @ centred + RIDGE * np.eye(rows.shape[1])
    columns = [np.linalg.solve(gram, centred.T @ (target - target.mean())) / target.std() for target in targets]
    return np.stack(columns, axis=1)


def _ways(values: list[Floats], left: Floats) -> Floats:
    slow = [_both_sides(each) for each in values]
    noise = np.vstack([each - its for each, its in zip(values, slow, strict=True)])
    movement = np.vstack(slow) - np.vstack(slow).mean(axis=0)
    points = noise.shape[1]
    # A point without any noise of its own would be all signal.
    whitening = np.linalg.inv(np.linalg.cholesky(noise.T @ noise / len(noise) + 1e-3 * np.eye(points)))
    strengths, directions = np.linalg.eigh(whitening @ (movement.T @ movement / len(movement)) @ whitening.T)
    strongest = np.argsort(-strengths)[:MOST_WAYS]
    kept = strongest[: max(1, int((strengths[strongest] >= LEAST_MOVEMENT).sum()))]
    ways = whitening.T @ directions[:, kept]
    # Whichever side an eigenvector comes out: it shall rise as life runs out.
    falls = (movement @ ways).T @ (left - left.mean()) > 0
    return np.asarray(np.where(falls, -ways, ways), np.float64)


def _both_sides(values: Floats) -> Floats:
    """Slow movement, of finished lives only: a line from the rows before and one from those after, in the mean."""
    before = local_line(values, span=SMOOTHING_SPAN)[0]
    after = local_line(values[::-1], span=SMOOTHING_SPAN)[0][::-1]
    return (before + after) / 2
