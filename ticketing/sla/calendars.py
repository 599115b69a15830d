"""A site's calendar out of what was entered for the company, for the site, and by the State Council; pure.

What is nearer to the site wins: a day entered for the site, then one entered for the company, then a public holiday or
make-up workday, then the weekday.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from ticketing.sla.business_time import DAY_MIN, WEEK_D, BusinessHours, Span
from ticketing.sla.state_calendar import state_year

MOST_SPANS = 6
_CLOCK_FACE = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])")
# How far ahead an order's own picture of the calendar reaches; beyond it the weekday counts.
PICTURE_D = 400
_OFFICE = (Span(9 * 60, 18 * 60),)
OFFICE_WEEK: Sequence[tuple[Span, ...]] = (*(_OFFICE,) * 5, (), ())


class BadHours(ValueError):
    """Hours that cannot be meant. `problem` is the last part of a text key `ticketing.sla.hours.…`."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True)
class Week:
    """Usual hours, Monday first, and whether public holidays and make-up workdays are kept.

    A round-the-clock desk, or a site outside China, keeps none.
    """

    hours: Sequence[tuple[Span, ...]] = tuple(OFFICE_WEEK)
    keeps_holidays: bool = True

    @property
    def working_day(self) -> tuple[Span, ...]:
        """What a working day looks like, for a make-up workday on a weekday that is closed."""
        return next(spans for spans in self.hours if spans)


@dataclass(frozen=True)
class SpecialDay:
    """A day entered by hand. `hours` empty: closed; None: open as on a working day."""

    day: date
    name: str
    hours: tuple[Span, ...] | None


def parse_spans(given: Iterable[Sequence[str]]) -> tuple[Span, ...]:
    """Spans from pairs of "HH:MM", "24:00" included. Raises BadHours."""
    spans = tuple(Span(_minute(start), _minute(end)) for start, end in given)
    if any(span.start >= span.end for span in spans):
        raise BadHours("backwards")
    if any(after.start < before.end for before, after in pairwise(spans)):
        raise BadHours("overlapping")
    if len(spans) > MOST_SPANS:
        raise BadHours("too_many")
    return spans


def parse_week(given: Sequence[Iterable[Sequence[str]]]) -> tuple[tuple[Span, ...], ...]:
    """Seven lists of pairs, Monday first. Raises BadHours."""
    if len(given) != WEEK_D:
        raise BadHours("not_seven_days")
    week = tuple(parse_spans(day) for day in given)
    if not any(week):
        raise BadHours("never_open")
    return week


def spoken(spans: Iterable[Span]) -> list[list[str]]:
    """Spans as pairs of "HH:MM": the inverse of `parse_spans`."""
    return [[_clock_face(span.start), _clock_face(span.end)] for span in spans]


def unknown_years(week: Week, years: Iterable[int], *, entered: Collection[int]) -> list[int]:
    """Years whose public holidays are wanted and neither published, as far as we know, nor all entered by hand."""
    if not week.keeps_holidays:
        return []
    return [year for year in years if year not in entered and state_year(year) is None]


def hours_of(
    week: Week, *, zone: str, company: Mapping[date, SpecialDay], site: Mapping[date, SpecialDay], first: date,
    days: int = PICTURE_D,
) -> BusinessHours:  # fmt: skip
    """The hours that hold from `first` for `days`; only days that are unlike their weekday are named."""
    public = _public_days(week, range(first.year, (first + timedelta(days=days)).year + 1))
    special: dict[date, tuple[Span, ...]] = {}
    for offset in range(days):
        day = first + timedelta(days=offset)
        usual = week.hours[day.weekday()]
        entered = site.get(day) or company.get(day)
        meant = _entered(week, entered) if entered is not None else public.get(day, usual)
        if meant != usual:
            special[day] = meant
    return BusinessHours(zone=zone, week=tuple(week.hours), days=special)


def _entered(week: Week, entered: SpecialDay) -> tuple[Span, ...]:
    return _worked(week, entered.day) if entered.hours is None else entered.hours


def _public_days(week: Week, years: Iterable[int]) -> dict[date, tuple[Span, ...]]:
    found: dict[date, tuple[Span, ...]] = {}
    for year in years if week.keeps_holidays else ():
        published = state_year(year)
        if published is not None:
            found |= dict.fromkeys(published.holidays, ())
            found |= {day: _worked(week, day) for day in published.workdays}
    return found


def _worked(week: Week, day: date) -> tuple[Span, ...]:
    return week.hours[day.weekday()] or week.working_day


def _minute(face: str) -> int:
    matched = _CLOCK_FACE.fullmatch(face)
    minute = int(matched[1]) * 60 + int(matched[2]) if matched else DAY_MIN + 1
    if minute > DAY_MIN:
        raise BadHours("not_a_time")
    return minute


def _clock_face(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


# --- as JSON, in an order's picture --------------------------------------------------------------------------------


def hours_as_json(hours: BusinessHours) -> dict[str, object]:
    """Short: an order carries it. Closed days are a list, days with hours of their own a table."""
    return {
        "zone": hours.zone,
        "week": [_numbers(spans) for spans in hours.week],
        "closed": [day.isoformat() for day, spans in hours.days.items() if not spans],
        "open": {day.isoformat(): _numbers(spans) for day, spans in hours.days.items() if spans},
    }


def hours_of_json(kept: Mapping[str, object]) -> BusinessHours:
    """The inverse of `hours_as_json`."""
    week, closed, opened = kept["week"], kept["closed"], kept["open"]
    assert isinstance(week, list)
    assert isinstance(closed, list)
    assert isinstance(opened, dict)
    days = {date.fromisoformat(day): () for day in closed}
    return BusinessHours(
        zone=str(kept["zone"]),
        week=tuple(_spans(numbers) for numbers in week),
        days=days | {date.fromisoformat(day): _spans(numbers) for day, numbers in opened.items()},
    )


def _numbers(spans: Iterable[Span]) -> list[list[int]]:
    return [[span.start, span.end] for span in spans]


def _spans(numbers: Iterable[Sequence[int]]) -> tuple[Span, ...]:
    return tuple(Span(start, end) for start, end in numbers)
