"""When a sign of wear reaches its limit: paths of several shapes through its days, as likely as the days say. Pure.

Wear physics differ and are not known here, so no formula is fitted: the days so far are explained by growth that began
on any of them and rose evenly, bent up or bent down, in the mean of all such paths weighted by how well they fit
(Bayesian model averaging, approximated by the Schwarz criterion). Against them stand the explanations without wear:
nothing happened, or one step (another sensor, another load). What the latter keep is doubt.
Source: docs/predictive.md, "Days left".
"""

from dataclasses import dataclass

import numpy as np

from predictive.detectors.contract import Floats

FEWEST_DAYS = 14
# Growth is looked for in days so far back at most; before that the sign was as it was.
LOOKS_BACK_DAYS = 180
# y = usual + size · u^power, where u rises from 0 on the day it began to 1 today.
POWERS = np.array([0.6, 1.0, 1.5, 2.2, 3.2])
# Days on which it may have begun, spread evenly over the days looked at.
BEGINNINGS = 24
# What still comes differs from what was: the way that is left may go so much faster or slower (standard deviation of
# the logarithm), and each path is followed at these speeds.
SPEED_DOUBT = 0.6
SPEEDS = np.exp(SPEED_DOUBT * np.array([-1.64, -0.93, -0.46, 0.0, 0.46, 0.93, 1.64]))
SPEED_WEIGHTS = np.array([0.07, 0.13, 0.18, 0.24, 0.18, 0.13, 0.07])
FARTHEST_DAYS = 730.0
# Days stand together: weather, load and calibration last. Of so many days in a row one is news.
ALIKE_DAYS = 3.0
LOWER, UPPER = 0.1, 0.9
# A normal deviate in three points.
_DOUBT = np.array([-1.28, 0.0, 1.28])
_DOUBT_WEIGHTS = np.array([0.3, 0.4, 0.3])
RECENT_DAYS = 5


@dataclass(frozen=True, slots=True, eq=False)
class DailySign:
    """A sign of wear, one value a day at like load. days: float64[D], rising, 1 = a day; values: float64[D], NaN where
    nothing was read. Infinite values count as missing."""

    days: Floats
    values: Floats


@dataclass(frozen=True, slots=True)
class Limit:
    """Where it has failed. value: in the sign's unit; spread: one standard deviation of it, > 0; rises: the sign rises
    towards it, else it falls."""

    value: float
    spread: float
    rises: bool = True


@dataclass(frozen=True, slots=True)
class FleetPrior:
    """How long the wear of such parts lasted, from its beginning to failure: median days, and the standard deviation of
    the logarithm. `lives`: how many it was learned from."""

    median_days: float
    spread: float
    lives: int


# Without any history: from weeks to most of a year, as what is found at all has begun to show (P-F intervals of
# rotating machines, Moubray: Reliability-centred Maintenance, 1997).
UNKNOWN_FLEET = FleetPrior(median_days=75.0, spread=0.7, lives=0)
# A limit from a standard is where a machine must stop, and many have failed before: at these shares of the way from the
# usual value to it. Those that lie behind a machine that still runs are ruled out.
FAILS_AT = np.array([0.4, 0.6, 0.8, 1.0, 1.2])
FAILS_AT_WEIGHTS = np.array([0.15, 0.25, 0.25, 0.25, 0.10])


@dataclass(frozen=True, slots=True)
class RemainingLife:
    """What is left, with what it was told from. Days from the last day read; 80 % of it lies from low to high.

    confidence: 0…1, that this is growth and no mood or step, and that it gets to the limit within FARTHEST_DAYS.
    value, usual, limit: in the sign's unit, now, before it began, and at failure. since_day: when it began, on the axis
    of the days. speed_a_day: of the last days, in the sign's unit.
    """

    days_low: float
    days_mid: float
    days_high: float
    confidence: float
    value: float
    usual: float
    limit: float
    since_day: float
    speed_a_day: float

    @property
    def growth(self) -> float | None:
        """Since it began, as a part of the usual value: 0.38 is 38 % more. None where the usual value is about 0."""
        span = abs(self.limit - self.usual)
        return None if abs(self.usual) < 1e-3 * max(span, 1e-12) else (self.value - self.usual) / abs(self.usual)


