"""All residuals together, with curved relations where there is history enough to learn them.

Pumps and valves follow squares (pressure against flow), which straight regressions miss. Squares of the points need
many independent looks at normal time, or they invent curves: without them this detector keeps silent and leaves the
word to residual.py. It weighs the root mean square over all points, so that many small misfits count.
Sees: a process that contradicts itself a little everywhere (false readings sent for true ones). Blind to: one point
of many that strays alone.
Source: regression.py; the squares are those of response surfaces, Box and Wilson (1951).
"""

from dataclasses import dataclass

import numpy as np

from predictive.detectors.calibration import LogScale, effective_count, normal_scale, unusual
from predictive.detectors.conditioning import (
    completed,
    conditioned,
    shared_out,
    standardised,
    trailing_means,
    windowed,
    with_past,
)
from predictive.detectors.contract import Arrays, Evidence, Floats, Model, State, Window
from predictive.detectors.regression import Learnt, design, fitted, residuals
from predictive.detectors.stretches import nothing_held

FLOOR = 0.01
# Independent looks at normal time for each column of the regression.
LOOKS_A_COLUMN = 3.0


@dataclass(frozen=True, slots=True)
class JointResidual:
    """`lags` earlier rows and squares help to predict; alarms at `threshold` on the normal scale in any window."""

    lags: int = 2
    ridge: float = 1e-4
    windows: tuple[int, ...] = (4, 12)
    threshold: float = 2.65
    name: str = "joint_residual"

    def suits(self, *, points: int, step_s: float | None) -> bool:
        return points >= 2

    def calibrate(self, normal: Window) -> Model:
        scaling, usable = conditioned(normal.values)
        learnt = [self._learn(rows, live) for rows, live in zip(usable, scaling["live"], strict=True)]
        return {**scaling, **{key: np.concatenate([one[key] for one in learnt]) for key in learnt[0]}}

    def begin(self, model: Model) -> State:
        equipment, points = model["centre"].shape
        return {
            **nothing_held(equipment=equipment, points=points),
            "past": np.zeros((equipment, self.lags, points)),
            "residuals": np.zeros((equipment, max(self.windows), points)),
        }

    def step(self, model: Model, state: State, block: Window) -> Evidence:
        deviations = standardised(model, block.values)
        filled, judged = completed(model, state, deviations)
        columns = design(with_past(state, filled, key="past"), lags=self.lags, squares=model["squares"])
        strays, _ = residuals(Learnt(model["inverse"], model["own"]), columns)
        strays = np.where(judged[:, :, None] & ~np.isnan(deviations), strays, 0.0)
        joined = with_past(state, strays, key="residuals")
        live = np.maximum(model["live"].sum(axis=1), 1)[:, None]
        score, parts = np.zeros(judged.shape), np.zeros(block.values.shape)
        for place, window in enumerate(self.windows):
            means = trailing_means(joined, rows=block.rows, window=window) / model["spread"][:, place, None]
            squares = normal_scale(means, model["count"][:, place, None]) ** 2
            loudness = unusual(np.sqrt(squares.sum(axis=2) / live), model["usual"][:, place])
            parts = np.where((loudness > score)[:, :, None], squares, parts)
            score = np.maximum(score, loudness)
        score = np.where(judged & model["is_taught"][:, None], score / self.threshold, 0.0)
        return Evidence(score=score, shares=shared_out(np.where(score[:, :, None] > 0, parts, 0.0)))

    def _learn(self, rows: Floats, live: Floats) -> Arrays:
        """The model of one equipment from its standardised rows float64[T, P]; `live` bool[P]."""
        points = rows.shape[1]
        squares = np.stack([(rows**2).mean(axis=0), (rows**2).std(axis=0) + FLOOR])[None]
        columns = design(rows[None], lags=self.lags, squares=squares)[0]
        model, strays, _ = fitted(columns, points=points, ridge=self.ridge)
        parts = [_calibrated(strays, live, window=window) for window in self.windows]
        looks = float(np.median(parts[0]["count"][live])) if live.any() else 0.0
        return {
            "inverse": model.inverse,
            "own": model.own,
            "squares": squares,
            "is_taught": np.array([looks >= LOOKS_A_COLUMN * (1 + (self.lags + 2) * live.sum())]),
            **{key: np.stack([part[key] for part in parts])[None] for key in parts[0]},
        }


def _calibrated(strays: Floats, live: Floats, *, window: int) -> Arrays:
    """`spread` and `count` float64[P] of windowed residuals out of sample, and the `usual` size float64[3] of all."""
    means = windowed(strays, window=window)
    spread = np.sqrt((means**2).mean(axis=0)) + FLOOR
    count = effective_count(means)
    together = np.sqrt((normal_scale(means / spread, count) ** 2).sum(axis=1) / max(int(live.sum()), 1))
    return {"spread": spread, "count": count, "usual": LogScale.learnt(together).as_array()}
