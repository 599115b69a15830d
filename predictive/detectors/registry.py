"""The detectors that judge equipment: one line each. Their names are stored with models and never reused."""

from collections.abc import Sequence
from dataclasses import dataclass

from predictive.detectors.change_points import ChangePoints
from predictive.detectors.contract import Detector
from predictive.detectors.joint_residual import JointResidual
from predictive.detectors.mahalanobis import mahalanobis
from predictive.detectors.rate_of_rise import RateOfRise
from predictive.detectors.reconstruction import reconstruction
from predictive.detectors.residual import Residual
from predictive.detectors.univariate import Univariate


@dataclass(frozen=True, slots=True)
class Seat:
    """A detector's place in the ensemble.

    decides: it may raise an alarm alone.  votes: it raises one with others that vote.  divides: it tells one stage of
    an episode from the next.  is_quick: a minute of normal time is enough for it.
    """

    detector: Detector
    decides: bool = False
    votes: bool = False
    divides: bool = False
    is_quick: bool = False


def registered() -> Sequence[Seat]:
    """Every detector, in the order in which their models are stored."""
    return (
        Seat(Residual(), decides=True, votes=True),
        Seat(JointResidual(), decides=True),
        Seat(mahalanobis(), votes=True),
        Seat(reconstruction(), votes=True),
        Seat(ChangePoints(), divides=True),
        Seat(RateOfRise(), decides=True, is_quick=True),
        Seat(Univariate(), decides=True),
    )