@dataclass(frozen=True, slots=True, eq=False)
class _Paths:
    """All paths of growth, [B·S]: when each began, its shape, its size with error, its weight (of all explanations)."""

    begins: Floats
    powers: Floats
    sizes: Floats
    errors: Floats
    weights: Floats
    usual: float


def forecast(sign: DailySign, limit: Limit, prior: FleetPrior = UNKNOWN_FLEET) -> RemainingLife | None:
    """None when nothing grows towards the limit, or too little was read to say so."""
    days, values = _read(sign)
    if len(days) < FEWEST_DAYS - 2:
        return None
    turn = 1.0 if limit.rises else -1.0
    paths = _paths(days, turn * values)
    growth = float(paths.weights.sum())
    now = float(np.median(turn * values[-RECENT_DAYS:]))
    if growth < 0.05 or now <= paths.usual:
        return None
    left, weights = _crossings(paths, days, now, turn * limit.value, spread=limit.spread, prior=prior)
    reaches = float(weights[left < FARTHEST_DAYS].sum() / weights.sum())
    low, mid, high = _quantiles(left, weights, at=np.array([LOWER, 0.5, UPPER]))
    likely = paths.weights / growth
    begins = float(_quantiles(paths.begins, likely, at=np.array([0.5]))[0])
    elapsed = np.maximum(days[-1] - paths.begins, 1.0)
    return RemainingLife(
        days_low=low, days_mid=mid, days_high=high, confidence=min(1.0, growth * reaches),
        value=turn * now, usual=turn * paths.usual, limit=limit.value, since_day=begins,
        speed_a_day=turn * float((likely * paths.sizes * paths.powers / elapsed).sum()),
    )  # fmt: skip


def _read(sign: DailySign) -> tuple[Floats, Floats]:
    """The days that were read, oldest first, not farther back than matters, each the middle of itself and two before:
    one wild day is no news, two are."""
    known = np.isfinite(sign.values) & np.isfinite(sign.days)
    days, first = np.unique(sign.days[known], return_index=True)
    values = sign.values[known][first]
    if len(days) < FEWEST_DAYS:
        return days, values
    calmed = np.median(np.stack([values[2:], values[1:-1], values[:-2]]), axis=0)
    near = days[2:] >= days[-1] - LOOKS_BACK_DAYS
    return days[2:][near], calmed[near]


def _paths(days: Floats, values: Floats) -> _Paths:
    """Growth from each possible beginning in each shape, the usual value being that of the days before it."""
    noise = _noise(values)
    begins = np.linspace(days[0] - 1.0, days[-1] - 5.0, BEGINNINGS)
    grid_begins, grid_powers = (part.ravel() for part in np.meshgrid(begins, POWERS, indexing="ij"))
    used = np.clip((days - grid_begins[:, None]) / (days[-1] - grid_begins)[:, None], 0.0, 1.0)
    shapes = used ** grid_powers[:, None]
    usual, sizes, precision = _fits(shapes, values, noise)
    misfit = _robust(values - usual[:, None] - sizes[:, None] * shapes, noise)
    flat = _robust(values - np.median(values), noise)
    steps = [
        _robust(values - np.where(days > day, np.median(values[days > day]), np.median(values[days <= day])), noise)
        for day in begins[begins >= days[0]]
    ]
    news = max(4.0, len(days) / ALIKE_DAYS)
    # Free numbers of each explanation: the usual value; also a size and a day; also a shape.
    scores = np.concatenate([
        -0.5 * misfit / ALIKE_DAYS - 0.5 * 3.0 * np.log(news) - np.log(len(POWERS)) + np.log(5.0 / len(days)),
        [-0.5 * flat / ALIKE_DAYS - 0.5 * np.log(news)],
        -0.5 * np.array(steps) / ALIKE_DAYS - 0.5 * 2.0 * np.log(news) + np.log(5.0 / len(days)),
    ])  # fmt: skip
    scores[: len(misfit)][sizes <= 0] = -np.inf
    weights = np.exp(scores - scores.max())
    grown = (weights / weights.sum())[: len(misfit)]
    total = max(float(grown.sum()), 1e-300)
    return _Paths(
        grid_begins, grid_powers, sizes, np.sqrt(ALIKE_DAYS / precision) * noise, grown,
        float((grown / total * usual).sum()) if total > 1e-12 else float(np.median(values)),
    )  # fmt: skip


