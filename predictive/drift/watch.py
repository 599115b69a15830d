"""Equipment that leaves its own first days behind, unlike its peers: how far, in which points, since when. Pure.

The days of an equipment are compared with its own first ones; what moves all peers alike (season, weather, holidays) is
taken away; what is left is measured with the covariance of what the whole fleet does without harm, so that a load that
changes moves along the usual direction and counts little. No shape of wear is assumed: only that it stays, and goes on.
Source: docs/predictive.md, "Drift over weeks"; Mahalanobis distance with a robust pooled covariance (reweighting as in
Rousseeuw, Van Driessen 1999), robust baselines by medians.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictive.detectors.contract import Floats, Integers
from predictive.drift.days import Days, FeatureKind

LEARNS_DAYS = 21
SMOOTHS_DAYS = 5
RELEARNS_EVERY_DAYS = 7  # the covariance; every day would tell the same
# Variance that is granted to every feature besides what was seen, in squares of its own scale: sensors are recalibrated
# and parts changed. Few peers have seen little of what happens without harm.
TOLERANCE, TOLERANCE_FOR_FEW = 1.5, 60.0
FEWEST_PEERS = 3
OF_ALL_TOGETHER = 0.1  # of how much all peers move as one, likewise, at least
OF_THE_FLEET = 0.17  # of how much peers differ anyway, counts as scale
# One jump that makes more than this of all that has changed, or leaves less than that of a score beside it, is a repair
# or a new sensor, however large it is: wear goes on.
JUMP_SHARE, JUMP_DAYS, LEAST_BESIDE = 0.85, 3, 0.5
STEEPNESS = 3.8  # of the confidence by the score: 0.7 at a score of 1.25
TRIMMED = 0.8  # of the days, by distance, count in full for the covariance
REWEIGHTED = 3


@dataclass(frozen=True)
class Family:
    """Features that are judged together. distance: that of a score of 1, worth telling."""

    kinds: frozenset[FeatureKind]
    distance: float


# What else a machine does within a day is judged by itself: more features at once would drown each other.
FAMILIES = (
    Family(frozenset({FeatureKind.LEVEL, FeatureKind.ROUGHNESS, FeatureKind.RATE}), 3.5),
    Family(frozenset({FeatureKind.RELATION}), 4.0),
    Family(frozenset({FeatureKind.SHARE}), 4.0),
)


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """What the days say, oldest first. Arrays [E, D], `shares` and `moved` [E, D, F] by feature.

    score ≥ 0, 1.0 = the threshold; 0 while learning.  is_drifting: above it, and not by a single jump.
    shares ≥ 0, a row sums to 1 (or 0).  moved: how far from its first days, net of its peers, in the feature's unit.
    usual: [E, F], the first days.  is_judged: false while it learns or nothing was read for days.
    """

    score: Floats
    is_drifting: NDArray[np.bool_]
    is_judged: NDArray[np.bool_]
    shares: Floats
    moved: Floats
    usual: Floats

    def since(self, equipment: int, *, day: int) -> int:
        """The first of the days without a break in which the score was above a half of what it takes, up to `day`."""
        calm = np.flatnonzero(self.score[equipment, : day + 1] < 0.5)
        return int(calm[-1]) + 1 if len(calm) else 0


def confidence_at(score: float) -> float:
    """0…1, how sure it is that something wears: a half at the threshold.

    0.7 is where, on fleets of the simulator used for tuning, nine of ten were right; fewer are where less wears.
    """
    return float(score**STEEPNESS / (1 + score**STEEPNESS))


def judged(days: Days, *, fresh_from: Integers | None = None) -> Drift:
    """Every day by what was known on it. `fresh_from`: int64[E], the day from which each counts, as after a repair."""
    count, span, _ = days.values.shape
    fresh = np.zeros(count, dtype=np.int64) if fresh_from is None else fresh_from
    values = np.where(np.arange(span)[None, :, None] >= fresh[:, None, None], days.values, np.nan)
    moved, usual, learnt = _moved(values, fresh)
    smooth = _smoothed(moved)
    is_judged = learnt & np.isfinite(smooth).any(axis=2)
    scale = _scale(smooth, usual, values, learnt)
    score, shares, is_drifting = _loudest(days, np.nan_to_num(smooth / scale), is_judged)
    return Drift(score, is_drifting, is_judged, shares, smooth, usual)


def _loudest(days: Days, scaled: Floats, is_judged: NDArray[np.bool_]) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Score, shares and whether it drifts. The loudest of those that drift says how much, or else of all; the first of
    those that drift says what, for a level is more to a person than a relation, and its end can be foreseen."""
    score, shares = np.zeros(is_judged.shape), np.zeros(scaled.shape)
    is_drifting = np.zeros(is_judged.shape, dtype=np.bool_)
    for family in FAMILIES:
        own = [place for place, feature in enumerate(days.features) if feature.kind in family.kinds]
        if not own:
            continue
        distance, parts, jump = _distances(scaled[:, :, own], is_judged)
        said = np.where(is_judged, distance / family.distance, 0.0)
        drifts = (said >= 1.0) & (jump <= JUMP_SHARE) & (said * (1 - jump) >= LEAST_BESIDE)
        is_first = drifts & ~is_drifting
        is_louder = (drifts == is_drifting) & (said > score)
        of_all = np.zeros(scaled.shape)
        of_all[:, :, own] = parts
        shares = np.where((is_first | (is_louder & ~is_drifting))[:, :, None], of_all, shares)
        score = np.where(is_first | is_louder, said, score)
        is_drifting |= drifts
    return score, shares, is_drifting


