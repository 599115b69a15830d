"""Days of equipment: a few features of each point, from all rows of a day. Pure.

What a point does within a day depends on whether the machine runs; so the level and the spread are those of the rows
in which it runs, where a two-valued point tells that apart. Counters become what they count in a day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from predictive.detectors.contract import Floats, Integers, Window

# A point of fewer values than this is a state or a code: its mean means nothing.
FEWEST_VALUES = 9
FEWEST_ROWS_A_DAY = 4
# A two-valued point divides the rows of another when that explains so much of its variance.
DIVIDES_FROM = 0.5
FEWEST_ROWS_A_SIDE = 30
# A counter counts so often, in the mean.
STEPS_A_DAY = 2.0
DAY_MS = 86_400_000


class FeatureKind(StrEnum):
    LEVEL = "level"  # mean of the rows in which it runs
    SPREAD = "spread"  # standard deviation of those
    RATE = "rate"  # what a counter has counted


@dataclass(frozen=True, slots=True)
class Feature:
    """`point`: its place. `runs_by`: the place of the two-valued point that says when it runs (at `runs_at`), or −1."""

    kind: FeatureKind
    point: int
    runs_by: int = -1
    runs_at: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """`begins_ms`: int64[D], UTC, each day's beginning; values: float64[E, D, F], NaN where too little was read."""

    begins_ms: Integers
    values: Floats
    features: tuple[Feature, ...]

    @property
    def points(self) -> NDArray[np.int64]:
        """The point of each feature: int64[F]."""
        return np.array([feature.point for feature in self.features], dtype=np.int64)


def features_of(normal: Window, *, measures: Sequence[bool] | None = None) -> tuple[Feature, ...]:
    """Which features equipment of this shape has, from normal rows of all of it together.

    `measures`: whether each point is a sensor; where that is not known, states and codes are told by how few values
    they have, and constants have no features.
    """
    columns = [normal.values[:, :, place] for place in range(normal.points)]
    values = [np.unique(column[np.isfinite(column)]) for column in columns]
    divides = [place for place, known in enumerate(values) if len(known) == 2]
    features: list[Feature] = []
    for place, known in enumerate(values):
        if len(known) < FEWEST_VALUES if measures is None else not measures[place]:
            continue
        if _counts(columns[place], normal.ts_ms):
            features.append(Feature(FeatureKind.RATE, place))
            continue
        by, at = _running(columns[place], [(other, columns[other], float(values[other][1])) for other in divides])
        features += [Feature(kind, place, by, at) for kind in (FeatureKind.LEVEL, FeatureKind.SPREAD)]
    return tuple(features)


def days_of(window: Window, features: Sequence[Feature], *, edges_ms: Integers) -> Days:
    """The days between the edges (int64[D + 1], UTC: the midnights of the site); rows outside are left out."""
    day = np.searchsorted(edges_ms, window.ts_ms, side="right") - 1
    count = len(edges_ms) - 1
    inside = (day >= 0) & (day < count)
    cell = np.where(inside, day + count * np.arange(window.equipment)[:, None], -1)
    made = [_feature(window, feature, cell, days=count) for feature in features]
    values = np.stack(made, axis=2) if made else np.empty((window.equipment, count, 0))
    return Days(edges_ms[:-1], values, tuple(features))


def _counts(column: Floats, ts_ms: Integers) -> bool:
    """Whether it only ever rises, or only falls, in every equipment, and does so often: a battery does so rarely."""
    rises = falls = 0
    for series in column:
        steps = np.diff(series[np.isfinite(series)])
        rises, falls = rises + int((steps > 0).sum()), falls + int((steps < 0).sum())
    days = float(np.ptp(ts_ms)) / DAY_MS * len(column) if ts_ms.size else 0.0
    return (rises == 0 or falls == 0) and rises + falls > STEPS_A_DAY * days


def _running(column: Floats, dividing: Sequence[tuple[int, Floats, float]]) -> tuple[int, float]:
    """The two-valued point that divides the rows best, and its value on the side where more goes on; −1: none does."""
    best, found = DIVIDES_FROM, (-1, 0.0)
    read = np.isfinite(column)
    total = float(np.var(column[read])) if read.any() else 0.0
    for place, state, high in dividing:
        on, off = column[read & (state == high)], column[read & np.isfinite(state) & (state != high)]
        if min(len(on), len(off)) < FEWEST_ROWS_A_SIDE or total <= 0:
            continue
        within = (float(np.var(on)) * len(on) + float(np.var(off)) * len(off)) / (len(on) + len(off))
        if 1 - within / total > best:
            best = 1 - within / total
            low = float(state[np.isfinite(state) & (state != high)][0])
            found = (place, high if np.var(on) >= np.var(off) else low)
    return found


def _feature(window: Window, feature: Feature, cell: Integers, *, days: int) -> Floats:
    column = window.values[:, :, feature.point]
    match feature.kind:
        case FeatureKind.LEVEL | FeatureKind.SPREAD:
            runs = window.values[:, :, feature.runs_by] == feature.runs_at if feature.runs_by >= 0 else True
            mean, spread = _moments(column, cell, np.isfinite(column) & (cell >= 0) & runs, window.equipment * days)
            chosen = mean if feature.kind is FeatureKind.LEVEL else spread
            return chosen.reshape(window.equipment, days)
        case FeatureKind.RATE:
            return _rates(column, cell, days=days)
        case _:
            assert_never(feature.kind)


def _moments(column: Floats, cell: Integers, taken: NDArray[np.bool_], cells: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation of what falls into each cell; NaN below FEWEST_ROWS_A_DAY rows."""
    where, values = cell[taken], column[taken]
    counts = np.bincount(where, minlength=cells).astype(np.float64)
    counts[counts < FEWEST_ROWS_A_DAY] = np.nan
    mean = np.bincount(where, values, minlength=cells) / counts
    spread = np.sqrt(np.bincount(where, (values - mean[where]) ** 2, minlength=cells) / counts)
    return mean, spread


def _rates(column: Floats, cell: Integers, *, days: int) -> Floats:
    """What was counted from the end of one day to that of the next, a day; NaN where nothing was read or at a reset."""
    rates = np.full((len(column), days), np.nan)
    for row, series in enumerate(column):
        read = np.flatnonzero(np.isfinite(series) & (cell[row] >= 0))
        day = cell[row, read] - row * days
        last = read[np.flatnonzero(np.diff(day, append=days))]
        ends = cell[row, last] - row * days
        rates[row, ends[1:]] = np.diff(series[last]) / np.diff(ends)
    usual = np.nanmedian(rates) if np.isfinite(rates).any() else 0.0
    return np.where(rates * np.sign(usual) >= 0, rates, np.nan)
