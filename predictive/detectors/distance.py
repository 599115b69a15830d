"""Distances of windowed readings from normal time: what Mahalanobis distance and reconstruction error have in common.

Both are the length of a deviation after a linear map. The map is learnt from normal time; how long is unusual is
learnt from stretches of normal time that the map was not learnt from.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from predictive.detectors.calibration import LogScale, unusual
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
from predictive.detectors.regression import STRETCHES
from predictive.detectors.stretches import nothing_held


@dataclass(frozen=True, slots=True)
class Distance:
    """Trailing means over `window` rows are mapped; their length alarms at `threshold` on the normal scale.

    learn_map: of deviations float64[T, P] from their mean, the map float64[P, P] under which lengths are distances.
    """

    name: str
    learn_map: Callable[[Floats], Floats]
    window: int
    threshold: float

    def suits(self, *, points: int, step_s: float | None) -> bool:
        return points >= 2

    def calibrate(self, normal: Window) -> Model:
        scaling, usable = conditioned(normal.values)
        learnt = [
            self._learn(rows, max(int(live.sum()), 1)) for rows, live in zip(usable, scaling["live"], strict=True)
        ]
        return {**scaling, **{key: np.stack([one[key] for one in learnt]) for key in learnt[0]}}

    def begin(self, model: Model) -> State:
        equipment, points = model["centre"].shape
        return {
            **nothing_held(equipment=equipment, points=points),
            "past": np.zeros((equipment, self.window, points)),
        }

    def step(self, model: Model, state: State, block: Window) -> Evidence:
        filled, judged = completed(model, state, standardised(model, block.values))
        joined = with_past(state, np.where(np.expand_dims(judged, 2), filled, model["mean"][:, None]), key="past")
        means = trailing_means(joined, rows=block.rows, window=self.window)
        parts = ((means - model["mean"][:, None]) @ model["map"]) ** 2
        counted = model["live"].sum(axis=1)[:, None]
        live = np.maximum(counted, 1)
        score = unusual(np.sqrt(parts.sum(axis=2) / live), model["usual"]) / self.threshold
        score = np.where(np.logical_and(judged, counted > 0), score, 0.0)
        return Evidence(score=score, shares=shared_out(np.where(score[:, :, None] > 0, parts, 0.0)))

    def _learn(self, rows: Floats, live: int) -> Arrays:
        means = windowed(rows, window=self.window)
        edges = itertools.pairwise(np.linspace(0, len(means), STRETCHES + 1).astype(int).tolist())
        lengths = []
        for start, stop in edges:
            others = np.concatenate([means[:start], means[stop:]])
            centre = others.mean(axis=0)
            mapped = (means[start:stop] - centre) @ self.learn_map(others - centre)
            lengths.append(np.sqrt((mapped**2).sum(axis=1) / live))
        centre = means.mean(axis=0)
        usual = LogScale.learnt(np.concatenate(lengths)).as_array()
        return {"mean": centre, "map": self.learn_map(means - centre), "usual": usual}
