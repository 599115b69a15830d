"""An air handling unit: a supply-air loop that heats or cools by its valves, an outdoor damper, a filter that clogs."""

import random

from simulators.physics.faults import DeviceFaults, FaultName, number
from simulators.physics.station import toward
from simulators.physics.tick import WARMTH, Tick

SETPOINT_C, ROOM_C = 18.0, 24.0
BEGINS_H, ENDS_H = 6.0, 22.0
COOLS_K, HEATS_K = 14.0, 20.0  # with a valve fully open
PCT_PER_K_S = 0.05  # of the loop: slow enough for the air's own lag
AIR_TAU_S = 60.0
LEAST_OUTDOOR_PCT = 30.0
CLEAN_FILTER_PA = 85.0
# What shows only while the fan is asked to run: switched on by hand to look at it.
_SHOWN_RUNNING = frozenset({FaultName.FAN_FAILED, FaultName.HEATS_AND_COOLS, FaultName.FILTER_DIRTY})


class AirHandler:
    def __init__(self, *, seed: str) -> None:
        self._random = random.Random(seed)
        self._mixed_c = self._supply_c = 20.0
        self._loop_pct = 30.0  # above 0 it cools, below it heats
        self._heating_pct = self._cooling_pct = 0.0
        self._damper_pct = self._damper_command_pct = 0.0
        self._is_on = self._runs = False
        self._filter_pa = 0.0

    def step(self, tick: Tick, faults: DeviceFaults) -> None:
        self._is_on = BEGINS_H <= tick.hour < ENDS_H or not _SHOWN_RUNNING.isdisjoint(faults)
        self._runs = self._is_on and FaultName.FAN_FAILED not in faults
        self._turn_damper(faults)
        outdoor_c = 12 + 12 * WARMTH.at(tick.hour)
        share = self._damper_pct / 100
        self._mixed_c = toward(self._mixed_c, share * outdoor_c + (1 - share) * ROOM_C, dt_s=tick.dt_s, tau_s=AIR_TAU_S)
        self._control(tick, faults)
        wanted_c = self._mixed_c - COOLS_K * self._cooling_pct / 100 + HEATS_K * self._heating_pct / 100
        self._supply_c = toward(self._supply_c, wanted_c if self._runs else 21.0, dt_s=tick.dt_s, tau_s=AIR_TAU_S)
        dirty = faults.get(FaultName.FILTER_DIRTY)
        self._filter_pa = (number(dirty, "pa") if dirty else CLEAN_FILTER_PA) if self._runs else 0.0

    def _turn_damper(self, faults: DeviceFaults) -> None:
        self._damper_command_pct = LEAST_OUTDOOR_PCT if self._runs else 0.0
        stuck = faults.get(FaultName.DAMPER_STUCK)
        self._damper_pct = number(stuck, "pct") if stuck else self._damper_command_pct

    def _control(self, tick: Tick, faults: DeviceFaults) -> None:
        if not self._runs:
            self._heating_pct = self._cooling_pct = 0.0
            return
        # A step after a pause must not wind the loop up.
        change_pct = PCT_PER_K_S * (self._supply_c - SETPOINT_C) * min(tick.dt_s, AIR_TAU_S)
        self._loop_pct = min(100.0, max(-100.0, self._loop_pct + change_pct))
        self._cooling_pct, self._heating_pct = max(0.0, self._loop_pct), max(0.0, -self._loop_pct)
        if both := faults.get(FaultName.HEATS_AND_COOLS):
            self._heating_pct = number(both, "pct")

    def values(self) -> dict[str, float]:
        """As the profile `ahu-controller` names them."""
        trembles = self._random.gauss
        return {
            "fan_command": int(self._is_on),
            "fan_running": int(self._runs),
            "supply_temp_c": round(self._supply_c + trembles(0, 0.05), 1),
            "supply_setpoint_c": SETPOINT_C,
            "mixed_temp_c": round(self._mixed_c + trembles(0, 0.05), 1),
            "return_temp_c": round(ROOM_C + trembles(0, 0.05), 1),
            "heating_valve_pct": round(self._heating_pct),
            "cooling_valve_pct": round(self._cooling_pct),
            "outdoor_damper_command_pct": round(self._damper_command_pct),
            "outdoor_damper_pct": round(self._damper_pct),
            "filter_dp_pa": round(max(0.0, self._filter_pa + (trembles(0, 2) if self._runs else 0.0))),
            "freeze_alarm": int(self._supply_c < 3.0),
        }
