"""Causal smoothing: each row from itself and rows before it, older ones counting less."""

import numpy as np

from predictive.detectors.contract import Floats


def local_line(values: Floats, *, span: float) -> tuple[Floats, Floats]:
    """Level and slope a row at each row: the weighted straight line through the rows so far, of float64[T, P].

    A row counts 1 − 1/span of the row after it. Source: double exponential discounting, Brown (1963), exact from the
    first row on.
    """
    keep = 1.0 - 1.0 / span
    level, slope = np.empty_like(values), np.empty_like(values)
    # Sums of weights, weighted ages (rows back) and their squares, values, and values times ages.
    weight, aged, aged_twice = 0.0, 0.0, 0.0
    total, moment = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for row, value in enumerate(values):
        weight, aged, aged_twice = (
            keep * weight + 1.0,
            keep * (aged + weight),
            keep * (aged_twice + 2 * aged + weight),
        )
        moment = keep * (moment + total)
        total = keep * total + value
        spread = weight * aged_twice - aged * aged
        falling = (weight * moment - aged * total) / spread if spread > 1e-9 else np.zeros_like(total)
        slope[row] = -falling
        level[row] = (total - falling * aged) / weight
    return level, slope


def smoothed(values: Floats, *, span: float) -> Floats:
    """The weighted mean of the rows so far, of float64[T, P]."""
    keep = 1.0 - 1.0 / span
    result = np.empty_like(values)
    weight, total = 0.0, np.zeros(values.shape[1])
    for row, value in enumerate(values):
        weight, total = keep * weight + 1.0, keep * total + value
        result[row] = total / weight
    return result


def beginning(values: Floats, *, rows: int) -> Floats:
    """The mean of the first `rows` rows, or at each of those of the rows so far, of float64[T, P]."""
    count = np.minimum(np.arange(1, len(values) + 1), rows)
    mean: Floats = np.cumsum(values, axis=0)[count - 1] / count[:, None]
    return mean