def _moved(values: Floats, fresh: Integers) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """How far each day is from the first ones of its equipment, net of what all peers do; those; who has learnt."""
    seen = np.isfinite(values).any(axis=2)
    number = np.cumsum(seen, axis=1)
    first = seen & (number <= LEARNS_DAYS)
    learnt = number > LEARNS_DAYS
    if len(values) < FEWEST_PEERS:
        usual = _medians(np.where(first[:, :, None], values, np.nan), axis=1)
        return values - usual[:, None], usual, learnt
    # Who began first tells what the season did before others began; then everybody does.
    eldest = fresh <= fresh.min() + SMOOTHS_DAYS
    usual = _medians(np.where((first & eldest[:, None])[:, :, None], values, np.nan), axis=1)
    common = _medians(values - usual[:, None], axis=0)
    net = values - np.nan_to_num(common)[None]
    usual = _medians(np.where(first[:, :, None], net, np.nan), axis=1)
    common = _medians(np.where((learnt | first)[:, :, None], values - usual[:, None], np.nan), axis=0)
    return values - usual[:, None] - common[None], usual, learnt


def _smoothed(moved: Floats) -> Floats:
    """The median of the last days, of at least two."""
    padded = np.concatenate([np.full((len(moved), SMOOTHS_DAYS - 1, moved.shape[2]), np.nan), moved], axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, SMOOTHS_DAYS, axis=1)
    smooth = _medians(windows, axis=3)
    return np.where(np.isfinite(windows).sum(axis=3) >= 2, smooth, np.nan)


def _scale(smooth: Floats, usual: Floats, values: Floats, learnt: NDArray[np.bool_]) -> Floats:
    """What counts as one, float64[F]: what first days differ by, and a part of what peers differ by.

    Peers that move all as one leave nothing to measure by: then it is a part of that movement.
    """
    first = np.where(learnt[:, :, None], np.nan, smooth)
    restless = _means(first**2, axis=(0, 1))
    raw = np.where(learnt[:, :, None], np.nan, values)
    together = OF_ALL_TOGETHER * np.sqrt(_means((raw - _medians(raw, axis=1)[:, None]) ** 2, axis=(0, 1)))
    apart = 1.4826 * _medians(np.abs(usual - _medians(usual, axis=0)), axis=0)
    scale = np.maximum(np.sqrt(restless + (OF_THE_FLEET * np.nan_to_num(apart)) ** 2), together)
    # What never moved in all first days is no measure of anything.
    return np.where(scale > 1e-9 * np.maximum(1e-9, np.nan_to_num(np.abs(usual)).max(axis=0)), scale, np.inf)


