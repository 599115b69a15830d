"""What stands below the pumps: a sump that seeps full and is pumped out, a floor that is dry, a door that is shut."""

import random

from simulators.physics.faults import DeviceFaults, FaultName, number
from simulators.physics.tick import WARMTH, Tick

SEEPS_PCT_H = 12.0
PUMPS_PCT_H = 300.0
STARTS_ABOVE_PCT, STOPS_BELOW_PCT = 60.0, 15.0
FULLEST_PCT = 105.0


class PumpRoomFloor:
    def __init__(self, *, seed: str) -> None:
        self._random = random.Random(seed)
        self._sump_pct = self._random.uniform(20, 50)
        self._is_pumping = False
        self._is_wet = False
        self._warmth = 0.5

    def step(self, tick: Tick, faults: DeviceFaults) -> None:
        flood = faults.get(FaultName.FLOOR_FLOODED)
        seeps_pct_h = number(flood, "pct_h") if flood else SEEPS_PCT_H
        if self._sump_pct > STARTS_ABOVE_PCT:
            self._is_pumping = True
        elif self._sump_pct < STOPS_BELOW_PCT:
            self._is_pumping = False
        # One that turns and moves nothing: a clogged impeller, an air lock.
        moves = self._is_pumping and FaultName.SUMP_PUMP_CLOGGED not in faults
        change_pct_h = seeps_pct_h - (PUMPS_PCT_H if moves else 0.0)
        self._sump_pct = min(FULLEST_PCT, max(0.0, self._sump_pct + change_pct_h * tick.dt_s / 3600))
        self._is_wet = self._sump_pct >= 100 or flood is not None
        self._warmth = WARMTH.at(tick.hour)

    def values(self) -> dict[str, float]:
        """As the profile `pump-room-monitor` names them."""
        trembles = self._random.gauss
        return {
            "floor_flooded": int(self._is_wet),
            "sump_level_pct": round(max(0.0, self._sump_pct + trembles(0, 0.1)), 1),
            "sump_pump_running": int(self._is_pumping),
            "room_temp_c": round(16 + 6 * self._warmth + trembles(0, 0.1), 1),
            "humidity_pct": round((85 if self._is_wet else 62) + trembles(0, 0.5), 1),
            "door_open": 0,
        }
