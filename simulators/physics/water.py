"""A thousand household water meters at once, as columns: who draws water when, leaks, batteries."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from simulators.physics.faults import DeviceFaults, FaultName, number
from simulators.physics.tick import WATER_USE, YEAR_S, Tick

DRAWS_IN_BUSIEST_HOUR = 9.0
MEAN_DRAW_S = 70.0
BATTERY_LIFE_S = 8 * YEAR_S
M3_PER_YEAR = 150.0

Column = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class WaterMeters:
    """Meters by index, one a home. Flow in litres an hour, volume in cubic metres; volume only ever grows."""

    def __init__(self, count: int, *, seed: int, started_unix_s: float) -> None:
        self._random = np.random.default_rng(seed)
        # Homes differ: one person or six. A few stand empty.
        self._habit = np.where(self._random.random(count) < 0.06, 0.0, self._random.gamma(4.0, 0.25, count))
        years = self._random.uniform(1, 4, count) + (started_unix_s - 1_750_000_000) / YEAR_S
        self.volume_m3: Column = M3_PER_YEAR * self._habit * years
        self._charge: Column = self._random.uniform(70, 100, count)
        self._shown_low: Column = np.full(count, np.inf)
        self._draw_l_h: Column = np.zeros(count)
        self._left_s: Column = np.zeros(count)
        self._leak_l_h: Column = np.zeros(count)
        self._leaking_s: Column = np.zeros(count)
        self._notice_s: Column = np.full(count, np.inf)
        self.flow_l_h: Column = np.zeros(count)

    def step(self, tick: Tick, faults: Mapping[int, DeviceFaults]) -> None:
        """`faults` by index; indices without faults are absent."""
        self._obey(faults)
        count = len(self.volume_m3)
        chance = DRAWS_IN_BUSIEST_HOUR * WATER_USE.at(tick.hour) * self._habit * tick.dt_s / 3600
        begins = (self._left_s <= 0) & (self._random.random(count) < chance)
        if begins.any():
            self._left_s = np.where(begins, self._random.exponential(MEAN_DRAW_S, count), self._left_s)
            self._draw_l_h = np.where(begins, self._random.uniform(180, 900, count), self._draw_l_h)
        self.flow_l_h = np.where(self._left_s > 0, self._draw_l_h, 0.0) + self._leak_l_h
        self.volume_m3 = self.volume_m3 + self.flow_l_h * tick.dt_s / 3_600_000
        self._left_s = np.maximum(0.0, self._left_s - tick.dt_s)
        self._leaking_s = np.where(self._leak_l_h > 0, self._leaking_s + tick.dt_s, 0.0)
        self._charge = np.maximum(0.0, self._charge - 100.0 * tick.wear_dt_s / BATTERY_LIFE_S)

    @property
    def leak(self) -> Flags:
        """What the meter itself says after water ran without a pause for its notice time."""
        noticed: Flags = self._leaking_s >= self._notice_s
        return noticed

    @property
    def battery_pct(self) -> Column:
        shown: Column = np.minimum(self._charge, self._shown_low)
        return shown

    def values(self, index: int) -> dict[str, float]:
        """Point values by key, as the profile `nbiot-water-meter` names them."""
        return {
            "volume_m3": round(float(self.volume_m3[index]), 3),
            "flow_l_h": round(float(self.flow_l_h[index])),
            "leak": int(self.leak[index]),
            "battery_pct": round(float(self.battery_pct[index])),
            "valve_open": 1,
        }

    def _obey(self, faults: Mapping[int, DeviceFaults]) -> None:
        self._leak_l_h[:] = 0.0
        self._notice_s[:] = np.inf
        self._shown_low[:] = np.inf
        for index, active in faults.items():
            if leak := active.get(FaultName.PIPE_LEAK):
                self._leak_l_h[index] = number(leak, "l_h")
                self._notice_s[index] = number(leak, "notice_s")
            if battery := active.get(FaultName.BATTERY_LOW):
                self._shown_low[index] = number(battery, "pct")
