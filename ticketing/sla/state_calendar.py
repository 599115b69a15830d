"""Public holidays and make-up workdays of China, as the State Council publishes them a year at a time, usually in
November for the next year. Years that are not published, or came out after the `chinesecalendar` we run on, are
unknown: they must be entered by hand, and until then weekends are all that is known."""

from dataclasses import dataclass
from datetime import date

import chinese_calendar


@dataclass(frozen=True)
class StateYear:
    """Days of a year that are unlike their weekday: free, or worked although it is a weekend; each with its name."""

    holidays: dict[date, str]
    workdays: dict[date, str]


def state_year(year: int) -> StateYear | None:
    """What was published for a year; None where nothing is known of it."""
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:  # its way to say "no data for that year"
        return None
    return StateYear(
        holidays=_named(chinese_calendar.holidays, year), workdays=_named(chinese_calendar.workdays, year)
    )  # fmt: skip


def _named(days: dict[date, str], year: int) -> dict[date, str]:
    """In Chinese: they are read in China. The library has its names as words of its `Holiday`."""
    chinese = {holiday.value: holiday.chinese for holiday in chinese_calendar.Holiday}
    return {day: chinese.get(name, name) for day, name in days.items() if day.year == year}
