"""Distance of all points together from where normal time was, blind to the directions in which it drifts anyway.

The covariance of windowed readings is widened by how the means of consecutive stretches of normal time moved: where
normal time wanders (a motor warms, a season turns), further wandering is no news.
Sees: combinations that never were, small shifts of many points at once. Blind to: a fault along the drift, and what
a few strongly related points hide (residual.py sees that).
Source: Hotelling, Multivariate quality control (1947); Mahalanobis (1936); the widening is ours.
"""

from dataclasses import dataclass

import numpy as np

from predictive.detectors.contract import Evidence, Floats, Model, State, Window
from predictive.detectors.distance import Distance

# The stretches whose means show the drift, and how many times as far it may go on.
STRETCHES, DRIFT = 8, 16.0
RIDGE = 1e-2


@dataclass(frozen=True, slots=True)
class Mahalanobis:
    """Alarms at `threshold` on the normal scale over `window` rows."""

    window: int = 8
    threshold: float = 2.55
    name: str = "mahalanobis"

    def suits(self, *, points: int, step_s: float | None) -> bool:
        return points >= 2

    def calibrate(self, normal: Window) -> Model:
        return self._distance().calibrate(normal)

    def begin(self, model: Model) -> State:
        return self._distance().begin(model)

    def step(self, model: Model, state: State, block: Window) -> Evidence:
        return self._distance().step(model, state, block)

    def _distance(self) -> Distance:
        return Distance(learn_map=whitening, window=self.window, threshold=self.threshold)


def whitening(deviations: Floats) -> Floats:
    """The symmetric root float64[P, P] of the inverse covariance, widened by drift, of deviations float64[T, P]."""
    points = deviations.shape[1]
    drifts = np.stack([part.mean(axis=0) for part in np.array_split(deviations, STRETCHES)])
    covariance = deviations.T @ deviations / (len(deviations) - 1)
    widened = covariance + DRIFT * drifts.T @ drifts / STRETCHES + RIDGE * np.eye(points)
    values, vectors = np.linalg.eigh(widened)
    root: Floats = (vectors / np.sqrt(values)) @ vectors.T
    return root
