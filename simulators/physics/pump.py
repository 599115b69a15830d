"""A centrifugal pump: its curve, its power, and how its bearing wears."""

import math
import random
from dataclasses import dataclass

from simulators.physics.tick import YEAR_S, Tick

WATER_N_PER_M3 = 1000.0 * 9.81
BAR_PER_M = 0.0981
BEARING_LIFE_H = 20_000.0
SPEED_TAU_S = 1.5
BEARING_TAU_S = 30.0
STANDSTILL = 0.02  # below this share of full speed a pump stands


@dataclass(frozen=True, slots=True)
class PumpCurve:
    """Head over flow at full speed, `shutoff_head_m − curvature · flow²`, and the affinity laws for other speeds."""

    shutoff_head_m: float = 115.0
    curvature: float = 0.0865  # m per (m³/h)²
    rated_rpm: float = 2900.0
    best_flow_m3_h: float = 15.0
    best_efficiency: float = 0.66
    rated_power_w: float = 7500.0

    def head_m(self, *, flow_m3_h: float, speed: float) -> float:
        """Head in metres at a share `speed` of full speed; never below 0."""
        return max(0.0, self.shutoff_head_m * speed**2 - self.curvature * flow_m3_h**2)

    def speed_for(self, *, head_m: float, flow_m3_h: float) -> float:
        """The share of full speed that gives `head_m` at this flow; above 1 means the pump cannot."""
        return math.sqrt((head_m + self.curvature * flow_m3_h**2) / self.shutoff_head_m)

    def power_w(self, *, flow_m3_h: float, speed: float) -> float:
        """Electric power. At no flow a third of the rated power is churned into heat."""
        if speed < STANDSTILL:
            return 0.0
        hydraulic_w = WATER_N_PER_M3 * flow_m3_h / 3600 * self.head_m(flow_m3_h=flow_m3_h, speed=speed)
        share = flow_m3_h / (self.best_flow_m3_h * speed)
        efficiency = self.best_efficiency * max(0.05, 1 - (1 - share) ** 2)
        churning_w = 0.3 * self.rated_power_w * speed**3 * max(0.0, 1 - share)
        return hydraulic_w / efficiency * min(1.0, share * 4) + churning_w


@dataclass(slots=True)
class PumpOrder:
    """What the room's controller and the faults want of a pump in this step.

    `dry`: nothing flows in. `trip_code`: stopped by a fault of this code, 0 for none. `wear_per_s`: extra wear of a
    failing bearing, up to `worn_until`.
    """

    speed: float = 0.0
    flow_m3_h: float = 0.0
    dry: bool = False
    trip_code: int = 0
    wear_per_s: float = 0.0
    worn_until: float = 0.0


class Pump:
    """One pump. Wear runs from 0 (new) to 1 (seized: the motor trips)."""

    SEIZED_CODE = 51  # "blocked", as Grundfos numbers alarms
    DRY_WARNING = 57  # "dry running"

    def __init__(self, curve: PumpCurve, *, seed: str, started_unix_s: float) -> None:
        self._curve = curve
        self._random = random.Random(seed)
        years = self._random.uniform(1, 3) + (started_unix_s - 1_750_000_000) / YEAR_S
        self.run_hours = 4_000.0 * years
        self.energy_kwh = 4_000.0 * years * 3.6
        self._new_wear = min(0.25, self.run_hours / BEARING_LIFE_H * 0.3)
        self.wear = self._new_wear
        self.speed = 0.0
        self.flow_m3_h = 0.0
        self.head_m = 0.0
        self.power_w = 0.0
        self.bearing_temp_c = 27.0
        self.vibration_mm_s = 0.0
        self.fault_code = 0
        self.warning_code = 0
        self._setpoint = 0.0

    @property
    def is_running(self) -> bool:
        return self.speed > STANDSTILL

    @property
    def is_seized(self) -> bool:
        return self.wear >= 1.0

    def step(self, tick: Tick, order: PumpOrder) -> None:
        self.fault_code = order.trip_code or (self.SEIZED_CODE if self.is_seized else 0)
        self.warning_code = self.DRY_WARNING if order.dry and not self.fault_code else 0
        self._setpoint = 0.0 if self.fault_code else min(1.0, order.speed)
        self.speed += (self._setpoint - self.speed) * (1 - math.exp(-tick.dt_s / SPEED_TAU_S))
        if self._setpoint == 0.0 and self.speed < STANDSTILL:
            self.speed = 0.0
        self._pump_water(order)
        self._wear_down(tick, order)
        self._warm_bearing(tick)
        self._count(tick)

    def values(self) -> dict[str, float]:
        """Point values by key, as the profile `grundfos-cim-pump` names them."""
        return {
            "running": int(self.is_running),
            "fault": int(self.fault_code != 0),
            "remote_control": 1,
            "control_mode": 4,  # constant pressure
            "operation_mode": 0,
            "fault_code": self.fault_code,
            "warning_code": self.warning_code,
            "head_bar": self.head_m * BAR_PER_M,
            "flow_m3_h": self.flow_m3_h,
            "speed_rpm": self.speed * self._curve.rated_rpm,
            "setpoint_pct": self._setpoint * 100,
            "power_w": self.power_w,
            "run_hours": self.run_hours,
            "energy_kwh": self.energy_kwh,
            "bearing_temp_c": self.bearing_temp_c,
            "vibration_mm_s": self.vibration_mm_s,
        }

    def replace_bearing(self) -> None:
        """After a repair the bearing is as before the fault, and cool enough to be touched within minutes."""
        self.wear = self._new_wear

    def _pump_water(self, order: PumpOrder) -> None:
        turning = self.is_running
        most_m3_h = self.speed * math.sqrt(self._curve.shutoff_head_m / self._curve.curvature)
        self.flow_m3_h = 0.0 if order.dry or not turning else min(order.flow_m3_h, most_m3_h)
        if order.dry or not turning:
            self.head_m = 0.0
            self.power_w = 0.12 * self._curve.rated_power_w * self.speed**3
            return
        self.head_m = self._curve.head_m(flow_m3_h=self.flow_m3_h, speed=self.speed)
        self.power_w = self._curve.power_w(flow_m3_h=self.flow_m3_h, speed=self.speed) * (1 + 0.15 * self.wear)

    def _wear_down(self, tick: Tick, order: PumpOrder) -> None:
        if not self.is_running:
            return
        self.wear = min(1.0, self.wear + tick.wear_dt_s / 3600 / BEARING_LIFE_H)
        if order.wear_per_s and self.wear < order.worn_until:
            self.wear = min(order.worn_until, self.wear + order.wear_per_s * tick.wear_dt_s)

    def _warm_bearing(self, tick: Tick) -> None:
        load = self.power_w / self._curve.rated_power_w
        target_c = 27.0 + (16.0 * load + 62.0 * self.wear**1.5 if self.is_running else 0.0)
        self.bearing_temp_c += (target_c - self.bearing_temp_c) * (1 - math.exp(-tick.wear_dt_s / BEARING_TAU_S))
        shaking = (1.0 + 0.4 * load + 8.0 * self.wear**2) * self.speed**2
        self.vibration_mm_s = max(0.0, shaking + self._random.gauss(0, 0.04) * self.speed)

    def _count(self, tick: Tick) -> None:
        self.energy_kwh += self.power_w * tick.dt_s / 3_600_000
        if self.is_running:
            self.run_hours += tick.dt_s / 3600
