"""Distance of all points together from where normal time was, blind to the directions in which it drifts anyway.

The covariance of windowed readings is widened by how the means of consecutive stretches of normal time moved: where
normal time wanders (a motor warms, a season turns), further wandering is no news.
Sees: combinations that never were, small shifts of many points at once. Blind to: a fault along the drift, and what
a few strongly related points hide (residual.py sees that).
Source: Hotelling, Multivariate quality control (1947); Mahalanobis (1936); the widening is ours.
"""

import numpy as np

from predictive.detectors.contract import Floats
from predictive.detectors.distance import Distance

# The stretches whose means show the drift, and how many times as far it may go on.
STRETCHES, DRIFT = 8, 16.0
RIDGE = 1e-2
# Rows over which readings are averaged, and where that is an alarm on the normal scale.
WINDOW, THRESHOLD = 8, 2.55


def mahalanobis() -> Distance:
    """The detector of this file, as the registry seats it."""
    return Distance(name="mahalanobis", learn_map=whitening, window=WINDOW, threshold=THRESHOLD)


def whitening(deviations: Floats) -> Floats:
    """The symmetric root float64[P, P] of the inverse covariance, widened by drift, of deviations float64[T, P]."""
    points = deviations.shape[1]
    drifts = np.stack([part.mean(axis=0) for part in np.array_split(deviations, STRETCHES)])
    covariance = deviations.T @ deviations / (len(deviations) - 1)
    widened = covariance + DRIFT * drifts.T @ drifts / STRETCHES + RIDGE * np.eye(points)
    values, vectors = np.linalg.eigh(widened)
    root: Floats = (vectors / np.sqrt(values)) @ vectors.T
    return root
