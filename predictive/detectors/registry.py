"""The detectors that judge equipment: one line each. Their names are stored with models and never reused."""

from collections.abc import Sequence
from dataclasses import dataclass

from predictive.detectors.contract import Detector
from predictive.detectors.joint_residual import JointResidual
from predictive.detectors.mahalanobis import Mahalanobis
from predictive.detectors.reconstruction import Reconstruction
from predictive.detectors.residual import Residual


@dataclass(frozen=True, slots=True)
class Seat:
    """A detector's place in the ensemble: whether it may raise an alarm alone, and whether it votes with others."""

    detector: Detector
    decides: bool
    votes: bool


def registered() -> Sequence[Seat]:
    """Every detector, in the order in which their models are stored."""
    return (
        Seat(Residual(), decides=True, votes=True),
        Seat(JointResidual(), decides=True, votes=False),
        Seat(Mahalanobis(), decides=False, votes=True),
        Seat(Reconstruction(), decides=False, votes=True),
    )