def _distances(scaled: Floats, is_judged: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Mahalanobis distance [E, D], the shares in it [E, D, F], and the part of it, [E, D], that one jump has made.

    With what was known of the fleet on each day.
    """
    distance, shares, jump = np.zeros(is_judged.shape), np.zeros(scaled.shape), np.zeros(is_judged.shape)
    inverse = np.zeros((len(scaled), scaled.shape[2], scaled.shape[2]))
    last_learnt = -RELEARNS_EVERY_DAYS
    for day in np.flatnonzero(is_judged.any(axis=0)).tolist():
        if day - last_learnt >= RELEARNS_EVERY_DAYS:
            inverse, last_learnt = _inverses(scaled[:, :day], is_judged[:, :day]), day
        weighed = np.einsum("ef,efg->eg", scaled[:, day], inverse)
        parts = weighed * scaled[:, day]
        distance[:, day] = np.sqrt(np.maximum(0.0, parts.sum(axis=1)))
        along = np.einsum("edf,ef->ed", scaled[:, : day + 1], weighed)
        largest = (along[:, JUMP_DAYS:] - along[:, :-JUMP_DAYS]).max(axis=1, initial=0.0)
        jump[:, day] = largest / np.maximum(distance[:, day] ** 2, 1e-12)
        parts = np.maximum(0.0, parts)
        shares[:, day] = parts / np.maximum(parts.sum(axis=1, keepdims=True), 1e-12)
    return distance, shares, jump


def _inverses(seen: Floats, is_judged: NDArray[np.bool_]) -> Floats:
    """Of the covariance of what was seen without harm, for each equipment: float64[E, F, F].

    The farthest days count less, as they may be harm; and of an equipment's own days only its first ones do, so that
    what wears for months does not become its own excuse.
    """
    features, count = seen.shape[2], max(1, int((seen != 0).any(axis=(1, 2)).sum()))
    granted = (TOLERANCE + TOLERANCE_FOR_FEW / count) * np.eye(features)
    days = max(1, int((seen != 0).any(axis=2).sum()))
    weighted = seen
    for _ in range(REWEIGHTED):
        inverse = np.linalg.inv(_products(weighted).sum(axis=0) / days + granted)
        far = np.sqrt(np.maximum(0.0, np.einsum("edf,fg,edg->ed", seen, inverse, seen)))
        usual = np.quantile(far[far > 0], TRIMMED) if (far > 0).any() else 1.0
        weighted = seen * np.minimum(1.0, usual / np.maximum(far, 1e-9))[:, :, None]
    own = _products(np.where(is_judged[:, :, None], weighted, 0.0))
    others = np.maximum(1, days - (is_judged & (seen != 0).any(axis=2)).sum(axis=1))
    left = (_products(weighted).sum(axis=0)[None] - own) / others[:, None, None]
    return np.asarray(np.linalg.inv(left + granted), np.float64)


def _products(seen: Floats) -> Floats:
    """The sum over the days of each equipment of every feature times every other: float64[E, F, F]."""
    return np.asarray(np.matmul(seen.transpose(0, 2, 1), seen), np.float64)


def _medians(values: Floats, *, axis: int) -> Floats:
    """As np.nanmedian, without its warnings and slowness: NaN where nothing is."""
    ordered = np.sort(values, axis=axis)
    counts = np.isfinite(values).sum(axis=axis, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(counts - 1, 0) // 2, axis=axis)
    high = np.take_along_axis(ordered, np.minimum(counts // 2, values.shape[axis] - 1), axis=axis)
    return np.where(np.squeeze(counts, axis) > 0, np.squeeze((low + high) / 2, axis), np.nan)


def _means(values: Floats, *, axis: tuple[int, ...]) -> Floats:
    seen = np.isfinite(values)
    return np.asarray(np.where(seen, values, 0.0).sum(axis=axis) / np.maximum(seen.sum(axis=axis), 1), np.float64)
