"""A meter's history by days of its site: hours of a day side by side, totals, and what night leaves running. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from predictive.consumption.day_types import day_types
from predictive.consumption.register import HOUR_MS, Floats, Integers, Register

DAY_MS: Final = 24 * HOUR_MS
# When the fewest people draw anything: 00:00 to 06:00.
NIGHT_HOURS: Final = 6
# A meter whose readings come further apart says nothing of hours, only of days.
HOURLY_AT_MOST_H: Final = 1.6


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """Whole days of standard local time, oldest first; NaN where unknown.

    first: the first day. start_ms: when it began. hours: float64[D, 24], what was used in each. totals: float64[D],
    known also where single hours are not. types: int64[D] of DayType. night: float64[D], the least that ran through
    any `night_window_h` hours of the night, an hour.
    """

    first: date
    start_ms: int
    hours: Floats
    totals: Floats
    types: Integers
    night: Floats
    night_window_h: int
    is_hourly: bool

    def __len__(self) -> int:
        return len(self.totals)

    @property
    def known(self) -> int:
        """How many days have a total."""
        return int(np.isfinite(self.totals).sum())

    def day_ms(self, index: int) -> int:
        return self.start_ms + index * DAY_MS

    def before(self, index: int) -> "Days":
        """The days before one: what a forecast made on its morning may know."""
        return Days(
            first=self.first, start_ms=self.start_ms, hours=self.hours[:index], totals=self.totals[:index],
            types=self.types[:index], night=self.night[:index], night_window_h=self.night_window_h,
            is_hourly=self.is_hourly,
        )  # fmt: skip


def standard_offset(zone: ZoneInfo, at: datetime) -> timedelta:
    """The zone's offset without summer time: every day has 24 hours, and hours mean the same all year."""
    local = at.astimezone(zone)
    return (local.utcoffset() or timedelta()) - (local.dst() or timedelta())


def first_midnight_ms(zone: ZoneInfo, at: datetime) -> int:
    """The beginning of the day of standard local time that holds `at`."""
    local = at.astimezone(timezone(standard_offset(zone, at)))
    return int(local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)


def local_day(zone: ZoneInfo, ts_ms: int) -> date:
    at = datetime.fromtimestamp(ts_ms / 1000, UTC)
    return (at + standard_offset(zone, at)).replace(tzinfo=None).date()


def days_of(register: Register, *, first: date, typical_h: float) -> Days:
    """The whole days of a register that starts at a midnight, `first`.

    `typical_h`: what such meters use in an hour of the day; it decides how long a night must be looked at to see a
    small flow by the steps of this register.
    """
    days = (len(register.count) - 1) // 24
    used = register.use[: days * 24].reshape(days, 24)
    is_hourly = register.step_h is not None and register.step_h <= HOURLY_AT_MOST_H
    hours = used if is_hourly else np.full_like(used, np.nan)
    window = night_window(register.resolution, typical_h=typical_h)
    return Days(
        first=first, start_ms=register.start_ms, hours=hours, totals=register.used(24)[::24][:days],
        types=day_types(first, days), night=_nights(hours, window), night_window_h=window, is_hourly=is_hourly,
    )  # fmt: skip


def night_window(resolution: float, *, typical_h: float) -> int:
    """Hours: the shortest window in which one step of the register is a twentieth of what is typical, or the night."""
    for window in (1, 2, 3, 4):
        if resolution <= 0.05 * typical_h * window:
            return window
    return NIGHT_HOURS


def _nights(hours: Floats, window: int) -> Floats:
    """float64[D]: the least mean of `window` hours on end in each night; NaN where an hour of the night is unknown."""
    night = hours[:, :NIGHT_HOURS]
    if not len(night):
        return np.empty(0)
    windows = np.lib.stride_tricks.sliding_window_view(night, window, axis=1)
    return np.asarray(windows.mean(axis=2).min(axis=1), np.float64)
