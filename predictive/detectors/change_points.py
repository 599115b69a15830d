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
    nothing_held,
    shared_out,
    standardised,
    trailing_means,
    with_past,
)
from predictive.detectors.contract import Evidence, Floats, Integers, Model, State, Window

# The floor of how far normal levels move, in spreads of the point.
FLOOR = 0.05
# A jump in time over more steps than this is a gap: what came before is another stretch.
GAP_STEPS = 10


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
        return {**scaling, "moves": np.stack([np.sqrt((one**2).mean(axis=0)) + FLOOR for one in movements])}

    def begin(self, model: Model) -> State:
        equipment, points = model["centre"].shape
        return {
            **nothing_held(equipment=equipment, points=points),
            "past": np.zeros((equipment, self.recent + self.before, points)),
            "rows": np.zeros(equipment, dtype=np.int64),
            "last_ms": np.zeros(equipment, dtype=np.int64),
        }

    def step(self, model: Model, state: State, block: Window) -> Evidence:
        filled, judged = completed(model, state, standardised(model, block.values))
        joined = with_past(state, filled, key="past")
        movements = np.abs(self._movements(joined)) / model["moves"][:, None]
        # Before both windows are full, and across a gap, there is nothing to compare.
        full = np.logical_and(judged, self._rows_since_gap(state, block) >= self.recent + self.before)
        movements = np.where(full[:, :, None], movements, 0.0) / self.threshold
        return Evidence(score=movements.max(axis=2, initial=0.0), shares=shared_out(movements**2))

    def _rows_since_gap(self, state: State, block: Window) -> Integers:
        """How many rows int64[E, T] followed one another without a jump in time; `state` goes along."""
        if not block.rows:
            return np.zeros((block.equipment, 0), dtype=np.int64)
        times = np.concatenate([state["last_ms"][:, None], block.ts_ms], axis=1)
        steps = np.diff(times, axis=1)
        jumps = (steps < 0) | (steps > GAP_STEPS * 1000.0 * block.step_s if block.step_s else False)
        # The very first row follows nothing, which is no jump.
        jumps[:, 0] &= state["rows"] > 0
        rows = np.arange(block.rows)
        last_jump = np.maximum.accumulate(np.where(jumps, rows, -1), axis=1)
        since: Integers = np.where(last_jump < 0, state["rows"][:, None] + rows + 1, rows - last_jump + 1)
        state["rows"], state["last_ms"] = since[:, -1].copy(), block.ts_ms[:, -1].copy()
        return since

    def _movements(self, joined: Floats) -> Floats:
        """Recent level less the one before, float64[E, T, P]; `joined` begins `recent` + `before` rows earlier."""
        rows = max(joined.shape[1] - self.recent - self.before, 0)
        level = trailing_means(joined, rows=rows, window=self.recent)
        earlier = trailing_means(joined[:, : joined.shape[1] - self.recent], rows=rows, window=self.before)
        moved: Floats = level - earlier
        return moved
