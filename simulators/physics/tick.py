"""One step of simulated time, and the daily rhythm of a residential site."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

import numpy as np
import numpy.typing as npt

from kit.clock import from_ms

DAY_S = 86_400.0
YEAR_S = 365.0 * DAY_S


@dataclass(frozen=True, slots=True)
class Tick:
    """A step of `dt_s` seconds that ends at `unix_s`.

    `hour` is local time of day in [0, 24). `wear_dt_s` is `dt_s` times the speed-up: slow processes (wear, heat,
    batteries) use it, so that a demonstration need not last for months.
    """

    dt_s: float
    unix_s: float
    hour: float
    wear_dt_s: float

    @classmethod
    def at(cls, unix_s: float, *, dt_s: float, timezone: tzinfo, speed: float = 1.0) -> "Tick":
        local = from_ms(int(unix_s * 1000)).astimezone(timezone)
        hour = local.hour + local.minute / 60 + local.second / 3600
        return cls(dt_s=dt_s, unix_s=unix_s, hour=hour, wear_dt_s=dt_s * speed)


class DailyCurve:
    """A quantity by hour of day: 24 values at full hours, straight lines between, midnight joins midnight."""

    def __init__(self, hourly: Sequence[float]) -> None:
        if len(hourly) != 24:
            raise ValueError(f"a daily curve has 24 values, not {len(hourly)}")
        self._hourly = (*hourly, hourly[0])
        self.mean = sum(hourly) / 24
        self.peak = max(hourly)

    def at(self, hour: float) -> float:
        index = int(hour) % 24
        share = hour - int(hour)
        return self._hourly[index] * (1 - share) + self._hourly[index + 1] * share

    def over(self, hours: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """`at` for many hours of day at once."""
        return np.asarray(np.interp(hours, np.arange(25.0), self._hourly), np.float64)


# Shares of the busiest hour, half a day a line. People leave from 7 to 9 and come home from 17 to 20.
LEAVING = DailyCurve([
    0.02, 0.01, 0.01, 0.01, 0.02, 0.08, 0.35, 0.95, 1.00, 0.50, 0.30, 0.30,
    0.35, 0.30, 0.25, 0.25, 0.30, 0.35, 0.35, 0.30, 0.25, 0.20, 0.10, 0.05,
])  # fmt: skip
COMING_HOME = DailyCurve([
    0.06, 0.03, 0.01, 0.01, 0.01, 0.02, 0.05, 0.10, 0.15, 0.20, 0.25, 0.40,
    0.50, 0.30, 0.25, 0.30, 0.50, 0.85, 1.00, 0.80, 0.55, 0.40, 0.25, 0.12,
])  # fmt: skip
WATER_USE = DailyCurve([
    0.12, 0.07, 0.05, 0.05, 0.08, 0.25, 0.75, 1.00, 0.80, 0.55, 0.45, 0.50,
    0.55, 0.40, 0.35, 0.35, 0.45, 0.70, 0.95, 1.00, 0.95, 0.80, 0.50, 0.25,
])  # fmt: skip
LIGHTING = DailyCurve([
    0.70, 0.60, 0.55, 0.55, 0.55, 0.60, 0.60, 0.30, 0.20, 0.15, 0.15, 0.15,
    0.15, 0.15, 0.15, 0.20, 0.30, 0.60, 0.90, 1.00, 1.00, 1.00, 0.95, 0.85,
])  # fmt: skip
BASEMENT = DailyCurve([
    0.30, 0.25, 0.25, 0.25, 0.30, 0.45, 0.75, 1.00, 0.85, 0.60, 0.55, 0.60,
    0.60, 0.50, 0.50, 0.50, 0.55, 0.75, 0.95, 1.00, 0.90, 0.75, 0.50, 0.35,
])  # fmt: skip
WARMTH = DailyCurve([
    0.25, 0.20, 0.15, 0.10, 0.05, 0.00, 0.05, 0.15, 0.30, 0.45, 0.60, 0.75,
    0.85, 0.95, 1.00, 1.00, 0.95, 0.85, 0.75, 0.65, 0.55, 0.45, 0.40, 0.30,
])  # fmt: skip
