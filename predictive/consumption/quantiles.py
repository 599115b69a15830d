"""Quantiles of weighted samples, and how good a quantile forecast was. Pure.

Sources: pinball loss, Koenker & Bassett, Regression Quantiles, Econometrica 46 (1978); Gneiting & Raftery, Strictly
Proper Scoring Rules, JASA 102 (2007).
"""

from typing import Final

import numpy as np

from predictive.consumption.register import Floats

LEVELS: Final = np.array([0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95])
MEDIAN: Final = 3
# The interval shown to people: of ten hours eight lie inside.
LOW: Final = 1
HIGH: Final = 5


def weighted_quantiles(samples: Floats, weights: Floats, *, levels: Floats = LEVELS) -> Floats:
    """float64[K, Q]: quantiles of each column of samples[N, K] by weights[N, K]; a NaN sample counts for nothing.

    A column without any sample has NaN. Between samples it is interpolated: each stands at the middle of its weight.
    """
    weight = np.where(np.isfinite(samples), weights, 0.0)
    order = np.argsort(np.where(np.isfinite(samples), samples, np.inf), axis=0, kind="stable")
    by_size = np.take_along_axis(np.where(np.isfinite(samples), samples, 0.0), order, axis=0)
    weight = np.take_along_axis(weight, order, axis=0)
    total = weight.sum(axis=0)
    result = np.full((samples.shape[1], len(levels)), np.nan)
    for column in np.flatnonzero(total > 0):
        counts = weight[:, column] > 0
        share = weight[counts, column] / total[column]
        middle = np.cumsum(share) - share / 2
        result[column] = np.interp(levels, middle, by_size[counts, column])
    return result


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
