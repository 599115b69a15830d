"""A drinking-water tank: homes draw from it, a float valve fills it, chlorine fades, sensors tremble."""

import random

from simulators.physics.faults import DeviceFaults, FaultName, number
from simulators.physics.station import toward
from simulators.physics.tick import WATER_USE, Tick

VOLUME_M3 = 60.0
PEAK_DEMAND_M3_H = 26.0
INLET_M3_H = 45.0
OPENS_BELOW_PCT, CLOSES_ABOVE_PCT = 75.0, 90.0
OVERFLOW_PCT = 99.0
FULLEST_PCT = 101.0
CHLORINE_MG_L, TURBIDITY_NTU = 0.3, 0.25


class Tank:
    def __init__(self, *, seed: str) -> None:
        self._random = random.Random(seed)
        self._level_pct = self._random.uniform(78, 88)
        self._is_filling = False
        self._chlorine_mg_l = CHLORINE_MG_L
        self._turbidity_ntu = TURBIDITY_NTU
        self._is_open = False

    def step(self, tick: Tick, faults: DeviceFaults) -> None:
        flows_m3_h = self._inlet(faults) - PEAK_DEMAND_M3_H * WATER_USE.at(tick.hour)
        if burst := faults.get(FaultName.PIPE_BURST):
            flows_m3_h -= number(burst, "m3_h")
        level_pct = self._level_pct + 100 * flows_m3_h / VOLUME_M3 * tick.dt_s / 3600
        self._level_pct = min(FULLEST_PCT, max(0.0, level_pct))
        chlorine, turbid = faults.get(FaultName.CHLORINE_OFF), faults.get(FaultName.TURBID_WATER)
        wanted_mg_l = number(chlorine, "mg_l") if chlorine else CHLORINE_MG_L
        wanted_ntu = number(turbid, "ntu") if turbid else TURBIDITY_NTU
        self._chlorine_mg_l = toward(self._chlorine_mg_l, wanted_mg_l, dt_s=tick.wear_dt_s, tau_s=120)
        self._turbidity_ntu = toward(self._turbidity_ntu, wanted_ntu, dt_s=tick.wear_dt_s, tau_s=60)
        self._is_open = FaultName.HATCH_OPEN in faults

    def _inlet(self, faults: DeviceFaults) -> float:
        """m³/h. A float valve that sticks fills on; nothing else stops the water then."""
        if stuck := faults.get(FaultName.FLOAT_VALVE_STUCK):
            return number(stuck, "m3_h")
        if self._level_pct > CLOSES_ABOVE_PCT:
            self._is_filling = False
        elif self._level_pct < OPENS_BELOW_PCT:
            self._is_filling = True
        return INLET_M3_H if self._is_filling else 0.0

    def values(self) -> dict[str, float]:
        """As the profile `water-tank` names them."""
        trembles = self._random.gauss
        return {
            "level_pct": round(max(0.0, self._level_pct + trembles(0, 0.1)), 1),
            "overflow": int(self._level_pct >= OVERFLOW_PCT),
            "hatch_open": int(self._is_open),
            "residual_chlorine_mg_l": round(max(0.0, self._chlorine_mg_l + trembles(0, 0.002)), 3),
            "turbidity_ntu": round(max(0.0, self._turbidity_ntu + trembles(0, 0.01)), 2),
            "ph": round(7.4 + trembles(0, 0.02), 2),
            "water_temp_c": round(14 + trembles(0, 0.1), 1),
        }
