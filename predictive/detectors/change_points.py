"""Where the level of points moves: the last few rows against those before them.

Adds nothing to whether an equipment is abnormal; while it is, it tells one stage of an episode from the next (the
fault grows, the repair begins), so that each is an occurrence of its own.
Sees: steps and quick ramps. Blind to: creep slower than its windows, and changes of rhythm without change of level.
Source: the two-window test of Basseville and Nikiforov, Detection of abrupt changes (1993), chapter 2.
"""

from dataclasses import dataclass

import numpy as np

from predictive.detectors.conditioning import (
    LONGEST_WINDOW_S,
    completed,
    conditioned,
    shared_out,
    standardised,
    trailing_means,
    with_past,
)
from predictive.detectors.contract import Evidence, Floats, Model, State, Window
from predictive.detectors.stretches import no_stretch, nothing_held, rows_since_gap

# The floor of how far normal levels move, in spreads of the point.
FLOOR = 0.05


@dataclass(frozen=True, slots=True)
class ChangePoints:
    """The mean of `recent` rows against that of the `before` ones; a change at `threshold` usual movements."""

    recent: int = 10
    before: int = 30
    threshold: float = 4.0
    name: str = "change_points"

    def suits(self, *, points: int, step_s: float | None) -> bool:
        length_s = (self.recent + self.before) * (step_s or 0.0)
        return points >= 2 and length_s <= LONGEST_WINDOW_S

    def calibrate(self, normal: Window) -> Model:
        scaling, usable = conditioned(normal.values)
        movements = [self._movements(rows[None])[0] for rows in usable]
        return {**scaling, "moves": np.stack([_usual(one) for one in movements])}

    def begin(self, model: Model) -> State:
        equipment, points = model["centre"].shape
        return {
            **nothing_held(equipment=equipment, points=points),
            **no_stretch(equipment),
            "past": np.zeros((equipment, self.recent + self.before, points)),
        }

    def step(self, model: Model, state: State, block: Window) -> Evidence:
        filled, judged = completed(model, state, standardised(model, block.values))
        joined = with_past(state, filled, key="past")
        movements = np.abs(self._movements(joined)) / model["moves"][:, None]
        # Before both windows are full, and across a gap, there is nothing to compare.
        full = np.logical_and(judged, rows_since_gap(state, block) >= self.recent + self.before)
        movements = np.where(full[:, :, None], movements, 0.0) / self.threshold
        return Evidence(score=movements.max(axis=2, initial=0.0), shares=shared_out(movements**2))

    def _movements(self, joined: Floats) -> Floats:
        """Recent level less the one before, float64[E, T, P]; `joined` begins `recent` + `before` rows earlier."""
        rows = max(joined.shape[1] - self.recent - self.before, 0)
        level = trailing_means(joined, rows=rows, window=self.recent)
        earlier = trailing_means(joined[:, : joined.shape[1] - self.recent], rows=rows, window=self.before)
        moved: Floats = level - earlier
        return moved


def _usual(movements: Floats) -> Floats:
    """The root mean square float64[P] of movements float64[T, P], endless where normal time was too short for one."""
    if not len(movements):
        return np.full(movements.shape[1], np.inf)
    usual: Floats = np.sqrt((movements**2).mean(axis=0)) + FLOOR
    return usual
