"""Remaining life learned from a fleet's finished lives: boosted trees over features of each row, with an interval.

How far ahead lives can be told apart at all is not given but found: lives with more left than a *horizon* look alike,
so learning treats all beyond it as one. Folds always leave out whole lives; rows of one life never stand on both sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from predictive.detectors.contract import Arrays, Floats, Integers, Model
from predictive.remaining_life.errors import TooFewLives
from predictive.remaining_life.features import features_of, learn_blends
from predictive.remaining_life.lives import Life, learn_scale, scaled
from predictive.remaining_life.trees import flattened, sum_of_trees

FEWEST_LIVES = 4
FOLDS = 3
# Horizons that are tried, in shares of the middle length of the fleet's lives, and how far ahead a forecast is judged:
# what has most of its life before it is not what anybody plans work for.
HORIZONS = (0.5, 0.56, 0.63, 0.7, 0.8)
JUDGED = 0.72
# What points are blended for, and how far beyond the horizon rows are still learned from, in lengths and horizons.
BLENDED_TO = 0.62
LEARNED_BEYOND = 1.3
# The first rows of a life know nothing of their own level and speed yet; lives that are shorter are learned whole.
SETTLES_ROWS = 20
TREES, RATE = 150, 0.06
LEAVES, FEWEST_ROWS_A_LEAF = 10, 40
SHARE_OF_ROWS, SHARE_OF_FEATURES = 0.4, 0.25
# While horizons are tried, one row in so many is learned from, by fewer trees: neighbours say the same.
THINNED, TREES_IN_TRIALS, RATE_IN_TRIALS = 3, 75, 0.12
# Ten, ninety per cent: outside of the interval is one life in ten to either side.
LOWER, UPPER = 0.1, 0.9
INTERVAL_KNOTS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What is left at each row, float64[T] each, ≥ 0, in the unit of the ages: the middle and an 80 % interval."""

    low: Floats
    middle: Floats
    high: Floats


def learn(lives: Sequence[Life], *, seed: int = 0) -> Arrays:
    """Learns from finished lives (`left` known). Arrays only, to be stored as they are.

    Raises TooFewLives below four lives, or where no column varies.
    """
    finished = [life for life in lives if life.left is not None and life.rows > 1]
    if len(finished) < FEWEST_LIVES:
        raise TooFewLives(have=len(finished), need=FEWEST_LIVES)
    length = _usual_length(finished)
    trial = _left_out(finished, horizons=[share * length for share in HORIZONS], seed=seed)
    best = trial.best(judged_to=JUDGED * length)
    view = _viewed(finished)
    grown = _grown(view, horizon=trial.horizons[best], seed=seed)
    return {**view.scale, **view.blends, **grown, **_interval(trial.told[best], trial.truth)}


