"""What every multivariate detector does first: points on one scale, missing values held, windows that survive blocks.

All of it is causal and works on E equipment at once; arrays are float64[E, T, P] unless said otherwise.
"""

import numpy as np

from predictive.detectors.contract import Arrays, Floats, Model, State

# Beyond this many deviations a point says "very far" and no more: one broken sensor must not drown the others.
FARTHEST = 8.0
# A spread below this part of the largest value is the rounding of the sensor's own arithmetic: the point is constant.
CONSTANT = 1e-9


def learn_scale(values: Floats) -> Arrays:
    """Of each point: `centre` (median), `scale` (standard deviation) float64[E, P]; `live` bool[E, P]: not constant."""
    seen = np.isfinite(values)
    counts = np.maximum(seen.sum(axis=1), 1)
    centre = _medians(values)
    offsets = np.where(seen, values - centre[:, None], 0.0)
    means = offsets.sum(axis=1) / counts
    spread = np.sqrt((np.where(seen, offsets - means[:, None], 0.0) ** 2).sum(axis=1) / counts)
    largest = np.where(seen, np.abs(values), 0.0).max(axis=1, initial=0.0)
    live = spread > CONSTANT * np.maximum(largest, CONSTANT)
    return {"centre": centre, "scale": np.where(live, spread, 1.0), "live": live}


def standardised(model: Model, values: Floats) -> Floats:
    """Deviations from the centre in scales, cut off at ±FARTHEST; constant points are 0, missing values stay NaN."""
    deviations = (values - model["centre"][:, None]) / model["scale"][:, None]
    cut = np.clip(deviations, -FARTHEST, FARTHEST)
    return np.where(model["live"][:, None], cut, np.where(np.isnan(values), np.nan, 0.0))


def held(state: State, values: Floats, *, key: str = "held") -> Floats:
    """Missing values replaced by the last one read, by 0 before the first; `state[key]` float64[E, P] goes along."""
    rows = np.arange(values.shape[1])[None, :, None]
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, rows), axis=1)
    filled = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    filled = np.where(last < 0, state[key][:, None], filled)
    if values.shape[1]:
        state[key] = filled[:, -1].copy()
    return filled


def with_past(state: State, values: Floats, *, key: str) -> Floats:
    """The rows remembered in `state[key]` (float64[E, K, P]) and then these; the last K are remembered."""
    joined = np.concatenate([state[key], values], axis=1)
    past = state[key].shape[1]
    state[key] = joined[:, joined.shape[1] - past :].copy()
    return joined


def trailing_means(joined: Floats, *, rows: int, window: int) -> Floats:
    """Means over the last `window` rows for each of the last `rows` rows of `joined`, which begins earlier."""
    sums = np.cumsum(joined, axis=1)
    ends = joined.shape[1] - rows + np.arange(rows)
    before = ends - window
    return (sums[:, ends] - np.where(before[None, :, None] >= 0, sums[:, before], 0.0)) / window


def _medians(values: Floats) -> Floats:
    """Medians of what was read, 0 for a point that never was; without numpy's warnings for empty slices."""
    ordered = np.sort(values, axis=1)
    counts = np.isfinite(values).sum(axis=1)
    if not values.shape[1]:
        return np.zeros(counts.shape)
    low = np.take_along_axis(ordered, np.maximum(counts - 1, 0)[:, None] // 2, axis=1)[:, 0]
    high = np.take_along_axis(ordered, (counts // 2).clip(max=values.shape[1] - 1)[:, None], axis=1)[:, 0]
    return np.where(counts > 0, (low + high) / 2, 0.0)
