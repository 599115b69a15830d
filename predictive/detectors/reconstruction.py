"""What is left of the readings when they are rebuilt from the few movements that make up normal time.

Sees: points that break their usual rhythm while each stays within its range. Blind to: more of the same movement
(a machine that runs harder), which mahalanobis.py sees.
Source: Jackson and Mudholkar, Control procedures for residuals associated with principal component analysis (1979).
"""

import numpy as np

from predictive.detectors.contract import Floats
from predictive.detectors.distance import Distance

# The movements kept explain this part of the variance.
EXPLAINED = 0.95
# The floor of what rebuilding leaves of a point, in spreads of the point.
FLOOR = 0.02
# Rows over which readings are averaged, and where that is an alarm on the normal scale.
WINDOW, THRESHOLD = 8, 2.25


def reconstruction() -> Distance:
    """The detector of this file, as the registry seats it."""
    return Distance(name="reconstruction", learn_map=remainder, window=WINDOW, threshold=THRESHOLD)


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
