"""Days of equipment: a few features of each point, from all rows of a day. Pure.

What a point does within a day depends on whether the machine runs; so its features are those of the rows in which it
runs, where a two-valued point tells that apart. Counters become what they count in a day, states how long they stand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from predictive.detectors.contract import Floats, Integers, Window

# A point of fewer values than this is a state or a code: its mean means nothing.
FEWEST_VALUES = 9
FEWEST_ROWS_A_DAY = 4
FEWEST_PAIRS_A_DAY = 12  # rows next to each other
# A two-valued point divides the rows of another when that explains so much of its variance.
DIVIDES_FROM = 0.5
FEWEST_ROWS_A_SIDE = 30
# A counter counts so often, in the mean.
STEPS_A_DAY = 2.0
# How points go together is learnt from days of at least so many rows; the ridge is in squares of their own scale.
FEWEST_ROWS_TOGETHER = 8
RIDGE = 0.01
DAY_MS = 86_400_000


class FeatureKind(StrEnum):
    LEVEL = "level"  # mean of the rows in which it runs
    ROUGHNESS = "roughness"  # root mean square of the steps between those next to each other
    RELATION = "relation"  # standard deviation of what the other points do not explain of it
    SHARE = "share"  # 0…1, of the day that a two-valued point stands at its higher value
    RATE = "rate"  # what a counter has counted


@dataclass(frozen=True, slots=True)
class Feature:
    """`point`: its place. `runs_by`: the place of the two-valued point that says when it runs (at `runs_at`), or −1.

    `weights`: of a relation, one for each point: what of it is left when the others have explained it. `runs_at` of a
    share: the value that is counted.
    """

    kind: FeatureKind
    point: int
    runs_by: int = -1
    runs_at: float = 0.0
    weights: tuple[float, ...] = ()


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
    # A sensor that showed two values so far (a battery of 90 and 89 %) will show others.
    states = [measures is None or not measures[place] for place in range(normal.points)]
    divides = [place for place, known in enumerate(values) if len(known) == 2 and states[place]]
    features: list[Feature] = []
    for place, known in enumerate(values):
        if len(known) < FEWEST_VALUES if measures is None else not measures[place]:
            continue
        if _counts(columns[place], normal.ts_ms):
            features.append(Feature(FeatureKind.RATE, place))
            continue
        by, at = _running(columns[place], [(other, columns[other], float(values[other][1])) for other in divides])
        features += [Feature(kind, place, by, at) for kind in (FeatureKind.LEVEL, FeatureKind.ROUGHNESS)]
    features += _relations(normal, [feature for feature in features if feature.kind is FeatureKind.LEVEL])
    features += [Feature(FeatureKind.SHARE, place, runs_at=float(values[place][1])) for place in divides]
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


def _relations(normal: Window, levels: Sequence[Feature]) -> list[Feature]:
    """How each point goes with the others within a day, as a ridge regression of all machines together."""
    read = np.isfinite(normal.values).mean(axis=(0, 1)) > 0.5 if normal.values.size else np.zeros(normal.points)
    levels = [feature for feature in levels if read[feature.point]]
    places = [feature.point for feature in levels]
    rows = _centred(normal.values[:, :, places], normal.ts_ms)
    if len(levels) < 2 or not len(rows):
        return []
    scale = np.maximum(rows.std(axis=0), 1e-12)
    alike = (rows / scale).T @ (rows / scale) / len(rows)
    found: list[Feature] = []
    for own, feature in enumerate(levels):
        others = [other for other in range(len(levels)) if other != own]
        ridge = alike[np.ix_(others, others)] + RIDGE * np.eye(len(others))
        weights = np.zeros(normal.points)
        weights[[places[other] for other in others]] = (
            -np.linalg.solve(ridge, alike[others, own]) * scale[own] / scale[others]
        )
        weights[feature.point] = 1.0
        found.append(replace(feature, kind=FeatureKind.RELATION, weights=tuple(weights.tolist())))
    return found


def _centred(values: Floats, ts_ms: Integers) -> Floats:
    """Rows [N, P] in which all was read, without the mean of their machine's day."""
    found: list[Floats] = []
    for series, times in zip(values, ts_ms, strict=True):
        whole = np.isfinite(series).all(axis=1)
        series, day = series[whole], times[whole] // DAY_MS
        cuts = np.flatnonzero(np.diff(day)) + 1
        found += [rows - rows.mean(axis=0) for rows in np.split(series, cuts) if len(rows) >= FEWEST_ROWS_TOGETHER]
    return np.concatenate(found) if found else np.empty((0, values.shape[2]))


def _feature(window: Window, feature: Feature, cell: Integers, *, days: int) -> Floats:
    column, cells = window.values[:, :, feature.point], window.equipment * days
    taken = cell >= 0
    if feature.runs_by >= 0:
        taken = taken & (window.values[:, :, feature.runs_by] == feature.runs_at)
    match feature.kind:
        case FeatureKind.LEVEL:
            mean = _means(column, cell, taken, cells)
        case FeatureKind.ROUGHNESS:
            steps = np.diff(column, axis=1, prepend=np.nan)
            both = taken & np.pad(taken[:, :-1], ((0, 0), (1, 0)))
            mean = np.sqrt(_means(steps**2, cell, both, cells, fewest=FEWEST_PAIRS_A_DAY))
        case FeatureKind.RELATION:
            mean = _deviations(_left_over(window, feature), cell, taken, cells)
        case FeatureKind.SHARE:
            stands = np.where(np.isfinite(column), column == feature.runs_at, np.nan)
            mean = _means(stands, cell, taken, cells)
        case FeatureKind.RATE:
            return _rates(column, cell, days=days)
        case _:
            assert_never(feature.kind)
    return mean.reshape(window.equipment, days)


def _means(
    column: Floats, cell: Integers, taken: NDArray[np.bool_], cells: int, *, fewest: int = FEWEST_ROWS_A_DAY
) -> Floats:
    """The mean of what falls into each cell; NaN below `fewest` rows."""
    taken = taken & np.isfinite(column)
    counts = np.bincount(cell[taken], minlength=cells).astype(np.float64)
    counts[counts < fewest] = np.nan
    return np.asarray(np.bincount(cell[taken], column[taken], minlength=cells) / counts, np.float64)


def _deviations(column: Floats, cell: Integers, taken: NDArray[np.bool_], cells: int) -> Floats:
    """The standard deviation of what falls into each cell."""
    mean = _means(column, cell, taken, cells)
    return np.sqrt(_means((column - mean[cell]) ** 2, cell, taken, cells))


def _left_over(window: Window, feature: Feature) -> Floats:
    """What the other points do not explain; NaN where one of them was not read."""
    weights = np.array(feature.weights)
    used = np.flatnonzero(weights)
    return np.asarray(window.values[:, :, used] @ weights[used], np.float64)


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
