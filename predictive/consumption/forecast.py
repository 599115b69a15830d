"""What a meter will count in the days to come, hour by hour, with intervals. Pure.

The days a meter has had are its samples: those of the same type, lately, count most; each is brought to the level
expected of the day to come. Of a meter with few days its like speak, too. So an hour in which a home mostly draws
nothing has a median of nothing and an upper end of a shower: no bell curve is asked for.
Source: docs/predictive.md, "Consumption".
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

import numpy as np

from predictive.consumption.day_types import day_types
from predictive.consumption.days import Days
from predictive.consumption.fleet import GRID, Shape
from predictive.consumption.level import Level, level_of, unusual_weather
from predictive.consumption.quantiles import LEVELS, weighted_quantiles
from predictive.consumption.register import Floats, Integers

DAYS_NEEDED: Final = 7
DAYS_AHEAD: Final = 7
_HALF_LIFE_DAYS: Final = 56.0
# How much a day of one type (row) says of another (column): working day, weekend, holiday.
_ALIKE: Final = np.array([[1.0, 0.1, 0.1], [0.1, 1.0, 0.5], [0.1, 0.5, 1.0]])
_NEXT_HOUR: Final = 0.25
_LEAST_RATIO: Final = 1 / 3
_MOST_RATIO: Final = 3.0
# So many days of its own count as much as all its like.
_PRIOR_DAYS: Final = 4.0


class MeterState(StrEnum):
    """Whether a forecast can be made, and if not, why."""

    READY = "ready"
    WAITING = "waiting"
    LEARNING = "learning"
    NO_READINGS = "no_readings"
    SILENT = "silent"
    STILL = "still"
    REVERSED = "reversed"
    UNIT_CHANGED = "unit_changed"


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """first: the first day ahead. types: int64[A]. days: float64[A, Q] and hours: float64[A, 24, Q] in the meter's
    unit, by LEVELS; hours are NaN where the meter is not read every hour. level: what it rests on. fleet: of how many
    meters the shape was leant on (0: none)."""

    first: date
    types: Integers
    days: Floats
    hours: Floats
    level: Level
    fleet: int
    known_days: int


@dataclass(frozen=True, slots=True, eq=False)
class Weather:
    """Mean outdoor temperature of each day, °C, NaN where unknown: `past` float64[D], `ahead` float64[A]."""

    past: Floats
    ahead: Floats


def forecast(
    days: Days, *, shape: Shape | None = None, weather: Weather | None = None, ahead: int = DAYS_AHEAD
) -> Forecast | None:
    """The `ahead` days after the last of `days`; None where fewer than DAYS_NEEDED of them are known."""
    if days.known < DAYS_NEEDED:
        return None
    like = shape.factors if shape else None
    level = level_of(days.totals, days.types, like=like, temps_c=weather.past if weather else None)
    first = days.first + timedelta(days=len(days))
    types = day_types(first, ahead)
    scale = _scales(days, level, types, weather)
    weights = 0.5 ** (np.arange(len(days))[::-1] / _HALF_LIFE_DAYS)
    expected = level.ahead(ahead) * level.factors[types]
    by_day, by_hour = np.empty((ahead, len(LEVELS))), np.empty((ahead, 24, len(LEVELS)))
    for day, kind in enumerate(types):
        mine = weights * _ALIKE[days.types, kind]
        lean = None if shape is None else expected[day] * shape.days[kind][:, None]
        by_day[day] = _sampled((days.totals * scale[day])[:, None], mine, lean)[0]
        lean = None if shape is None else expected[day] * shape.hours[kind].T / shape.factors[kind]
        by_hour[day] = _by_hour(days.hours * scale[day][:, None], mine, lean)
    return Forecast(
        first=first, types=types, days=by_day, hours=by_hour if days.is_hourly else np.full_like(by_hour, np.nan),
        level=level, fleet=shape.meters if shape else 0, known_days=days.known,
    )  # fmt: skip


def _scales(days: Days, level: Level, types: Integers, weather: Weather | None) -> Floats:
    """float64[A, D]: by what a past day is multiplied to be like a day ahead.

    A past day is measured by the level as it was known as long before it as the day ahead is from now: so intervals
    widen with the days ahead as the level of this very meter has wandered.
    """
    back = np.maximum(np.arange(len(days)) - np.arange(len(types))[:, None], 0)
    then = level.before[back] * level.factors[days.types]
    to_come = level.ahead(len(types)) * level.factors[types]
    if weather is not None:
        moved = unusual_weather(level.weather, np.concatenate([weather.past, weather.ahead]))
        then, to_come = then * moved[: len(days)], to_come * moved[len(days) :]
    ratio: Floats = np.divide(to_come[:, None], then, out=np.ones_like(then), where=then > 0)
    return np.clip(ratio, _LEAST_RATIO, _MOST_RATIO)


def _by_hour(hours: Floats, weights: Floats, lean: Floats | None) -> Floats:
    """float64[24, Q]: the hours beside each, brought to its height, count too: who showers at seven showers at eight
    tomorrow."""
    padded = np.pad(hours, ((0, 0), (1, 1)), constant_values=np.nan)
    sums = np.nansum(padded * weights[:, None], axis=0)
    before, after = (
        np.clip(np.divide(sums[1:-1], beside, out=np.ones(24), where=beside > 0), _LEAST_RATIO, _MOST_RATIO)
        for beside in (sums[:-2], sums[2:])
    )
    samples = np.concatenate([hours, padded[:, :-2] * before, padded[:, 2:] * after])
    return _sampled(samples, np.concatenate([weights, weights * _NEXT_HOUR, weights * _NEXT_HOUR]), lean)


def _sampled(samples: Floats, weights: Floats, lean: Floats | None) -> Floats:
    """float64[K, Q] of samples[N, K] by weights[N], with lean[9, K] of its like added as _PRIOR_DAYS of samples."""
    if lean is not None:
        samples = np.concatenate([samples, lean])
        weights = np.concatenate([weights, np.full(len(GRID), _PRIOR_DAYS / len(GRID))])
    return weighted_quantiles(samples, np.broadcast_to(weights[:, None], samples.shape))
