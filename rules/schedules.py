"""Hours of the week, in the local time of a site: `22:00-06:00`, `Mon-Fri 08:00-18:00, Sat 09:00-12:00`."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from rules.history import FAR

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MINUTES_A_DAY = 24 * 60
_STRETCH = re.compile(r"(?:([a-z]{3})(?:-([a-z]{3}))? +)?(\d{1,2}):(\d\d) *- *(\d{1,2}):(\d\d)")
# Boundaries are worked out for so many days at a time, and some days around them.
_CHUNK_DAYS, _AROUND_DAYS = 32, 9
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Stretch:
    """On these weekdays (0 is Monday) from one minute of the day to another; one not later is that of the next day."""

    days: tuple[int, ...]
    start_min: int
    end_min: int


Schedule = tuple[Stretch, ...]


def parse_schedule(text: str) -> Schedule:
    """Raises ValueError for what is no schedule."""
    return tuple(_stretch(part.strip().lower()) for part in text.split(","))


def are_within(schedule: Schedule, zone: str, at_ms: Ints) -> Flags:
    """Which instants (UTC ms) are in the schedule, by the clocks of the zone."""
    found = np.zeros(len(at_ms), np.bool_)
    for chunk in np.unique(at_ms // (_CHUNK_DAYS * _DAY_MS)).tolist():
        here = at_ms // (_CHUNK_DAYS * _DAY_MS) == chunk
        # Every boundary turns from outside to inside or back.
        found[here] = np.searchsorted(_boundaries(schedule, zone, chunk), at_ms[here], side="right") % 2 == 1
    return found


def next_boundary_ms(schedule: Schedule, zone: str, at_ms: Ints) -> Ints:
    """When, after these instants, the schedule begins or ends; FAR where it does not within a week."""
    found = np.full(len(at_ms), FAR, np.int64)
    for chunk in np.unique(at_ms // (_CHUNK_DAYS * _DAY_MS)).tolist():
        here = at_ms // (_CHUNK_DAYS * _DAY_MS) == chunk
        boundaries = np.append(_boundaries(schedule, zone, chunk), FAR)
        found[here] = boundaries[np.searchsorted(boundaries, at_ms[here], side="right")]
    return found


def _stretch(text: str) -> Stretch:
    match = _STRETCH.fullmatch(text)
    if match is None:
        raise ValueError("a schedule is written like 22:00-06:00 or Mon-Fri 08:00-18:00, Sat 09:00-12:00")
    first, last, *clock = match.groups()
    if not {first, last} <= {None, *_DAYS}:
        raise ValueError("days are Mon, Tue, Wed, Thu, Fri, Sat and Sun")
    start_min, end_min = (int(hour) * 60 + int(minute) for hour, minute in (clock[:2], clock[2:]))
    if start_min >= _MINUTES_A_DAY or end_min > _MINUTES_A_DAY or int(clock[1]) > 59 or int(clock[3]) > 59:
        raise ValueError("hours go from 00:00 to 24:00")
    return Stretch(_weekdays(first, last), start_min, end_min)


def _weekdays(first: str | None, last: str | None) -> tuple[int, ...]:
    if first is None:
        return tuple(range(7))
    begin, end = _DAYS.index(first), _DAYS.index(last or first)
    return tuple((begin + n) % 7 for n in range((end - begin) % 7 + 1))


@lru_cache(maxsize=256)
def _boundaries(schedule: Schedule, zone: str, chunk: int) -> Ints:
    """Begins and ends, UTC ms, ascending, around a chunk of days; what touches or overlaps is one."""
    first = datetime.fromtimestamp(chunk * _CHUNK_DAYS * 86_400, UTC).date() - timedelta(days=_AROUND_DAYS)
    days = [first + timedelta(days=n) for n in range(_CHUNK_DAYS + 2 * _AROUND_DAYS)]
    spans = sorted(
        _span_ms(day, stretch, ZoneInfo(zone)) for day in days for stretch in schedule if day.weekday() in stretch.days
    )
    merged: list[list[int]] = []
    for start_ms, end_ms in spans:
        if merged and start_ms <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end_ms)
        else:
            merged.append([start_ms, end_ms])
    return np.array(merged, np.int64).reshape(-1)


def _span_ms(day: date, stretch: Stretch, zone: ZoneInfo) -> tuple[int, int]:
    next_day = stretch.end_min <= stretch.start_min
    return _local_ms(day, stretch.start_min, zone), _local_ms(day + timedelta(days=next_day), stretch.end_min, zone)


def _local_ms(day: date, minute: int, zone: ZoneInfo) -> int:
    whole_days, minute = divmod(minute, _MINUTES_A_DAY)
    local = datetime.combine(day + timedelta(days=whole_days), time(minute // 60, minute % 60), tzinfo=zone)
    return int(local.timestamp() * 1000)
