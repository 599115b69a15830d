"""Homes and plants that count, hour by hour, by draws of chance: a history for tests, drawn in milliseconds."""

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from predictive.consumption.day_types import DayType, day_types
from predictive.consumption.days import Days, days_of
from predictive.consumption.register import HOUR_MS, Floats, Integers, read_register

ZONE: Final = ZoneInfo("Asia/Shanghai")
FIRST: Final = date(2026, 6, 1)
_WORKDAY: Final = np.array([
    0.12, 0.05, 0.03, 0.03, 0.06, 0.25, 0.75, 1.00, 0.70, 0.35, 0.30, 0.40,
    0.45, 0.30, 0.25, 0.25, 0.45, 0.80, 1.00, 1.00, 0.95, 0.80, 0.50, 0.25,
])  # fmt: skip
_FREE: Final = np.array([
    0.15, 0.07, 0.03, 0.03, 0.04, 0.10, 0.30, 0.60, 0.95, 1.00, 0.90, 0.85,
    0.80, 0.60, 0.50, 0.50, 0.60, 0.85, 1.00, 1.00, 0.95, 0.85, 0.55, 0.30,
])  # fmt: skip
_DRAWS_AN_HOUR: Final = 3.5
_M3_A_DRAW: Final = 0.0085


def start_ms(first: date = FIRST) -> int:
    return int(datetime(first.year, first.month, first.day, tzinfo=ZONE).astimezone(UTC).timestamp() * 1000)


def homes(count: int, days: int, *, seed: int, first: date = FIRST) -> Floats:
    """float64[count, days * 24] m³: homes of one to six people, some away for days, some with guests or hobbies."""
    random = np.random.default_rng(seed)
    habit = np.where(random.random(count) < 0.06, 0.0, random.gamma(4.0, 0.25, count))
    is_free = day_types(first, days) != DayType.WORKDAY
    curve = np.where(is_free[:, None], 1.1 * _FREE, _WORKDAY)
    drift = np.exp(np.cumsum(random.normal(0, 0.015, (count, days)), axis=1))
    rate = _DRAWS_AN_HOUR * habit[:, None, None] * drift[:, :, None] * curve
    for home in range(count):
        for _ in range(random.poisson(days / 45)):
            begins, stay = random.integers(0, days), random.integers(2, 10)
            rate[home, begins : begins + stay] *= random.choice([0.0, 2.0])
    draws = random.poisson(rate)
    return np.asarray(_M3_A_DRAW * random.gamma(1.5 * np.maximum(draws, 1e-9), 1 / 1.5).reshape(count, -1), np.float64)


def plant(days: int, *, seed: int, first: date = FIRST) -> Floats:
    """float64[days * 24] kWh: lights and fans that never rest, a working day's rhythm, slow swings."""
    random = np.random.default_rng(seed)
    is_free = day_types(first, days) != DayType.WORKDAY
    by_hour = 2.5 + np.where(is_free[:, None], 5.0, 12.0) * _WORKDAY
    swing = np.exp(np.cumsum(random.normal(0, 0.01, days)))[:, None]
    return np.asarray((by_hour * swing * random.normal(1, 0.06, by_hour.shape)).ravel(), np.float64)


def shown(use: Floats, *, begins: float = 100.0, step: float = 0.001) -> Floats:
    """float64[H + 1]: what the register shows at each full hour."""
    count = begins + np.concatenate([[0.0], np.cumsum(use)])
    return np.asarray(np.floor(count / step + 1e-6) * step, np.float64)


def times(hours: int, first: date = FIRST) -> Integers:
    """int64[H + 1]: the full hours."""
    return start_ms(first) + HOUR_MS * np.arange(hours + 1, dtype=np.int64)


def days_from(
    register: Floats, ts_ms: Integers | None = None, *, days: int, typical_h: float, first: date = FIRST
) -> Days:
    ts = times(days * 24, first) if ts_ms is None else ts_ms
    read = read_register(ts, register, start_ms=start_ms(first), hours=days * 24)
    return days_of(read, first=first, typical_h=typical_h)


def some_days(use: Floats, *, typical_h: float = 0.013, first: date = FIRST, step: float = 0.001) -> Days:
    return days_from(shown(use, step=step), days=len(use) // 24, typical_h=typical_h, first=first)


def day_after(first: date, days: int) -> date:
    return first + timedelta(days=days)
