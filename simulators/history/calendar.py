"""The time of a history and what all machines of a site share in it: hour, weekend, weather, busy and quiet weeks."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from kit.clock import from_ms
from simulators.physics.tick import DAY_S, WARMTH, YEAR_S
from simulators.physics.wear import Column

MEAN_C, SEASON_C, DAILY_C, WEATHER_C = 17.0, 11.5, 7.0, 2.5
HOTTEST_DAY = 205  # of the year: the end of July
WEATHER_EVERY_S = 6 * 3600.0
WEATHER_KEEPS = 0.92  # from one to the next: a spell lasts for about three days
HOLIDAY_DAYS, HOLIDAYS_A_YEAR = 7, 3
QUIET = 0.7  # what is left of the use in a holiday


@dataclass(frozen=True, eq=False)
class Calendar:
    """Columns of length T. `hour` is local, in [0, 24); `busy` multiplies what people use."""

    ts_s: Column
    hour: Column
    is_weekend: Column
    outdoor_c: Column
    busy: Column

    @property
    def step_s(self) -> float:
        return float(self.ts_s[1] - self.ts_s[0])

    @property
    def day(self) -> Column:
        """Days since the beginning."""
        return np.asarray((self.ts_s - self.ts_s[0]) / DAY_S, np.float64)


def calendar(
    *, begins_s: float, days: float, step_s: float, timezone: ZoneInfo, chance: np.random.Generator
) -> Calendar:
    """`days` from `begins_s` on (Unix time), a row every `step_s`."""
    ts_s: Column = np.asarray(begins_s + np.arange(round(days * DAY_S / step_s)) * step_s, np.float64)
    # One offset for all: a change to summer time would only move a day's curve by an hour.
    offset = from_ms(int(begins_s * 1000)).astimezone(timezone).utcoffset()
    assert offset is not None
    local_s: Column = np.asarray(ts_s + offset.total_seconds(), np.float64)
    hour: Column = np.asarray(local_s % DAY_S / 3600, np.float64)
    is_weekend = ((local_s // DAY_S + 3) % 7 >= 5).astype(np.float64)  # 1970 began on a Thursday
    return Calendar(ts_s, hour, is_weekend, _outdoor_c(local_s, hour, chance), _busy(local_s, is_weekend, chance))


def _outdoor_c(local_s: Column, hour: Column, chance: np.random.Generator) -> Column:
    season = SEASON_C * np.cos(2 * np.pi * (local_s / YEAR_S - HOTTEST_DAY / 365))
    knots_s = np.arange(local_s[0], local_s[-1] + 2 * WEATHER_EVERY_S, WEATHER_EVERY_S)
    pushes = chance.normal(0, WEATHER_C * np.sqrt(1 - WEATHER_KEEPS**2), len(knots_s))
    weather = np.zeros(len(knots_s))
    for place in range(1, len(knots_s)):
        weather[place] = WEATHER_KEEPS * weather[place - 1] + pushes[place]
    return np.asarray(
        MEAN_C + season + DAILY_C * (WARMTH.over(hour) - WARMTH.mean) + np.interp(local_s, knots_s, weather)
    )


def _busy(local_s: Column, is_weekend: Column, chance: np.random.Generator) -> Column:
    """Weekends are a little busier at home; in a holiday many are away."""
    busy = 1 + 0.08 * is_weekend
    years = (local_s[-1] - local_s[0]) / YEAR_S
    for _ in range(int(chance.poisson(HOLIDAYS_A_YEAR * years))):
        begins_s = chance.uniform(local_s[0], local_s[-1])
        away = (local_s >= begins_s) & (local_s < begins_s + HOLIDAY_DAYS * DAY_S)
        busy[away] = QUIET
    return busy
