"""How fast most points move together: heat and smoke in a room, within seconds.

The rise is the mean of the last few rows less that of as many rows some time before, on each point's own scale of
rises in normal time; it must show in most live points, and stay. Direction does not count: oxygen falls, heat rises.
Sees: quick joint movements at a step of a second or two. Blind to: creep slower than its gap, and to a single point.
Source: the rate-of-rise principle of heat detectors (EN 54-5, class R), with the normal time of the room itself in
the place of a fixed rate, and the majority of points in that of a second detector.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictive.detectors.conditioning import FEWEST_ROWS, learn_scale, shared_out, trailing_means, with_past
from predictive.detectors.contract import Evidence, Floats, Model, State, Window
from predictive.detectors.stretches import held, no_stretch, nothing_held, rows_since_gap

# At a slower step a fire is seen by its level first.
LONGEST_STEP_S = 2.0
# No point counts for more than this many of its usual rises: with the threshold below it, one alone is not enough.
STEEPEST = 9.0
# Further than this, in spreads of normal time, is far enough: arithmetic stays exact.
FARTHEST = 1000.0


@dataclass(frozen=True, slots=True)
class RateOfRise:
    """The mean of `level` rows against the one of `level` rows `apart` rows before, for `lasts` rows on end."""

    level: int = 5
    apart: int = 20
    # One row alone lifts `level` means: what lasts longer is no single reading.
    lasts: int = 6
    threshold: float = 5.5
    name: str = "rate_of_rise"

    @property
    def _span(self) -> int:
        return 2 * self.level + self.apart

    def suits(self, *, points: int, step_s: float | None) -> bool:
        return points >= 2 and step_s is not None and step_s <= LONGEST_STEP_S

    def calibrate(self, normal: Window) -> Model:
        scaling = learn_scale(normal.values)
        nothing = nothing_held(equipment=normal.equipment, points=normal.points)
        filled, read = held(nothing, self._scaled(scaling, normal.values))
        usable = [rows[seen] for rows, seen in zip(filled, read, strict=True)]
        enough = np.array([len(rows) >= self._span + FEWEST_ROWS for rows in usable])
        scaling["live"] = scaling["live"] & enough[:, None]
        return {**scaling, "rise": np.stack([self._usual_rise(rows) for rows in usable])}

    def begin(self, model: Model) -> State:
        equipment, points = model["centre"].shape
        return {
            **nothing_held(equipment=equipment, points=points),
            **no_stretch(equipment),
            "past": np.zeros((equipment, self._span + self.lasts - 2, points)),
        }

    def step(self, model: Model, state: State, block: Window) -> Evidence:
        filled, read = held(state, self._scaled(model, block.values))
        rises = np.abs(self._rises(with_past(state, filled, key="past"))) / model["rise"][:, None]
        rises = np.where(model["live"][:, None], np.minimum(rises, STEEPEST), 0.0)
        # The last rows of which all must show the rise: the least of each point is what lasted.
        joint = lasting(of_most(rises, live=model["live"]), rows=self.lasts)
        full = read & (rows_since_gap(state, block) >= self._span + self.lasts - 1)
        score = np.where(full, joint / self.threshold, 0.0)
        now = rises[:, rises.shape[1] - block.rows :]
        return Evidence(score=score, shares=shared_out(np.where(score[:, :, None] > 0, now**2, 0.0)))

    def _scaled(self, model: Model, values: Floats) -> Floats:
        offsets = (values - model["centre"][:, None]) / model["scale"][:, None]
        return np.clip(offsets, -FARTHEST, FARTHEST)

    def _rises(self, joined: Floats) -> Floats:
        """Level now less the level before, for each row of `joined` that has a whole span behind it."""
        rows = max(joined.shape[1] - self._span + 1, 0)
        now = trailing_means(joined, rows=rows, window=self.level)
        before = trailing_means(joined[:, : joined.shape[1] - self.level - self.apart], rows=rows, window=self.level)
        risen: Floats = now - before
        return risen

    def _usual_rise(self, rows: Floats) -> Floats:
        """The spread float64[P] of rises in normal rows float64[T, P]; never less than the noise from row to row."""
        if len(rows) < self._span + FEWEST_ROWS:
            return np.ones(rows.shape[1])
        noise = np.sqrt((np.diff(rows, axis=0) ** 2).mean(axis=0) / 2)
        risen = self._rises(rows[None])[0]
        usual: Floats = np.sqrt((risen**2).mean(axis=0) + noise**2)
        return np.where(usual > 0, usual, 1.0)


def of_most(rises: Floats, *, live: NDArray[np.bool_]) -> Floats:
    """The mean float64[E, T] of the largest rises, of more than half of the live points and of two at least."""
    most = np.maximum(live.sum(axis=1) // 2 + 1, 2)
    counted = np.arange(rises.shape[2])[None, :] < most[:, None]
    ordered = np.sort(rises, axis=2)[:, :, ::-1]
    mean: Floats = np.where(counted[:, None], ordered, 0.0).sum(axis=2) / most[:, None]
    return mean


def lasting(values: Floats, *, rows: int) -> Floats:
    """The least of the last `rows` values, float64[E, T - rows + 1] of float64[E, T]."""
    kept = max(values.shape[1] - rows + 1, 0)
    least: Floats = np.min([values[:, back : back + kept] for back in range(rows)], axis=0)
    return least
