"""Quantiles of weighted samples, and how good a quantile forecast was. Pure.

Sources: pinball loss, Koenker & Bassett, Regression Quantiles, Econometrica 46 (1978); Gneiting & Raftery, Strictly
Proper Scoring Rules, JASA 102 (2007).
"""

from typing import Final

import numpy as np

from predictive.consumption.register import Floats, Integers

LEVELS: Final = np.array([0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95])
MEDIAN: Final = 3
# The interval shown to people: of ten hours eight lie inside.
LOW: Final = 1
HIGH: Final = 5


def weighted_quantiles(samples: Floats, weights: Floats, *, levels: Floats = LEVELS) -> Floats:
    """float64[K, Q]: quantiles of each column of samples[N, K] by weights[N, K]; a NaN sample counts for nothing.

    A column without any sample has NaN. Between samples it is interpolated: each stands at the middle of its weight.
    """
    known = np.isfinite(samples) & (weights > 0)
    order = np.argsort(np.where(known, samples, np.inf), axis=0)
    by_size = np.take_along_axis(np.where(known, samples, 0.0), order, axis=0)
    weight = np.take_along_axis(np.where(known, weights, 0.0), order, axis=0)
    total = weight.sum(axis=0)
    middle = np.cumsum(weight, axis=0) - weight / 2
    # What counts for nothing comes last, out of reach of every level.
    middle[weight <= 0] = np.inf
    last = np.maximum((weight > 0).sum(axis=0) - 1, 0)
    result = np.stack([_at(level * total, middle, by_size, last) for level in levels], axis=1)
    result[total <= 0] = np.nan
    return np.asarray(result, np.float64)


def _at(wanted: Floats, middle: Floats, by_size: Floats, last: Integers) -> Floats:
    """float64[K]: where the weight `wanted` is reached in each column, on the line between two samples."""
    right = np.minimum((middle < wanted).sum(axis=0), last)
    left = np.maximum(right - 1, 0)
    columns = np.arange(len(wanted))
    low, high = middle[left, columns], middle[right, columns]
    is_between = np.isfinite(high) & (high > low)
    apart = np.where(is_between, high, 1.0) - np.where(is_between, low, 0.0)
    share = np.where(is_between, (wanted - np.where(is_between, low, 0.0)) / apart, 1.0)
    share = np.clip(share, 0.0, 1.0)
    return np.asarray(by_size[left, columns] * (1 - share) + by_size[right, columns] * share, np.float64)


def pinball(forecast: Floats, actual: Floats, *, levels: Floats = LEVELS) -> float:
    """The mean loss of forecast[..., Q] at actual[...], in its unit; NaN where nothing can be compared."""
    gap = actual[..., None] - forecast
    loss = np.maximum(levels * gap, (levels - 1) * gap)
    is_known = np.isfinite(loss)
    return float(loss[is_known].mean()) if is_known.any() else float("nan")


def coverage(forecast: Floats, actual: Floats, *, low: int = LOW, high: int = HIGH) -> float:
    """The share of actual[...] inside the interval of forecast[..., Q]; NaN where nothing can be compared."""
    is_known = np.isfinite(actual) & np.isfinite(forecast[..., low]) & np.isfinite(forecast[..., high])
    inside = (forecast[..., low] <= actual) & (actual <= forecast[..., high])
    return float(inside[is_known].mean()) if is_known.any() else float("nan")