def predict(model: Model, life: Life) -> Forecast:
    """The forecast at each row, from rows up to it only."""
    middle = _middle(model, life)
    low = middle + np.interp(middle, model["interval_at"], model["interval_low"])
    high = middle + np.interp(middle, model["interval_at"], model["interval_high"])
    return Forecast(
        low=np.clip(low, 0.0, middle), middle=np.maximum(middle, 0.0), high=np.maximum(np.maximum(high, middle), 0.0)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """Lives as a model sees them. rows: float64[T, F], of all lives after one another, left: float64[T], row: int64[T],
    the number of each in its life."""

    scale: Arrays
    blends: Arrays
    rows: Floats
    left: Floats
    row: Integers


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """What models that never saw a life told of it: told[h] is float64[T] for horizons[h], truth float64[T]."""

    horizons: Sequence[float]
    told: Sequence[Floats]
    truth: Floats

    def best(self, *, judged_to: float) -> int:
        judged = self.truth <= judged_to
        errors = [float(np.mean((told[judged] - self.truth[judged]) ** 2)) for told in self.told]
        return int(np.argmin(errors))


def _middle(model: Model, life: Life) -> Floats:
    return _told(model, features_of(model, model, life))


def _told(model: Model, rows: Floats) -> Floats:
    return np.asarray(model["base"] + sum_of_trees(model, rows), np.float64)


def _viewed(lives: Sequence[Life]) -> _View:
    scale = learn_scale(lives)
    if not len(scale["columns"]):
        raise TooFewLives(have=0, need=FEWEST_LIVES)
    left = _left_of(lives)
    horizon = BLENDED_TO * _usual_length(lives)
    blends = learn_blends([scaled(scale, life.values) for life in lives], left, horizon=horizon)
    rows = np.vstack([features_of(scale, blends, life) for life in lives])
    return _View(scale, blends, rows, left, np.concatenate([np.arange(life.rows) for life in lives]))


def _grown(view: _View, *, horizon: float, seed: int, is_trial: bool = False) -> Arrays:
    from sklearn.ensemble import GradientBoostingRegressor  # here, because a serving hub only reads what was grown

    chosen = (view.left <= LEARNED_BEYOND * horizon) & (view.row >= min(SETTLES_ROWS, int(view.row.max()) // 4))
    places = np.flatnonzero(chosen)[:: THINNED if is_trial else 1]
    rows, left = view.rows[places], np.minimum(view.left[places], horizon)
    base, rate = float(left.mean()), RATE_IN_TRIALS if is_trial else RATE
    boosted = GradientBoostingRegressor(
        init="zero", n_estimators=TREES_IN_TRIALS if is_trial else TREES, learning_rate=rate, max_depth=None,
        max_leaf_nodes=LEAVES, min_samples_leaf=max(1, min(FEWEST_ROWS_A_LEAF, len(places) // (5 * LEAVES))),
        subsample=SHARE_OF_ROWS, max_features=SHARE_OF_FEATURES, random_state=seed,
    ).fit(rows, left - base)  # fmt: skip
    trees = flattened(boosted.estimators_.ravel())
    return {**trees, "value": trees["value"] * rate, "base": np.array([base]), "horizon": np.array([horizon])}


def _left_out(lives: Sequence[Life], *, horizons: Sequence[float], seed: int) -> _Trial:
    fold_of = np.random.default_rng(seed).permutation(len(lives)) % min(FOLDS, len(lives))
    told: list[list[Floats]] = [[] for _ in horizons]
    truth = []
    for fold in range(int(fold_of.max()) + 1):
        view = _viewed([life for life, its in zip(lives, fold_of, strict=True) if its != fold])
        unseen = [life for life, its in zip(lives, fold_of, strict=True) if its == fold]
        rows = np.vstack([features_of(view.scale, view.blends, life) for life in unseen])
        truth.append(_left_of(unseen))
        for horizon, so_far in zip(horizons, told, strict=True):
            so_far.append(_told(_grown(view, horizon=horizon, seed=seed, is_trial=True), rows))
    return _Trial(horizons, [np.concatenate(parts) for parts in told], np.concatenate(truth))


def _left_of(lives: Sequence[Life]) -> Floats:
    return np.concatenate([life.left for life in lives if life.left is not None])


def _usual_length(lives: Sequence[Life]) -> float:
    return float(np.median([life.ages[-1] - life.ages[0] for life in lives]))


def _interval(told: Floats, truth: Floats) -> Arrays:
    """How far the truth lay from what was told of lives left out, by what was told: knots of a broken line."""
    knots = np.array_split(np.argsort(told, kind="stable"), min(INTERVAL_KNOTS, max(1, len(told) // 50)))
    misses = truth - told
    return {
        "interval_at": np.array([told[knot].mean() for knot in knots]),
        "interval_low": np.array([np.quantile(misses[knot], LOWER) for knot in knots]),
        "interval_high": np.array([np.quantile(misses[knot], UPPER) for knot in knots]),
    }
