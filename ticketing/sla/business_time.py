"""The arithmetic of business time, pure: when so many minutes of open hours have passed, and how many passed.

Instants are aware UTC; days and hours are those of the calendar's zone. A calendar is walked day by day, so that a
span that crosses midnight, a public holiday or a change of the clocks costs nothing special.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

DAY_MIN = 24 * 60
WEEK_D = 7
# Two instants nearer than this are one: minutes are floats, instants have microseconds.
TICK = timedelta(microseconds=1)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Span:
    """Open from minute `start` up to minute `end` of a local day, 0 ≤ start < end ≤ 1440."""

    start: int
    end: int


WHOLE_DAY = (Span(0, DAY_MIN),)


@dataclass(frozen=True)
class BusinessHours:
    """When work counts: the spans of each weekday, Monday first, and of the days that are unlike their weekday.

    Spans of a day are in order and apart. At least one weekday is open, else no amount of work would ever be done.
    """

    zone: str
    week: Sequence[tuple[Span, ...]]
    days: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert len(self.week) == WEEK_D
        assert any(self.week)

    @property
    def is_round_the_clock(self) -> bool:
        return all(spans == WHOLE_DAY for spans in (*self.week, *self.days.values()))

    def open_spans(self, day: date) -> tuple[Span, ...]:
        """The spans of a local day."""
        special = self.days.get(day)
        return self.week[day.weekday()] if special is None else special

    def after(self, start: datetime, minutes: float) -> datetime:
        """The first instant by which `minutes` of open time have passed since `start`. 0 minutes: `start` itself."""
        left = timedelta(minutes=minutes)
        if left <= timedelta(0):
            return start
        if self.is_round_the_clock:
            return start + left
        for begins, ends in self._open_from(start):
            if ends - begins >= left:
                return begins + left
            left -= ends - begins
        raise AssertionError("a week without an open minute")  # refused in __post_init__

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The open time from `start` to `end`; none where `end` does not come after."""
        if end <= start:
            return timedelta(0)
        if self.is_round_the_clock:
            return end - start
        passed = timedelta(0)
        for begins, ends in self._open_from(start):
            if begins >= end:
                break
            passed += min(ends, end) - begins
        return passed

    def moved(self, due: datetime, *, was_running_from: datetime, runs_from: datetime) -> datetime:
        """`due` of a clock that stood still: what was left of it at `was_running_from` is left at `runs_from`.

        A clock that had run out before it was stopped stays where it was: waiting mends no breach.
        """
        if due <= was_running_from:
            return due
        left = self.between(was_running_from, due)
        return self.after(runs_from, left / timedelta(minutes=1)) if left >= TICK else max(due, runs_from)

    def _open_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Open stretches from `start` on, in order, without overlap."""
        # A day before: where clocks are set back, a stretch of the day before may reach into this instant.
        day, reached = start.astimezone(self._zone).date() - _ONE_DAY, start
        while True:
            for span in self.open_spans(day):
                begins, ends = max(self._instant(day, span.start), reached), self._instant(day, span.end)
                if begins < ends:
                    reached = ends
                    yield begins, ends
            day += _ONE_DAY

    def _instant(self, day: date, minute: int) -> datetime:
        """The instant of a minute of a local day; where clocks are set, that of the first time it is shown."""
        if minute == DAY_MIN:
            day, minute = day + _ONE_DAY, 0
        return datetime.combine(day, time(minute // 60, minute % 60), self._zone).astimezone(UTC)

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


ROUND_THE_CLOCK = BusinessHours("UTC", (WHOLE_DAY,) * WEEK_D)
