"""Which days are alike for consumption: worked, weekend, public holiday. Pure.

Public holidays of China come with weekends that are worked in exchange; of years the State Council has not published
only weekdays are known, and the holidays the law has on days of the calendar.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Final

import chinese_calendar
import numpy as np
from numpy.typing import NDArray

_SATURDAY: Final = 5
# Regulation on public holidays for national festivals and memorial days, as amended in November 2024.
_BY_LAW: Final = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})


class DayType(IntEnum):
    """The numbers are columns of what is learnt a day type."""

    WORKDAY = 0
    WEEKEND = 1
    HOLIDAY = 2


DAY_TYPES: Final = len(DayType)


def is_published(year: int) -> bool:
    """Whether the holidays of that year are known."""
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:  # its way to say "no data for that year"
        return False
    return True


@lru_cache(maxsize=4096)
def day_type(day: date) -> DayType:
    """A weekend that is worked in exchange for a holiday is a working day."""
    if is_published(day.year):
        if chinese_calendar.is_workday(day):
            return DayType.WORKDAY
        # The library has free days beside a holiday as holidays, and ordinary weekends without a name.
        return DayType.HOLIDAY if chinese_calendar.get_holiday_detail(day)[1] else DayType.WEEKEND
    if (day.month, day.day) in _BY_LAW:
        return DayType.HOLIDAY
    return DayType.WEEKEND if day.weekday() >= _SATURDAY else DayType.WORKDAY


def day_types(first: date, days: int) -> NDArray[np.int64]:
    """int64[days] of DayType, from `first` on."""
    return np.array([day_type(first + timedelta(days=number)) for number in range(days)], np.int64)


def unpublished_years(first: date, days: int) -> Sequence[int]:
    """Years of the span whose movable holidays are not known yet."""
    years = range(first.year, (first + timedelta(days=max(days - 1, 0))).year + 1)
    return [year for year in years if not is_published(year)]
