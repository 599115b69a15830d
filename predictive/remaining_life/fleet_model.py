"""Remaining life learned from a fleet's finished lives: a forest over features of each row, with an interval.

How far ahead lives can be told apart at all is not given but found: lives with more left than a *horizon* look alike,
so learning treats all beyond it as one. Folds always leave out whole lives; rows of one life never stand on both sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from predictive.detectors.contract import Arrays, Floats, Model
from predictive.remaining_life.errors import TooFewLives
from predictive.remaining_life.features import features_of, learn_blends
from predictive.remaining_life.lives import Life, learn_scale, scaled
from predictive.remaining_life.trees import flattened, mean_of_trees

FEWEST_LIVES = 4
FOLDS = 4
# Horizons that are tried, in shares of the middle length of the fleet's lives, and how far ahead a forecast is judged:
# what has most of its life before it is not what anybody plans work for.
HORIZONS = (0.5, 0.6, 0.7, 0.85)
JUDGED = 0.72
# What points are blended for, and how far beyond the horizon rows are still learned from, in lengths and horizons.
BLENDED_TO = 0.62
LEARNED_BEYOND = 1.4
TREES = 150
TREES_IN_TRIALS = 40
FEWEST_ROWS_A_LEAF = 8
SHARE_OF_FEATURES = 0.5
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
    length = float(np.median([life.ages[-1] - life.ages[0] for life in finished]))
    trial = _left_out(finished, horizons=[share * length for share in HORIZONS], seed=seed)
    best = trial.best(judged_to=JUDGED * length)
    view = _viewed(finished, length=length)
    forest = _grown(view, _left_of(finished), horizon=trial.horizons[best], trees=TREES, seed=seed)
    return {**view.scale, **view.blends, **forest, **_interval(trial.told[best], trial.truth)}


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
    """Lives as a model sees them. rows: float64[T, F], of all lives after one another."""

    scale: Arrays
    blends: Arrays
    rows: Floats


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
    return mean_of_trees(model, features_of(model, model, life))


def _left_of(lives: Sequence[Life]) -> Floats:
    return np.concatenate([life.left for life in lives if life.left is not None])


def _viewed(lives: Sequence[Life], *, length: float) -> _View:
    scale = learn_scale(lives)
    if not len(scale["columns"]):
        raise TooFewLives(have=0, need=FEWEST_LIVES)
    blends = learn_blends([scaled(scale, life.values) for life in lives], _left_of(lives), horizon=BLENDED_TO * length)
    return _View(scale, blends, np.vstack([features_of(scale, blends, life) for life in lives]))


def _grown(view: _View, left: Floats, *, horizon: float, trees: int, seed: int) -> Arrays:
    from sklearn.ensemble import ExtraTreesRegressor  # here, because a serving hub only reads what was grown

    forest = ExtraTreesRegressor(
        trees, min_samples_leaf=FEWEST_ROWS_A_LEAF, max_features=SHARE_OF_FEATURES, random_state=seed
    )
    near = left <= LEARNED_BEYOND * horizon
    forest.fit(view.rows[near], np.minimum(left[near], horizon))
    return flattened(forest.estimators_)


def _left_out(lives: Sequence[Life], *, horizons: Sequence[float], seed: int) -> _Trial:
    fold_of = np.random.default_rng(seed).permutation(len(lives)) % min(FOLDS, len(lives))
    told: list[list[Floats]] = [[] for _ in horizons]
    truth = []
    for fold in range(int(fold_of.max()) + 1):
        known = [life for life, its in zip(lives, fold_of, strict=True) if its != fold]
        unseen = [life for life, its in zip(lives, fold_of, strict=True) if its == fold]
        view = _viewed(known, length=float(np.median([life.ages[-1] - life.ages[0] for life in known])))
        rows = np.vstack([features_of(view.scale, view.blends, life) for life in unseen])
        truth.append(_left_of(unseen))
        for horizon, so_far in zip(horizons, told, strict=True):
            forest = _grown(view, _left_of(known), horizon=horizon, trees=TREES_IN_TRIALS, seed=seed)
            so_far.append(mean_of_trees(forest, rows))
    return _Trial(horizons, [np.concatenate(parts) for parts in told], np.concatenate(truth))


def _interval(told: Floats, truth: Floats) -> Arrays:
    """How far the truth lay from what was told of lives left out, by what was told: knots of a broken line."""
    knots = np.array_split(np.argsort(told, kind="stable"), min(INTERVAL_KNOTS, max(1, len(told) // 50)))
    misses = truth - told
    return {
        "interval_at": np.array([told[knot].mean() for knot in knots]),
        "interval_low": np.array([np.quantile(misses[knot], LOWER) for knot in knots]),
        "interval_high": np.array([np.quantile(misses[knot], UPPER) for knot in knots]),
    }
