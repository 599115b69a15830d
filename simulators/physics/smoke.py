"""Hundreds of smoke detectors at once, as columns: smoke and heat of a growing fire, batteries, covers, radio."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from simulators.physics.faults import DeviceFaults, FaultName, number
from simulators.physics.tick import WARMTH, YEAR_S, Tick

ALARM_DB_M = 0.15
CLEAR_DB_M = 0.07
THICKEST_DB_M = 4.0
BATTERY_LIFE_S = 3 * YEAR_S
AIRING_TAU_S = 6.0
FIRE_C_PER_S = 1.5
HOTTEST_C = 85.0

Column = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class SmokeDetectors:
    """Detectors by index. Smoke of a fire grows with the square of time (a "t-squared" fire)."""

    def __init__(self, count: int, *, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._background = self._random.uniform(0.005, 0.02, count)
        self._fire_s: Column = np.zeros(count)
        self._growth_s: Column = np.ones(count)
        self._burns: Flags = np.zeros(count, bool)
        self._charge: Column = self._random.uniform(60, 100, count)
        self._shown_low: Column = np.full(count, np.inf)  # a worn battery shows no more than this
        self._signal_dbm = self._random.uniform(-108, -82, count)
        self._ambient_c = 20.0
        self._extra_c: Column = np.zeros(count)
        self.level: Column = self._background.copy()
        self.smoke: Flags = np.zeros(count, bool)
        self.tamper: Flags = np.zeros(count, bool)

    def step(self, tick: Tick, faults: Mapping[int, DeviceFaults]) -> None:
        """`faults` by index; indices without faults are absent."""
        self._obey(faults)
        self._fire_s = np.where(self._burns, self._fire_s + tick.dt_s, 0.0)
        burning = np.minimum(THICKEST_DB_M, 1.05 * ALARM_DB_M * (self._fire_s / self._growth_s) ** 2)
        airing = (self.level - self._background) * np.exp(-tick.dt_s / AIRING_TAU_S)
        self.level = self._background + np.where(self._burns, np.maximum(burning, airing), airing)
        self.smoke = np.where(self.smoke, self.level > CLEAR_DB_M, self.level >= ALARM_DB_M)
        self._ambient_c = 16.0 + 8.0 * WARMTH.at(tick.hour)
        heated = np.minimum(HOTTEST_C, self._extra_c + FIRE_C_PER_S * tick.dt_s)
        self._extra_c = np.where(self._burns, heated, self._extra_c * np.exp(-tick.dt_s / (10 * AIRING_TAU_S)))
        self._charge = np.maximum(0.0, self._charge - 100.0 * tick.wear_dt_s / BATTERY_LIFE_S)

    @property
    def battery_pct(self) -> Column:
        shown: Column = np.minimum(self._charge, self._shown_low)
        return shown

    def values(self, index: int) -> dict[str, float]:
        """Point values by key, as the profile `nbiot-smoke` names them."""
        return {
            "smoke": int(self.smoke[index]),
            "smoke_level": round(float(self.level[index]), 3),
            "temperature_c": round(self._ambient_c + float(self._extra_c[index]), 1),
            "battery_pct": round(float(self.battery_pct[index])),
            "tamper": int(self.tamper[index]),
            "signal_dbm": round(float(self._signal_dbm[index])),
        }

    def _obey(self, faults: Mapping[int, DeviceFaults]) -> None:
        self._burns[:] = False
        self.tamper[:] = False
        self._shown_low[:] = np.inf
        for index, active in faults.items():
            if smoke := active.get(FaultName.SMOKE):
                self._burns[index] = True
                self._growth_s[index] = number(smoke, "growth_s")
            if battery := active.get(FaultName.BATTERY_LOW):
                self._shown_low[index] = number(battery, "pct")
            self.tamper[index] = FaultName.TAMPER in active
