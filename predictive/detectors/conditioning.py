"""What every multivariate detector does first: points on one scale, gaps filled in, windows that survive blocks.

All of it is causal and works on E equipment at once; arrays are float64[E, T, P] unless said otherwise.
"""

import numpy as np

from predictive.detectors.contract import Arrays, Bools, Floats, Model, State
from predictive.detectors.stretches import held, nothing_held

# Beyond this many deviations a point says "very far" and no more: one broken sensor must not drown the others.
FARTHEST = 8.0
# A spread below this part of the largest value is the rounding of the sensor's own arithmetic: the point is constant.
CONSTANT = 1e-9
# What a stand-in for a missing point may not hope to know better than this part of its variance.
STAND_IN_RIDGE = 1e-2
# From fewer rows nothing is learnt.
FEWEST_ROWS = 30
# Short windows see a break at once, long ones a small shift; half a day is a shift of people, after which all is new.
WINDOWS = (2, 8, 32)
LONGEST_WINDOW_S = 12 * 3600.0


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
    """Deviations from the centre in scales, cut off at ±FARTHEST; constant points 0, missing values and rows NaN."""
    deviations = (values - model["centre"][:, None]) / model["scale"][:, None]
    cut = np.clip(deviations, -FARTHEST, FARTHEST)
    unread = np.isnan(values).all(axis=2, keepdims=True)
    return np.where(model["live"][:, None], cut, np.where(unread, np.nan, 0.0))


def completed(model: Model, state: State, deviations: Floats) -> tuple[Floats, Bools]:
    """Deviations without gaps, and which rows bool[E, T] can be judged: half of the points were read.

    What is missing is what the others say of it (`stand_in`): a value held while a machine goes on and off would put
    the blame on the others. Where those are missing too, their last values stand for them.
    """
    missing = np.isnan(deviations)
    filled, read = held(state, deviations)
    live = model["live"][:, None]
    absent = np.logical_and(missing, live).sum(axis=2)
    judged: Bools = np.logical_and(read, 2 * absent <= live.sum(axis=2))
    if not absent.any():
        return filled, judged
    stand_ins = model["stand_in"][:, :1] + filled @ model["stand_in"][:, 1:]
    return np.where(missing, np.clip(stand_ins, -FARTHEST, FARTHEST), filled), judged


def conditioned(values: Floats) -> tuple[Arrays, list[Floats]]:
    """The scaling of normal time and, of each equipment, its standardised rows float64[T', P] to learn from.

    Rows of which half or more is missing are left out. With fewer than FEWEST_ROWS no point is live, so that nothing
    is ever said of the equipment. `stand_in` float64[E, 1 + P, P]: what a missing point is, from one and the others.
    """
    scaling = learn_scale(values)
    deviations = standardised(scaling, values)
    whole: Bools = np.logical_not(np.isnan(deviations).any(axis=2))
    scaling["stand_in"] = np.stack([_stand_in(one[rows]) for one, rows in zip(deviations, whole, strict=True)])
    start = nothing_held(equipment=values.shape[0], points=values.shape[2])
    filled, judged = completed(scaling, start, deviations)
    enough = judged.sum(axis=1) >= FEWEST_ROWS
    scaling["live"] = scaling["live"] & enough[:, None]
    nothing = np.zeros((FEWEST_ROWS, values.shape[2]))
    parts = zip(filled, judged, enough, strict=True)
    return scaling, [rows[usable] if is_enough else nothing for rows, usable, is_enough in parts]


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


def shared_out(parts: Floats) -> Floats:
    """Each point's part of a row's sum; zeros where the row has none."""
    total = parts.sum(axis=-1, keepdims=True)
    shares: Floats = np.divide(parts, total, out=np.zeros_like(parts), where=total > 0)
    return shares


def windowed(values: Floats, *, window: int) -> Floats:
    """Trailing means over `window` rows of values float64[T, P] that begin after nothing."""
    padded = np.concatenate([np.zeros((window, values.shape[1])), values])[None]
    means: Floats = trailing_means(padded, rows=len(values), window=window)[0]
    return means


def windows_of(step_s: float | None) -> tuple[int, ...]:
    """The windows of evidence in rows: a few rows, a good many, and a stretch, none longer than LONGEST_WINDOW_S."""
    most = max(int(LONGEST_WINDOW_S / step_s), 2) if step_s else max(WINDOWS)
    return tuple(min(rows, most) for rows in WINDOWS)


def _stand_in(rows: Floats) -> Floats:
    """Ridge weights float64[1 + P, P] of each point on one and the other points, from whole rows float64[T, P]."""
    points = rows.shape[1]
    columns = np.concatenate([np.ones((len(rows), 1)), rows], axis=1)
    precision = np.linalg.inv(columns.T @ columns / max(len(rows), 1) + STAND_IN_RIDGE * np.eye(points + 1))
    weights: Floats = -precision[:, 1:] / np.diag(precision)[1:]
    weights[np.arange(1, points + 1), np.arange(points)] = 0.0
    return weights


def _medians(values: Floats) -> Floats:
    """Medians of what was read, 0 for a point that never was; without numpy's warnings for empty slices."""
    ordered = np.sort(values, axis=1)
    counts = np.isfinite(values).sum(axis=1)
    if not values.shape[1]:
        return np.zeros(counts.shape)
    low = np.take_along_axis(ordered, np.maximum(counts - 1, 0)[:, None] // 2, axis=1)[:, 0]
    high = np.take_along_axis(ordered, (counts // 2).clip(max=values.shape[1] - 1)[:, None], axis=1)[:, 0]
    return np.where(counts > 0, (low + high) / 2, 0.0)
