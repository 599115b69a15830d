"""Each point predicted from the others: what the others do not explain is what went wrong.

Regression of every point on all other points now and a few rows ago (a loop has memory: a tank fills, a coil warms).
Residuals are averaged over trailing windows and compared with how far they strayed in stretches of normal time that
their regression had not seen: a model that merely remembers its history is found out here. Where the others lie
outside of what was seen, a prediction is less certain and a residual says less (leverage).

Sees: a sensor that leaves its peers, a valve that leaks, a loop that no longer follows. Blind to: points that fail
together in the proportions they always had, and to slow drift that is already in the normal rows.
Source: Qin, Survey on data-driven industrial process monitoring and diagnosis (2012), and regression.py.
"""

from dataclasses import dataclass

import numpy as np

from predictive.detectors.calibration import effective_count, normal_scale, tail_factor, usual_count
from predictive.detectors.conditioning import (
    completed,
    conditioned,
    shared_out,
    standardised,
    trailing_means,
    windowed,
    windows_of,
    with_past,
)
from predictive.detectors.contract import Arrays, Bools, Evidence, Floats, Model, State, Window
from predictive.detectors.regression import Learnt, design, fitted, residuals
from predictive.detectors.stretches import nothing_held

# The floor of a residual's spread, in spreads of the point: below it is the rounding of sensors.
FLOOR = 0.01
# How many times what least squares says a prediction is less certain away from home: its own conditions (constant
# spread, straight relations) hold less there too.
DOUBT = 4.0


@dataclass(frozen=True, slots=True)
class Residual:
    """`lags` earlier rows help to predict. The point that strays furthest alarms at `threshold` on the normal scale."""

    lags: int = 2
    ridge: float = 1e-3
    threshold: float = 5.3
    name: str = "residual"

    def suits(self, *, points: int, step_s: float | None) -> bool:
        return points >= 2

    def calibrate(self, normal: Window) -> Model:
        scaling, usable = conditioned(normal.values)
        windows = windows_of(normal.step_s)
        learnt = [self._learn(rows, live, windows) for rows, live in zip(usable, scaling["live"], strict=True)]
        return {**scaling, **{key: np.concatenate([one[key] for one in learnt]) for key in learnt[0]}}

    def begin(self, model: Model) -> State:
        equipment, points = model["centre"].shape
        longest = int(model["windows"].max())
        return {
            **nothing_held(equipment=equipment, points=points),
            "past": np.zeros((equipment, self.lags, points)),
            "residuals": np.zeros((equipment, longest, points)),
            "leverages": np.zeros((equipment, longest, points)),
        }

    def step(self, model: Model, state: State, block: Window) -> Evidence:
        deviations = standardised(model, block.values)
        filled, judged = completed(model, state, deviations)
        columns = design(with_past(state, filled, key="past"), lags=self.lags, squares=None)
        strays, leverages = residuals(Learnt(model["inverse"], model["own"]), columns)
        kept = judged[:, :, None] & ~np.isnan(deviations)
        strays = with_past(state, np.where(kept, strays, 0.0), key="residuals")
        leverages = with_past(state, leverages, key="leverages")
        unusual = np.zeros(block.values.shape)
        for place, window in enumerate(model["windows"][0].tolist()):
            means = trailing_means(strays, rows=block.rows, window=window)
            doubt = trailing_means(leverages, rows=block.rows, window=window)
            spread, count = model["spread"][:, place], model["count"][:, place]
            doubt = DOUBT * doubt / model["conditions"][:, None]
            by_window = _unusual(means, doubt, spread=spread, count=count)
            unusual = np.maximum(unusual, by_window / model["tail"][:, place, None])
        unusual = np.where(judged[:, :, None], unusual, 0.0) / self.threshold
        return Evidence(score=unusual.max(axis=2, initial=0.0), shares=shared_out(unusual**2))

    def _learn(self, rows: Floats, live: Bools, windows: tuple[int, ...]) -> Arrays:
        """The model of one equipment from its standardised rows float64[T, P]; `live` bool[P]."""
        points = rows.shape[1]
        columns = design(rows[None], lags=self.lags, squares=None)[0]
        model, strays, leverages = fitted(columns, points=points, ridge=self.ridge)
        # Leverage is judged by how many independent conditions were seen, not by how many residuals.
        conditions = usual_count(rows, live)
        doubts = DOUBT * leverages / conditions
        by_window = [_calibrated(strays, doubts, window=window) for window in windows]
        return {
            "conditions": np.array([[conditions]]),
            "inverse": model.inverse,
            "own": model.own,
            "windows": np.array([windows], dtype=np.int64),
            **{key: np.stack([one[key] for one in by_window])[None] for key in by_window[0]},
        }


def _calibrated(strays: Floats, doubts: Floats, *, window: int) -> Arrays:
    """`spread`, `count` of looks and `tail` float64[P] of residuals out of sample, float64[T, P], over a window."""
    means, doubt = windowed(strays, window=window), windowed(doubts, window=window)
    count = effective_count(means)
    spread = np.sqrt((means**2 / (1.0 + doubt)).mean(axis=0)) + FLOOR
    seen = _unusual(means[None], doubt[None], spread=spread[None], count=count[None])[0]
    return {"spread": spread, "count": count, "tail": tail_factor(seen)}


def _unusual(means: Floats, doubt: Floats, *, spread: Floats, count: Floats) -> Floats:
    """Residuals float64[E, T, P] on the normal scale; `doubt` is what their spread squared grows by."""
    return normal_scale(means / (spread[:, None] * np.sqrt(1.0 + doubt)), count[:, None])
