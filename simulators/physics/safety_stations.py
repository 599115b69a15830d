"""What warns of fire and gas: a fire panel, a gas detector with its valve, a monitor of earth leakage and heat."""

import random

from simulators.physics.faults import DeviceFaults, FaultName, number
from simulators.physics.station import toward
from simulators.physics.tick import BASEMENT, Tick

GAS_ALARM_PCT_LEL, GAS_CLEAR_PCT_LEL = 10.0, 5.0
REOPENED_AFTER_S = 60.0
PANEL_STATES = (
    "fault", "isolated", "supervisory", "mains_fault", "standby_fault", "loop_fault", "manual_mode", "line_fault",
)  # fmt: skip


class FirePanel:
    """All quiet, unless somebody presses something."""

    def __init__(self, *, seed: str) -> None:
        self._states: dict[str, float] = dict.fromkeys(("fire_alarm", *PANEL_STATES), 0)

    def step(self, tick: Tick, faults: DeviceFaults) -> None:
        self._states = dict.fromkeys(self._states, 0)
        self._states["fire_alarm"] = int(FaultName.FIRE_ALARM in faults)
        if trouble := faults.get(FaultName.PANEL_TROUBLE):
            self._states[str(trouble["what"])] = 1

    def values(self) -> dict[str, float]:
        """As the profile `gb26875-fire-panel` names them."""
        return dict(self._states)


class GasDetector:
    """Closes its valve by itself at its alarm; somebody opens it again when the gas has been gone for a minute."""

    def __init__(self, *, seed: str) -> None:
        self._gas_pct_lel = 0.0
        self._alarms = False
        self._is_open = True
        self._clear_s = 0.0

    def step(self, tick: Tick, faults: DeviceFaults) -> None:
        leak = faults.get(FaultName.GAS_LEAK)
        target = number(leak, "pct_lel") if leak else 0.0
        self._gas_pct_lel = toward(self._gas_pct_lel, target, dt_s=tick.dt_s, tau_s=3.0)
        threshold = GAS_CLEAR_PCT_LEL if self._alarms else GAS_ALARM_PCT_LEL
        self._alarms = self._gas_pct_lel >= threshold
        self._clear_s = 0.0 if self._alarms else self._clear_s + tick.dt_s
        if self._alarms and FaultName.GAS_VALVE_STUCK not in faults:
            self._is_open = False
        elif self._clear_s >= REOPENED_AFTER_S:
            self._is_open = True

    def values(self) -> dict[str, float]:
        """As the profile `gas-detector` names them."""
        return {
            "gas_alarm": int(self._alarms),
            "valve_open": int(self._is_open),
            "gas_pct_lel": round(self._gas_pct_lel, 1),
            "sensor_fault": 0,
        }


class ElectricalFireMonitor:
    """A distribution board: some leakage of every appliance, cables warm by what is drawn."""

    def __init__(self, *, seed: str) -> None:
        self._random = random.Random(seed)
        self._usual_ma = self._random.uniform(40, 90)
        self._residual_ma = self._usual_ma
        self._cable_c = 35.0

    def step(self, tick: Tick, faults: DeviceFaults) -> None:
        leak, heat = faults.get(FaultName.RESIDUAL_CURRENT), faults.get(FaultName.CABLE_HOT)
        wanted_ma = number(leak, "ma") if leak else self._usual_ma
        wanted_c = number(heat, "temp_c") if heat else 28 + 16 * BASEMENT.at(tick.hour)
        self._residual_ma = toward(self._residual_ma, wanted_ma, dt_s=tick.dt_s, tau_s=2.0)
        self._cable_c = toward(self._cable_c, wanted_c, dt_s=tick.wear_dt_s, tau_s=30.0)

    def values(self) -> dict[str, float]:
        """As the profile `electrical-fire-monitor` names them."""
        return {
            "residual_current_ma": round(max(0.0, self._residual_ma + self._random.gauss(0, 3))),
            "cable_temp_c": round(self._cable_c + self._random.gauss(0, 0.2), 1),
            "detector_fault": 0,
        }
