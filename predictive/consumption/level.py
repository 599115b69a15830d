"""How much a meter counts a day, by and by: level, trend, day types and weather, each to be divided out. Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from predictive.consumption.day_types import DAY_TYPES, DayType
from predictive.consumption.register import Floats, Integers

# Homes are wild and keep their level, plants are calm and change it: each meter has the pace that has served it best.
_HALF_LIVES_DAYS: Final = (10.0, 3.0, 30.0)
_CLEARLY: Final = 0.97
_JUDGED_AHEAD: Final = 4  # the middle of the days that are forecast
# One wild day moves the level no more than four usual ones would.
_AT_MOST: Final = 4.0
_SETTLED_DAYS: Final = 7
# How many days of its own a meter's day type must have to count as much as what its like do on such days.
_PRIOR_DAYS: Final = 7.0
# And as much as the guess that all days are alike, where nobody knows its like.
_GUESS_DAYS: Final = 0.5
_TREND_WEEKS: Final = 8
_FEWEST_WEEKS: Final = 5
_STEEPEST: Final = 0.01  # a day
_DAMPING: Final = 0.9
_FEWEST_WEATHER_DAYS: Final = 42
_WEATHER_GAIN: Final = 0.03
COOLING_ABOVE_C: Final = 22.0
HEATING_BELOW_C: Final = 16.0
_EVEN: Final = np.ones(DAY_TYPES)


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """What is expected of a working day.

    before: float64[D], the level as known on the morning of each day. now: the level after the last. growth: the share
    it grows by on the first day ahead, dying down. factors: float64[3], what a day of each DayType counts of a working
    day. weather: float64[2], by which share a degree above COOLING_ABOVE_C and one below HEATING_BELOW_C raise it.
    """

    before: Floats
    now: float
    growth: float
    factors: Floats
    weather: Floats

    def ahead(self, days: int) -> Floats:
        """float64[days]: the level of each day to come."""
        return self.now * np.cumprod(1 + self.growth * _DAMPING ** np.arange(days))


def level_of(totals: Floats, types: Integers, *, like: Floats | None, temps_c: Floats | None) -> Level:
    """`like`: the factors of its like, if anybody knows them; `temps_c`: float64[D], the mean outdoor temperature of
    each day, or none."""
    prior, prior_days = (_EVEN, _GUESS_DAYS) if like is None else (like, _PRIOR_DAYS)
    rough = _followed(totals / prior[types], half_life=_HALF_LIVES_DAYS[0])
    factors = _factors(totals, types, rough[:-1], prior=prior, prior_days=prior_days)
    plain = totals / factors[types]
    before = _best_followed(plain)
    weather = np.zeros(2) if temps_c is None else _weather(plain, before[:-1], temps_c)
    return Level(
        before=before[:-1], now=float(before[-1]), growth=_growth(plain), factors=factors, weather=weather
    )  # fmt: skip


def degrees(temps_c: Floats) -> Floats:
    """float64[D, 2]: degrees above COOLING_ABOVE_C and below HEATING_BELOW_C; 0 where the temperature is unknown."""
    both = np.stack([temps_c - COOLING_ABOVE_C, HEATING_BELOW_C - temps_c], axis=-1)
    return np.where(np.isfinite(both), np.maximum(both, 0.0), 0.0)


def unusual_weather(weather: Floats, temps_c: Floats) -> Floats:
    """float64[D]: by which factor each day's weather, beyond that of the days before it, moves what is expected."""
    felt = degrees(temps_c)
    lately = _lately(felt)
    return np.clip(1 + (felt - lately) @ weather, 0.3, 3.0)


def _best_followed(values: Floats) -> Floats:
    """`_followed` at the pace whose level was nearest to what came _JUDGED_AHEAD days later."""
    best, error = _followed(values, half_life=_HALF_LIVES_DAYS[0]), np.inf
    for half_life in _HALF_LIVES_DAYS:
        tried = _followed(values, half_life=half_life)
        off = np.abs(values[_SETTLED_DAYS + _JUDGED_AHEAD :] - tried[_SETTLED_DAYS : -_JUDGED_AHEAD - 1])
        known = off[np.isfinite(off)]
        if len(known) and known.mean() < (_CLEARLY if np.isfinite(error) else 1.0) * error:
            best, error = tried, float(known.mean())
    return best


