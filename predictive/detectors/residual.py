"""Each point predicted from the others: what the others do not explain is what went wrong.

Ridge regression of every point on all other points now and a few rows ago (a loop has memory: a tank fills, a coil
warms). The residuals are averaged over a trailing window and compared with how far they strayed on stretches of
normal rows that their regression had not seen: a model that merely remembers its history is found out here.

Sees: a sensor that leaves its peers, a valve that leaks, a loop that no longer follows. Blind to: points that fail
together in the proportions they always had, and to slow drift that is already in the normal rows.
Source: Qin, Survey on data-driven industrial process monitoring and diagnosis (2012); Hoerl and Kennard, Ridge
regression (1970).
"""

import itertools
from dataclasses import dataclass

import numpy as np

from predictive.detectors.conditioning import held, learn_scale, standardised, trailing_means, with_past
from predictive.detectors.contract import Evidence, Floats, Model, State, Window

# Added to each variance: what a regression may not hope to know better than this part of a point's spread.
RIDGE = 1e-3
# The floor of a residual's spread, in spreads of the point: below it is the rounding of sensors.
FLOOR = 0.01
BLOCKS = 5


@dataclass(frozen=True, slots=True)
class Residual:
    """`lags` earlier rows help to predict; residuals averaged over `window` rows alarm at `threshold` spreads."""

    lags: int = 2
    window: int = 15
    threshold: float = 5.0
    name: str = "residual"

    def suits(self, *, points: int, step_s: float | None) -> bool:
        return points >= 2

    def calibrate(self, normal: Window) -> Model:
        scaling = learn_scale(normal.values)
        fitted = [
            self._fit(one) for one in held({"held": np.zeros(_flat(normal))}, standardised(scaling, normal.values))
        ]
        return {
            **scaling,
            "weights": np.stack([weights for weights, _ in fitted]),
            "spread": np.stack([spread for _, spread in fitted]),
        }

    def begin(self, model: Model) -> State:
        equipment, points = model["centre"].shape
        return {
            "held": np.zeros((equipment, points)),
            "past": np.zeros((equipment, self.lags, points)),
            "residuals": np.zeros((equipment, self.window, points)),
        }

    def step(self, model: Model, state: State, block: Window) -> Evidence:
        deviations = standardised(model, block.values)
        missing = np.isnan(deviations)
        joined = with_past(state, held(state, deviations), key="past")
        design = _design(joined, lags=self.lags)
        residuals = np.where(missing, 0.0, joined[:, self.lags :] - design @ model["weights"])
        window = with_past(state, residuals, key="residuals")
        means = trailing_means(window, rows=block.rows, window=self.window) / model["spread"][:, None]
        means = np.where(missing.all(axis=2, keepdims=True), 0.0, means)
        return Evidence(score=np.abs(means).max(axis=2, initial=0.0) / self.threshold, shares=shared_out(means**2))

    def _fit(self, rows: Floats) -> tuple[Floats, Floats]:
        """Of rows float64[T, P]: weights float64[F, P], spread float64[P] of windowed residuals out of sample."""
        design = _design(rows[None], lags=self.lags)[0]
        aims = rows[self.lags :]
        edges = np.linspace(0, len(aims), BLOCKS + 1).astype(int)
        parts = [(design[a:b].T @ design[a:b], b - a) for a, b in itertools.pairwise(edges)]
        gram = np.sum([part for part, _ in parts], axis=0)
        strays = np.zeros(aims.shape)
        for (a, b), (part, count) in zip(itertools.pairwise(edges), parts, strict=True):
            weights = _weights(gram - part, rows=len(aims) - count, points=aims.shape[1])
            strays[a:b] = aims[a:b] - design[a:b] @ weights
        padded = np.concatenate([np.zeros((self.window, aims.shape[1])), strays])[None]
        means = trailing_means(padded, rows=len(aims), window=self.window)[0]
        spread = np.sqrt((means**2).mean(axis=0)) if len(aims) else np.zeros(aims.shape[1])
        return _weights(gram, rows=len(aims), points=aims.shape[1]), spread + FLOOR


def shared_out(parts: Floats) -> Floats:
    """Each point's part of a row's sum; zeros where the row has none."""
    total = parts.sum(axis=-1, keepdims=True)
    shares: Floats = np.divide(parts, total, out=np.zeros_like(parts), where=total > 0)
    return shares


def _design(joined: Floats, *, lags: int) -> Floats:
    """float64[E, T, 1 + P (lags + 1)]: one, the points now, 1 … `lags` rows ago; with those rows `joined` begins."""
    rows = joined.shape[1] - lags
    now_and_past = [joined[:, lags - lag : lags - lag + rows] for lag in range(lags + 1)]
    return np.concatenate([np.ones((joined.shape[0], rows, 1)), *now_and_past], axis=2)


def _weights(gram: Floats, *, rows: int, points: int) -> Floats:
    """Ridge weights float64[F, P] of every point on the columns that are not its own, from the sums of products."""
    features = len(gram)
    weights = np.zeros((features, points))
    scatter = gram / max(rows, 1) + RIDGE * np.eye(features)
    for point in range(points):
        others = [column for column in range(features) if column == 0 or (column - 1) % points != point]
        weights[others, point] = np.linalg.solve(scatter[np.ix_(others, others)], scatter[others, 1 + point])
    return weights


def _flat(window: Window) -> tuple[int, int]:
    return window.equipment, window.points
