"""What is usual at a time of day: the middle of the same times on the days before.

Sees: a night that is a day, a morning that does not come. Blind to: weekly habits (the days of a week are one kind).
"""

import numpy as np
from numpy.typing import NDArray

from predictive.detectors.contract import Floats, Integers, State

DAY_MS = 86_400_000
# Days remembered; times of day told apart, at most; neighbouring times taken along on either side.
DAYS, MOST_TIMES, NEIGHBOURS = 7, 288, 2
# With fewer times a day there is no shape of the day to learn.
FEWEST_TIMES = 4


def times_of_day(step_s: float | None) -> int:
    """How many times of day to tell apart at a step: one a row, 0 where the day has no shape at that step."""
    times = round(DAY_MS / 1000.0 / step_s) if step_s else MOST_TIMES
    return min(times, MOST_TIMES) if times >= FEWEST_TIMES else 0


def no_days(*, equipment: int, times: int) -> State:
    """The state before the first day."""
    return {
        "days": np.full((equipment, DAYS, times), np.nan),
        "day_numbers": np.full((equipment, DAYS), -1, dtype=np.int64),
        "today": np.full((equipment, times), np.nan),
        "today_number": np.full(equipment, -1, dtype=np.int64),
    }


def rows_of_a_day(ts_ms: Integers) -> int:
    """How many of the leading rows of ts_ms int64[E, T] are of one day, in each equipment."""
    days = ts_ms // DAY_MS
    another = (days != days[:, :1]).any(axis=0)
    return int(another.argmax()) if another.any() else len(another)


def usual_of_day(state: State, ts_ms: Integers) -> Floats:
    """The median float64[E, T] of earlier days at the times of the rows, NaN where there is none.

    All rows of an equipment are of one day. The days go along in `state`; the values come with `note`.
    """
    _turn(state, ts_ms[:, 0] // DAY_MS)
    times = state["today"].shape[1]
    recent = (state["day_numbers"] >= state["today_number"][:, None] - DAYS) & (state["day_numbers"] >= 0)
    around = (_places(ts_ms, times)[:, :, None] + np.arange(-NEIGHBOURS, NEIGHBOURS + 1)) % times
    equipment = np.arange(len(ts_ms))[:, None, None, None]
    earlier = state["days"][equipment, np.arange(DAYS)[:, None, None], around[:, None]]
    earlier = np.where(recent[:, :, None, None], earlier, np.nan)
    by_row = earlier.transpose(0, 2, 1, 3).reshape(*ts_ms.shape, -1)
    return medians(by_row, fewest=1)


def note(state: State, ts_ms: Integers, values: Floats) -> None:
    """Keeps the values float64[E, T] of today for the days to come; NaN is nothing."""
    places = _places(ts_ms, state["today"].shape[1])
    equipment, rows = np.nonzero(np.isfinite(values))
    state["today"][equipment, places[equipment, rows]] = values[equipment, rows]


def medians(values: Floats, *, fewest: int) -> Floats:
    """Medians float64[...] over the last axis of what is not NaN, NaN where there are fewer than `fewest`."""
    ordered = np.sort(values, axis=-1)
    counts = np.isfinite(values).sum(axis=-1)
    low = np.take_along_axis(ordered, np.maximum(counts - 1, 0)[..., None] // 2, axis=-1)[..., 0]
    high = np.take_along_axis(ordered, np.minimum(counts // 2, values.shape[-1] - 1)[..., None], axis=-1)[..., 0]
    return np.where(counts >= fewest, (low + high) / 2, np.nan)


def _places(ts_ms: Integers, times: int) -> Integers:
    places: Integers = (ts_ms % DAY_MS) * times // DAY_MS
    return places


def _turn(state: State, day: NDArray[np.int64]) -> None:
    """Where a new day begins the one before takes the place of the oldest."""
    for place in np.flatnonzero(day != state["today_number"]):
        if state["today_number"][place] >= 0:
            oldest = int(state["day_numbers"][place].argmin())
            state["days"][place, oldest] = state["today"][place]
            state["day_numbers"][place, oldest] = state["today_number"][place]
        state["today"][place] = np.nan
        state["today_number"][place] = day[place]