def _lately(felt: Floats) -> Floats:
    """float64[D, 2]: what each day's degrees were usually, in the days before it."""
    return np.stack([_followed(felt[:, column], half_life=_HALF_LIVES_DAYS[0])[:-1] for column in range(2)], axis=-1)


def _followed(values: Floats, *, half_life: float) -> Floats:
    """float64[D + 1]: the smoothed value before each day, and after the last; 0 before the first is known."""
    follow = 1 - 0.5 ** (1 / half_life)
    smooth = np.zeros(len(values) + 1)
    level, seen = 0.0, 0
    for day, value in enumerate(values.tolist()):
        smooth[day] = level
        if not np.isfinite(value):
            continue
        if seen >= _SETTLED_DAYS and level > 0:
            value = min(value, _AT_MOST * level)
        seen += 1
        level += max(follow, 1 / seen) * (value - level)
    smooth[-1] = level
    # The first days have nothing before them: they are measured by what came soon after.
    settled = smooth[min(_SETTLED_DAYS, len(values))]
    smooth[: min(_SETTLED_DAYS, len(values))] = settled
    return smooth


def _factors(totals: Floats, types: Integers, level: Floats, *, prior: Floats, prior_days: float) -> Floats:
    """Sums over sums, so that a day of a large level weighs more; with some days as they were guessed added."""
    usual = float(np.mean(level)) if len(level) else 0.0
    is_known = np.isfinite(totals)
    factors = prior.copy()
    for kind in range(DAY_TYPES):
        mine = is_known & (types == kind)
        weight = level[mine].sum() + prior_days * usual
        if weight > 0:
            factors[kind] = (totals[mine].sum() + prior_days * usual * prior[kind]) / weight
    work = factors[DayType.WORKDAY]
    return np.clip(factors / work, 0.05, 20.0) if work > 0 else prior.copy()


def _growth(plain: Floats) -> float:
    """The slope of the last weeks a day, as a share; the less certain it is, the nearer to none."""
    weeks = len(plain) // 7
    some = min(weeks, _TREND_WEEKS)
    if some < _FEWEST_WEEKS:
        return 0.0
    by_week = plain[-some * 7 :].reshape(some, 7)
    is_known = np.isfinite(by_week).sum(axis=1) >= 4
    if is_known.sum() < _FEWEST_WEEKS:
        return 0.0
    at, mean = np.flatnonzero(is_known) * 7.0, np.nanmean(by_week[is_known], axis=1)
    usual = float(mean.mean())
    if usual <= 0:
        return 0.0
    slope, base = np.polyfit(at, mean, 1)
    off = mean - (base + slope * at)
    error = float(np.sqrt((off**2).sum() / max(len(at) - 2, 1) / ((at - at.mean()) ** 2).sum()))
    sure = 1.0 if error == 0 else max(0.0, 1 - 4 * (error / slope) ** 2) if slope else 0.0
    return float(np.clip(sure * slope / usual, -_STEEPEST, _STEEPEST))


def _weather(plain: Floats, before: Floats, temps_c: Floats) -> Floats:
    """What a degree does, where saying so would have made the last third of the days clearer; else nothing."""
    none = np.zeros(2)
    felt = degrees(temps_c)
    lately = _lately(felt)
    good = np.isfinite(plain) & np.isfinite(temps_c) & (before > 0)
    if good.sum() < _FEWEST_WEATHER_DAYS:
        return none
    x, y = (felt - lately)[good], plain[good] / before[good] - 1
    cut = 2 * len(y) // 3
    tried = _ridge(x[:cut], y[:cut])
    without, withit = np.abs(y[cut:]).mean(), np.abs(y[cut:] - x[cut:] @ tried).mean()
    return _ridge(x, y) if withit < (1 - _WEATHER_GAIN) * without else none


def _ridge(x: Floats, y: Floats) -> Floats:
    """Least squares held back a little, so that two degrees in a mild spring do not make a law; never below none."""
    held = x.T @ x + len(y) * 0.05 * np.eye(2)
    return np.clip(np.linalg.solve(held, x.T @ y), 0.0, 0.5)
