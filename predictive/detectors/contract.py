"""What every detector keeps to, and the shapes that pass between them.

The first axis of every array is the equipment (E): detectors work on many equipment of one shape at once, and on
one with E = 1 by the very same code. Then come rows (T), then points (P). A missing value is NaN; a row in which
every point is missing is a row that was not read.

A detector promises (tests/predictive/detectors/contract_suite.py holds it to each):
  - causal: the evidence of a row depends on rows up to it only;
  - splitting a stream into blocks anywhere, or storing the state and going on from it, changes nothing but rounding;
  - neither the scale (negative too) nor the offset nor the order of the points changes the score;
  - each equipment is judged for itself: its neighbours on the first axis change nothing;
  - every score is finite and ≥ 0, also with missing, constant or infinite points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Integers: TypeAlias = NDArray[np.int64]

# What calibration learnt and what streaming remembers: arrays only, so that both are stored without pickling.
# The shape of each array depends on the number of points, the step and the detector, never on the length of the
# history: the models of many equipment stack on the first axis.
Arrays: TypeAlias = dict[str, NDArray[Any]]
Model: TypeAlias = Mapping[str, NDArray[Any]]
State: TypeAlias = Arrays


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Rows of several points of E equipment of one shape, oldest first, no time twice in one equipment.

    ts_ms: int64[E, T], UTC.  values: float64[E, T, P], NaN where nothing was read, never infinite.
    step_s: the usual time between two rows, in seconds; None when the rows come irregularly.
    """

    ts_ms: Integers
    values: Floats
    step_s: float | None

    @property
    def equipment(self) -> int:
        return int(self.values.shape[0])

    @property
    def rows(self) -> int:
        return int(self.values.shape[1])

    @property
    def points(self) -> int:
        return int(self.values.shape[2])

    def between(self, *, start: int, stop: int) -> "Window":
        """The rows start ≤ row < stop."""
        return Window(ts_ms=self.ts_ms[:, start:stop], values=self.values[:, start:stop], step_s=self.step_s)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What one detector, or all together, say of each row.

    score: float64[E, T] ≥ 0, 1.0 = the detector's own threshold of alarm.
    shares: float64[E, T, P] ≥ 0, what each point has to do with it; a row sums to 1, or to 0 when nothing speaks.
    """

    score: Floats
    shares: Floats


class Detector(Protocol):
    """One method, one file, one line in registry.py."""

    @property
    def name(self) -> str:
        """Short, stable, as stored with models: `residual`, `rate_of_rise`."""
        ...

    def suits(self, *, points: int, step_s: float | None) -> bool:
        """Whether the method has anything to say of equipment with so many points at such a step."""
        ...

    def calibrate(self, normal: Window) -> Model:
        """Learns what is normal from rows known to be normal; constant and missing points are learnt as such."""
        ...

    def begin(self, model: Model) -> State:
        """The state before the first row that is judged."""
        ...

    def step(self, model: Model, state: State, block: Window) -> Evidence:
        """Judges a block of rows that follows the last one and advances `state`, in place if it likes."""
        ...


def stacked(parts: Sequence[Model]) -> Arrays:
    """Models or states of several equipment as one, in their order."""
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def taken(arrays: Model, equipment: Sequence[int] | Integers) -> Arrays:
    """A copy of the models or states of some equipment, by their places on the first axis."""
    return {key: array[np.asarray(equipment, dtype=np.int64)] for key, array in arrays.items()}


def copied(arrays: Model) -> Arrays:
    """A copy that streaming on from the original leaves alone."""
    return {key: array.copy() for key, array in arrays.items()}
