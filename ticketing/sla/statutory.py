"""Whether the public holidays that somebody entered for a year can be all of them; pure.

The law names seven holidays; when exactly each is free, and which weekdays come with it, is published a year at a time.
What never changes is about when each falls and how many weekdays at least are free for it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

_WEEKEND = (5, 6)


@dataclass(frozen=True)
class Season:
    """From one (month, day) to another, both included, so many weekdays at least are free."""

    first: tuple[int, int]
    last: tuple[int, int]
    weekdays: int


SEASONS = (
    Season((1, 1), (1, 3), 1),  # 元旦
    Season((1, 20), (2, 28), 4),  # 春节
    Season((4, 2), (4, 7), 1),  # 清明节
    Season((4, 28), (5, 6), 1),  # 劳动节
    Season((5, 25), (6, 30), 1),  # 端午节
    # 中秋节 and 国庆节, which in some years fall together. Since 2018 it has never been fewer.
    Season((9, 6), (10, 10), 6),
)


def is_whole(year: int, closed: Collection[date]) -> bool:
    """Whether every holiday of the law has its free weekdays among the `closed` days of that year."""
    weekdays = [day for day in closed if day.weekday() not in _WEEKEND]
    return all(_free(season, year, weekdays) >= season.weekdays for season in SEASONS)


def _free(season: Season, year: int, weekdays: Collection[date]) -> int:
    first, last = date(year, *season.first), date(year, *season.last)
    return sum(first <= day <= last for day in weekdays)