def _fits(shapes: Floats, values: Floats, noise: float) -> tuple[Floats, Floats, Floats]:
    """Usual value, size, and the precision of the size (in units of the noise) of each shape; wild days count less."""
    usual, sizes = np.full(len(shapes), np.median(values)), np.zeros(len(shapes))
    weights = np.ones(shapes.shape)
    precision = np.ones(len(shapes))
    for _ in range(3):
        total = weights.sum(axis=1)
        mean_shape = (weights * shapes).sum(axis=1) / total
        mean_value = (weights * values).sum(axis=1) / total
        centred = shapes - mean_shape[:, None]
        precision = np.maximum((weights * centred**2).sum(axis=1), 1e-6)
        sizes = (weights * centred * (values - mean_value[:, None])).sum(axis=1) / precision
        usual = mean_value - sizes * mean_shape
        misses = np.abs(values - usual[:, None] - sizes[:, None] * shapes) / noise
        weights = np.minimum(1.0, 2.5 / np.maximum(misses, 1e-9))
    return usual, sizes, precision


def _noise(values: Floats) -> float:
    """From day to day; never nothing, as a resolution hides it."""
    steps = np.abs(np.diff(values))
    span = float(np.ptp(values))
    return float(max(1.4826 / np.sqrt(2) * np.median(steps), steps.mean() / 2.0, 0.01 * span, 1e-9))


def _robust(misses: Floats, noise: float) -> Floats:
    """Huber's sum over the last axis, as a chi-square."""
    scaled = np.abs(misses) / noise
    total: Floats = np.where(scaled <= 2.5, scaled**2, 5.0 * scaled - 6.25).sum(axis=-1)
    return total


def _crossings(
    paths: _Paths, days: Floats, now: float, limit: float, *, spread: float, prior: FleetPrior
) -> tuple[Floats, Floats]:
    """Days left along every path, at every speed, to every level it may fail at: (days, weights), on one axis."""
    chosen = paths.weights > 1e-4 * paths.weights.max()
    powers = paths.powers[chosen][:, None, None, None]
    elapsed = np.maximum(days[-1] - paths.begins[chosen], 1.0)[:, None, None, None]
    sizes = paths.sizes[chosen][:, None] + _DOUBT * paths.errors[chosen][:, None]
    # The size is what is left of the last days' mood: not below a part of how far it has come.
    sizes = np.maximum(sizes, 0.2 * paths.sizes[chosen][:, None])[:, :, None, None]
    way, weight_of_way = _ways(limit - paths.usual, now - paths.usual, spread=spread)
    share = np.minimum((way[None, None, :, None] / sizes) ** (1.0 / powers), 1e6)
    left = np.maximum(elapsed * (share - 1.0), 0.0) / SPEEDS
    weight = paths.weights[chosen][:, None, None, None] * _DOUBT_WEIGHTS[None, :, None, None]
    weight = weight * weight_of_way[None, None, :, None] * SPEED_WEIGHTS
    doubt = (np.log(elapsed + left) - np.log(prior.median_days)) / prior.spread
    weight = weight * np.exp(-0.5 * doubt**2)
    return np.minimum(left, FARTHEST_DAYS).ravel(), weight.ravel() + 1e-300


def _ways(whole: float, gone: float, *, spread: float) -> tuple[Floats, Floats]:
    """How far it may go from its usual value before it fails, and how likely; `gone` of it lies behind."""
    ways = (whole * FAILS_AT[:, None] + spread * _DOUBT[None, :] * 0.7).ravel()
    weights = (FAILS_AT_WEIGHTS[:, None] * _DOUBT_WEIGHTS[None, :]).ravel()
    ahead = ways > gone
    if not ahead.any():
        return np.array([1.02, 1.1, 1.3]) * gone, np.array([0.4, 0.4, 0.2])
    return ways[ahead], weights[ahead]


def _quantiles(values: Floats, weights: Floats, *, at: Floats) -> list[float]:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    places = np.searchsorted(total, at * total[-1])
    return [float(values[order[min(place, len(order) - 1)]]) for place in places]
