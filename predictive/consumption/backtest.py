"""How good forecasts would have been: origins in the order of time, each knowing only the days before it. Pure.

The floor is the seasonal naive forecast: what the same hour of the same weekday had a week before, with the spread that
such a guess has had (Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., 5.2 and 5.5). A method
that does not beat it is not worth its work.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from predictive.consumption.days import Days
from predictive.consumption.fleet import Shape
from predictive.consumption.forecast import DAYS_AHEAD, Weather, forecast
from predictive.consumption.quantiles import LEVELS, coverage, pinball
from predictive.consumption.register import Floats

_WEEK: Final = 7
_FIRST_ORIGIN: Final = 28


@dataclass(frozen=True, slots=True)
class Score:
    """Pinball losses in the meter's unit, coverage of the interval that ought to hold four in five; NaN where nothing
    could be compared. `floor`: the seasonal naive's."""

    loss: float
    floor_loss: float
    covered: float
    floor_covered: float

    @property
    def skill(self) -> float:
        """The share of the floor's loss that is saved: above 0 is better than the floor."""
        return 1 - self.loss / self.floor_loss if self.floor_loss > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Backtest:
    """`origins`: from how many mornings it was forecast. `hours` is None where the meter is not read every hour."""

    origins: int
    days: Score
    hours: Score | None


def backtest(
    days: Days, *, shape: Shape | None = None, temps_c: Floats | None = None, every: int = _WEEK, most: int = 8
) -> Backtest | None:
    """Of the last `most` origins, `every` so many days, each DAYS_AHEAD days ahead; None where the history has none.

    `temps_c`: float64[D]; of the days ahead only what was known on the morning is used (the last three days' mean).
    """
    last = len(days) - DAYS_AHEAD
    origins = list(range(last, _FIRST_ORIGIN - 1, -every))[:most]
    made = [(at, _forecast_at(days, at, shape, temps_c)) for at in origins]
    found = [(at, *one, *naive(days.before(at))) for at, one in made if one is not None]
    if not found:
        return None
    ahead = [slice(at, at + DAYS_AHEAD) for at, *_ in found]
    totals, hours = (np.stack([of[rows] for rows in ahead]) for of in (days.totals, days.hours))
    by_day, by_hour, naive_day, naive_hour = (np.stack([one[place] for one in found]) for place in (1, 2, 3, 4))
    return Backtest(
        origins=len(found), days=_score(by_day, naive_day, totals),
        hours=_score(by_hour, naive_hour, hours) if days.is_hourly else None,
    )  # fmt: skip


def persisted(temps_c: Floats) -> float:
    """The temperature to expect where nobody forecasts it: the mean of the last three days; NaN when unknown."""
    known = temps_c[-3:][np.isfinite(temps_c[-3:])]
    return float(known.mean()) if len(known) else float("nan")


def naive(days: Days) -> tuple[Floats, Floats]:
    """The seasonal naive forecast of the days after: float64[A, Q] by day and float64[A, 24, Q] by hour."""
    by_day = _naive(days.totals[:, None])[:, 0]
    return by_day, _naive(days.hours)


def _forecast_at(days: Days, at: int, shape: Shape | None, temps_c: Floats | None) -> tuple[Floats, Floats] | None:
    weather = None
    if temps_c is not None:
        weather = Weather(past=temps_c[:at], ahead=np.full(DAYS_AHEAD, persisted(temps_c[:at])))
    made = forecast(days.before(at), shape=shape, weather=weather)
    return None if made is None else (made.days, made.hours)


def _naive(values: Floats) -> Floats:
    """float64[A, K, Q] of values[D, K]: last week's, spread as weeks have differed in each column; never below none."""
    weeks = values[_WEEK:] - values[:-_WEEK]
    is_blank = ~np.asarray(np.isfinite(weeks).any(axis=0), np.bool_)
    spread = np.nanquantile(np.where(is_blank, 0.0, weeks), LEVELS, axis=0).T
    last = np.stack([_last_known(values[day - _WEEK :: -_WEEK]) for day in range(DAYS_AHEAD)])
    return np.asarray(np.maximum(last[:, :, None] + np.where(is_blank[:, None], np.nan, spread), 0.0), np.float64)


def _last_known(values: Floats) -> Floats:
    """float64[K]: the first of each column of values[N, K] that is not NaN."""
    first = np.isfinite(values).argmax(axis=0)
    return np.asarray(values[first, np.arange(values.shape[1])], np.float64)


def _score(made: Floats, floor: Floats, actual: Floats) -> Score:
    # Both are judged by the same hours.
    is_both = np.isfinite(made).all(axis=-1) & np.isfinite(floor).all(axis=-1)
    seen = np.where(is_both, actual, np.nan)
    return Score(pinball(made, seen), pinball(floor, seen), coverage(made, seen), coverage(floor, seen))
