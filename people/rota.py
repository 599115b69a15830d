"""Shifts that come again. Pure: a rota and a span of days in, shifts out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MAX_SHIFT_HOURS = 24


@dataclass(frozen=True)
class RotaPattern:
    """Every `every_days` days from `first_day` on, `hours` long, from `starts_minute` minutes after local midnight."""

    first_day: date
    every_days: int
    starts_minute: int
    hours: int


def shifts_of(
    pattern: RotaPattern, *, timezone: str, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """The (start, end) of its shifts, UTC, that end after `start` and begin before `end`.

    A shift is `hours` long by the clock on the wall: on the night the clocks change it is an hour shorter or longer,
    so that the next one still meets it.
    """
    zone = ZoneInfo(timezone)
    day = start.astimezone(zone).date() - timedelta(days=1)  # yesterday's night shift may still run
    behind = (pattern.first_day - day).days
    day += timedelta(days=behind if behind >= 0 else behind % pattern.every_days)
    while (begins := _local(day, pattern.starts_minute, zone)) < end:
        ends = _local(day, pattern.starts_minute + pattern.hours * 60, zone)
        if ends > start:
            yield begins, ends
        day += timedelta(days=pattern.every_days)


def _local(day: date, minute: int, zone: ZoneInfo) -> datetime:
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    return wall.replace(tzinfo=zone).astimezone(UTC)
