"""What is left of the readings when they are rebuilt from the few movements that make up normal time.

Sees: points that break their usual rhythm while each stays within its range. Blind to: more of the same movement
(a machine that runs harder), which mahalanobis.py sees.
Source: Jackson and Mudholkar, Control procedures for residuals associated with principal component analysis (1979).
"""

from dataclasses import dataclass

import numpy as np

from predictive.detectors.contract import Evidence, Floats, Model, State, Window
from predictive.detectors.distance import Distance

# The movements kept explain this part of the variance.
EXPLAINED = 0.95
# The floor of what rebuilding leaves of a point, in spreads of the point.
FLOOR = 0.02


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """Alarms at `threshold` on the normal scale over `window` rows."""

    window: int = 8
    threshold: float = 2.25
    name: str = "reconstruction"

    def suits(self, *, points: int, step_s: float | None) -> bool:
        return points >= 2

    def calibrate(self, normal: Window) -> Model:
        return self._distance().calibrate(normal)

    def begin(self, model: Model) -> State:
        return self._distance().begin(model)

    def step(self, model: Model, state: State, block: Window) -> Evidence:
        return self._distance().step(model, state, block)

    def _distance(self) -> Distance:
        return Distance(learn_map=remainder, window=self.window, threshold=self.threshold)


def remainder(deviations: Floats) -> Floats:
    """The map float64[P, P] to what the main movements leave of deviations float64[T, P], in its usual spreads."""
    covariance = deviations.T @ deviations / max(len(deviations) - 1, 1)
    values, vectors = np.linalg.eigh(covariance)
    explained = np.cumsum(values[::-1]) / max(float(values.sum()), 1e-12)
    kept = vectors[:, ::-1][:, : int(np.searchsorted(explained, EXPLAINED)) + 1]
    rest = np.eye(len(covariance)) - kept @ kept.T
    spread = np.sqrt(np.maximum(np.diag(rest @ covariance @ rest), 0.0)) + FLOOR
    mapped: Floats = rest / spread
    return mapped
