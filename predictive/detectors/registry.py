"""The detectors that judge equipment: one line each. Their names are stored with models and never reused."""

from predictive.detectors.contract import Detector
from predictive.detectors.residual import Residual


def registered() -> tuple[Detector, ...]:
    """Every detector, in the order in which their models are stored."""
    return (Residual(),)
