"""Ridge regression of every point on all the others at once, with what it cannot know.

All regressions share one matrix: the inverse of the (ridged) scatter of every column. From it follow, for each point,
the residual when its own columns are left out, and the leverage: how far the others lie from what was seen, by which
the prediction is less certain.
Source: Hoerl and Kennard, Ridge regression (1970); Hoaglin and Welsch, The hat matrix (1978).
"""

import itertools
from dataclasses import dataclass

import numpy as np

from predictive.detectors.contract import Floats

# Normal time is cut in so many contiguous stretches; each is judged by what the others taught. Never shuffled:
# neighbouring rows give each other away.
STRETCHES = 5


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """inverse float64[E, F, F]; own float64[E, P, G, G]: the inverses of each point's own blocks in it."""

    inverse: Floats
    own: Floats


def design(joined: Floats, *, lags: int, squares: Floats | None) -> Floats:
    """Columns float64[E, T, 1 + G·P] of `joined` float64[E, lags + T, P]: one, the points now, 1 … `lags` rows ago.

    With `squares` float64[E, 2, P] (centre and spread of the squares in normal time) the squares of the points now
    follow: G = lags + 2 columns a point, else lags + 1.
    """
    rows = joined.shape[1] - lags
    columns = [joined[:, lags - lag : lags - lag + rows] for lag in range(lags + 1)]
    if squares is not None:
        columns.append((columns[0] ** 2 - squares[:, :1]) / squares[:, 1:])
    return np.concatenate([np.ones((joined.shape[0], rows, 1)), *columns], axis=2)


def learnt(scatter: Floats, *, points: int, ridge: float) -> Learnt:
    """From the mean products float64[F, F] of the columns of one equipment."""
    inverse: Floats = np.linalg.inv(scatter + ridge * np.eye(len(scatter))).astype(np.float64)
    places = 1 + np.arange(len(scatter) - 1).reshape(-1, points)
    own = np.stack([np.linalg.inv(inverse[np.ix_(places[:, point], places[:, point])]) for point in range(points)])
    return Learnt(inverse=inverse[None], own=own[None])


def residuals(model: Learnt, columns: Floats) -> tuple[Floats, Floats]:
    """What the others do not explain of each point, and their leverage: float64[E, T, P] both."""
    weighed = columns @ model.inverse
    leverage = (weighed * columns).sum(axis=2, keepdims=True)
    points = model.own.shape[1]
    by_point = weighed[:, :, 1:].reshape(*weighed.shape[:2], -1, points).transpose(0, 3, 1, 2)
    parts = by_point @ model.own
    own_leverage = (parts * by_point).sum(axis=3).transpose(0, 2, 1)
    return parts[..., 0].transpose(0, 2, 1), np.maximum(leverage - own_leverage, 0.0)


def fitted(columns: Floats, *, points: int, ridge: float) -> tuple[Learnt, Floats, Floats]:
    """Of one equipment's columns float64[T, F]: the model, and residuals and leverages float64[T, P] out of sample."""
    rows = len(columns)
    edges = list(itertools.pairwise(np.linspace(0, rows, STRETCHES + 1).astype(int).tolist()))
    products = [columns[start:stop].T @ columns[start:stop] for start, stop in edges]
    whole = np.sum(products, axis=0)
    strays, leverages = np.zeros((rows, points)), np.zeros((rows, points))
    for (start, stop), product in zip(edges, products, strict=True):
        others = learnt((whole - product) / max(rows - stop + start, 1), points=points, ridge=ridge)
        stray, leverage = residuals(others, columns[None, start:stop])
        strays[start:stop], leverages[start:stop] = stray[0], leverage[0]
    return learnt(whole / max(rows, 1), points=points, ridge=ridge), strays, leverages
