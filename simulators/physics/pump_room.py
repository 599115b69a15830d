"""A pump room: pumps side by side that keep the pressure of a riser constant while its homes draw water."""

import math
import random
from collections.abc import Mapping, Sequence

from simulators.physics.faults import NO_FAULTS, DeviceFaults, FaultName, number
from simulators.physics.pump import Pump, PumpCurve, PumpOrder
from simulators.physics.tick import WATER_USE, Tick

SETPOINT_M = 92.0  # 24 floors and 2 bar at the topmost tap
PEAK_DEMAND_M3_H = 26.0  # three buildings of 96 homes
ONE_MORE_ABOVE_M3_H = 15.0
ONE_LESS_BELOW_M3_H = 11.0
DEMAND_TAU_S = 60.0


class PumpRoom:
    """The pumps of one room by equipment code, and the demand they share."""

    def __init__(self, codes: Sequence[str], *, seed: str, started_unix_s: float) -> None:
        self._curve = PumpCurve()
        self._random = random.Random(seed)
        self.pumps: Mapping[str, Pump] = {
            code: Pump(self._curve, seed=f"{seed}/{code}", started_unix_s=started_unix_s) for code in codes
        }
        self._swing = 0.0
        self._on_duty = 1
        self._worn: set[str] = set()

    def step(self, tick: Tick, faults: Mapping[str, DeviceFaults]) -> None:
        """`faults` by pump code; codes without faults may be absent."""
        demand_m3_h = self._demand(tick)
        duty = self._choose(demand_m3_h, faults)
        pumping = [code for code in duty if FaultName.DRY_RUN not in faults.get(code, NO_FAULTS)]
        share_m3_h = demand_m3_h / len(pumping) if pumping else 0.0
        for code, pump in self.pumps.items():
            order = self._order(faults.get(code, NO_FAULTS))
            if code in duty:
                order.flow_m3_h = share_m3_h
                order.speed = 1.0 if order.dry else self._curve.speed_for(head_m=SETPOINT_M, flow_m3_h=share_m3_h)
            self._mind_bearing(code, pump, is_worn=FaultName.BEARING_WEAR in faults.get(code, NO_FAULTS))
            pump.step(tick, order)

    def _demand(self, tick: Tick) -> float:
        """The daily curve and a swing around it that forgets itself within a minute."""
        keep = math.exp(-tick.dt_s / DEMAND_TAU_S)
        self._swing = self._swing * keep + self._random.gauss(0, 0.12) * math.sqrt(1 - keep**2)
        return PEAK_DEMAND_M3_H * WATER_USE.at(tick.hour) * max(0.2, 1 + self._swing)

    def _choose(self, demand_m3_h: float, faults: Mapping[str, DeviceFaults]) -> list[str]:
        """The pumps on duty. One with a fault that shows only when it turns goes first, as if switched on by hand."""

        def shows_when_turning(code: str) -> bool:
            return not {FaultName.BEARING_WEAR, FaultName.DRY_RUN}.isdisjoint(faults.get(code, NO_FAULTS))

        ready = [
            code
            for code, pump in self.pumps.items()
            if not pump.is_seized and FaultName.PUMP_FAULT not in faults.get(code, NO_FAULTS)
        ]
        ready.sort(key=lambda code: not shows_when_turning(code))  # stable: otherwise the lower number leads
        if demand_m3_h / self._on_duty > ONE_MORE_ABOVE_M3_H:
            self._on_duty = min(self._on_duty + 1, len(self.pumps))
        elif self._on_duty > 1 and demand_m3_h / (self._on_duty - 1) < ONE_LESS_BELOW_M3_H:
            self._on_duty -= 1
        forced = sum(FaultName.DRY_RUN in faults.get(code, NO_FAULTS) for code in ready)
        return ready[: self._on_duty + forced]

    def _order(self, faults: DeviceFaults) -> PumpOrder:
        order = PumpOrder(dry=FaultName.DRY_RUN in faults)
        if trip := faults.get(FaultName.PUMP_FAULT):
            order.trip_code = int(number(trip, "code"))
        if wear := faults.get(FaultName.BEARING_WEAR):
            order.wear_per_s = 1 / (60 * number(wear, "minutes"))
            order.worn_until = number(wear, "until")
        return order

    def _mind_bearing(self, code: str, pump: Pump, *, is_worn: bool) -> None:
        if is_worn:
            self._worn.add(code)
        elif code in self._worn:
            self._worn.discard(code)
            pump.replace_bearing()
