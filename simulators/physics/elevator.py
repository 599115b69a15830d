"""A traction elevator: trips of residents, doors, load, levelling, counters, the machine room's temperature."""

import math
import random
from collections import deque
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from simulators.physics.elevator_travel import ElevatorSpec, Travel
from simulators.physics.faults import DeviceFaults, FaultName, Parameters, number
from simulators.physics.tick import COMING_HOME, LEAVING, WARMTH, YEAR_S, Tick

TRIPS_IN_BUSIEST_HOUR = 32.0  # for each direction; 48 homes share a car
TRIPS_PER_YEAR = 170_000
PERSON_KG = 68.0
RATED_LOAD_KG = 1000.0
WAITING_TRIPS = 12  # people who find more than this waiting take the stairs
HOT_ROOM_TAU_S = 40.0
ROOM_TAU_S = 1800.0
BUTTON_AFTER_S = 3.0  # who is trapped finds the alarm button after this
REOPEN_AFTER = 0.5  # share of its way a blocked door makes before it opens again


class Phase(StrEnum):
    IDLE = "idle"
    MOVING = "moving"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    TRAPPED = "trapped"  # standing between two landings with somebody inside
    OUT_OF_SERVICE = "out_of_service"


class ServiceMode(IntEnum):
    """As GB/T 24476 numbers them."""

    STOP = 0
    NORMAL = 1


class FaultCode(IntEnum):
    """As GB/T 24476 numbers them."""

    NONE = 0
    DOOR_DOES_NOT_CLOSE = 2
    STOPPED_OUTSIDE_DOOR_ZONE = 4


@dataclass(frozen=True, slots=True)
class Stop:
    """A landing to serve, and how many people get in (or out, negative) there."""

    floor: int
    boarding: int


class Elevator:
    """One car in its shaft. `step` moves it on; `values` is what its monitoring terminal reports."""

    def __init__(self, spec: ElevatorSpec, *, seed: str, started_unix_s: float) -> None:
        self._spec = spec
        self._random = random.Random(seed)
        self._phase = Phase.IDLE
        self._phase_s = 0.0
        self._position_m = spec.height_m(self._random.randint(1, spec.floors))
        self._travel: Travel | None = None
        self._stops: deque[Stop] = deque()
        self._persons = 0
        self._door_open_s = 0.0
        self._close_attempts = 0
        self._fault_code = 0
        self._levelling_mm = self._random.gauss(0, 1.5)
        self._door_current_a = 1.9
        self._room_c = 29.0
        # Counters as of an age of two to six years, so that a restart does not turn them back by much.
        years = self._random.uniform(2, 6) + (started_unix_s - 1_750_000_000) / YEAR_S
        self._run_count = int(TRIPS_PER_YEAR * years)
        self._door_cycles = int(TRIPS_PER_YEAR * years * 1.04)
        self._run_hours = TRIPS_PER_YEAR * years * 21 / 3600

    @property
    def phase(self) -> Phase:
        return self._phase

    @property
    def position_m(self) -> float:
        return self._position_m

    @property
    def load_kg(self) -> float:
        return self._persons * PERSON_KG

    def step(self, tick: Tick, faults: DeviceFaults) -> None:
        self._phase_s += tick.dt_s
        self._take_calls(tick)
        self._warm_machine_room(tick, faults.get(FaultName.MACHINE_ROOM_HOT))
        self._offset_levelling(faults.get(FaultName.LEVELLING_ERROR))
        self._obey(faults)
        self._move_on(tick, faults)
        is_closed = self._phase not in (Phase.OPENING, Phase.OPEN, Phase.CLOSING)
        self._door_open_s = 0.0 if is_closed else self._door_open_s + tick.dt_s

    def values(self) -> dict[str, float]:
        """Point values by key, as the profile `gb24476-elevator` names them."""
        trapped = self._phase is Phase.TRAPPED
        moving = self._phase is Phase.MOVING
        stopped = trapped or self._phase is Phase.OUT_OF_SERVICE
        return {
            "service_mode": ServiceMode.STOP if stopped else ServiceMode.NORMAL,
            "running": int(moving),
            "direction": self._direction(),
            "floor": self._spec.nearest_floor(self._position_m),
            "door_zone": int(self._spec.in_door_zone(self._position_m)),
            "door_closed": int(self._phase not in (Phase.OPENING, Phase.OPEN, Phase.CLOSING)),
            "door_open_s": round(self._door_open_s, 1),
            "passenger_present": int(self._persons > 0),
            "passenger_trapped": int(trapped),
            "alarm_button": int(trapped and self._phase_s >= BUTTON_AFTER_S),
            "fault_code": self._fault_code,
            "run_count": self._run_count,
            "run_hours": round(self._run_hours, 2),
            "door_cycles": self._door_cycles,
            "door_motor_current_a": round(self._door_current_a, 2),
            "levelling_error_mm": round(self._levelling_mm, 1) + 0.0,  # -0.0 reads oddly
            "machine_room_temp_c": round(self._room_c, 1),
        }

    # --- demand -------------------------------------------------------------------------------------------------

    def _take_calls(self, tick: Tick) -> None:
        for curve, leaving in ((LEAVING, True), (COMING_HOME, False)):
            calls_expected = TRIPS_IN_BUSIEST_HOUR * curve.at(tick.hour) * tick.dt_s / 3600
            if self._random.random() < calls_expected and len(self._stops) < 2 * WAITING_TRIPS:
                self._add_trip(leaving=leaving)

    def _add_trip(self, *, leaving: bool) -> None:
        home = self._random.randint(2, self._spec.floors)
        start, end = (home, 1) if leaving else (1, home)
        persons = self._random.choices((1, 2, 3, 4), weights=(62, 25, 9, 4))[0]
        self._stops += [Stop(start, persons), Stop(end, -persons)]

    # --- faults -------------------------------------------------------------------------------------------------

    def _obey(self, faults: DeviceFaults) -> None:
        """Lets faults that stop the car take hold, and lets go of it when they end."""
        if FaultName.PASSENGER_TRAPPED in faults:
            if self._phase is not Phase.TRAPPED:
                self._trap()
        elif self._phase is Phase.TRAPPED:
            self._release()
        if fault := faults.get(FaultName.ELEVATOR_FAULT):
            self._fault_code = int(number(fault, "code"))
            if self._phase in (Phase.IDLE, Phase.CLOSING, Phase.OPEN, Phase.OPENING):
                self._enter(Phase.OUT_OF_SERVICE)
        elif self._phase is Phase.OUT_OF_SERVICE:
            self._fault_code = FaultCode.NONE
            self._enter(Phase.IDLE)
        if FaultName.DOOR_STUCK in faults:
            if self._phase is Phase.IDLE:
                self._enter(Phase.OPENING)
        elif self._fault_code == FaultCode.DOOR_DOES_NOT_CLOSE and FaultName.ELEVATOR_FAULT not in faults:
            self._fault_code = FaultCode.NONE

    def _trap(self) -> None:
        if self._spec.in_door_zone(self._position_m):
            at_top = self._spec.nearest_floor(self._position_m) == self._spec.floors
            self._position_m += -1.2 if at_top else 1.2
        self._persons = max(self._persons, 1)
        self._travel = None
        self._fault_code = FaultCode.STOPPED_OUTSIDE_DOOR_ZONE
        self._enter(Phase.TRAPPED)

    def _release(self) -> None:
        """The car is brought to the nearest landing, where everybody leaves."""
        self._fault_code = FaultCode.NONE
        landing = self._spec.nearest_floor(self._position_m)
        self._stops.clear()
        self._stops.append(Stop(landing, -self._persons))
        self._depart(landing)

    # --- motion -------------------------------------------------------------------------------------------------

    def _move_on(self, tick: Tick, faults: DeviceFaults) -> None:
        match self._phase:
            case Phase.IDLE if self._stops:
                self._serve_next()
            case Phase.MOVING:
                self._run(tick)
            case Phase.OPENING if self._phase_s >= self._spec.open_s:
                self._let_people_through()
            case Phase.OPEN if self._phase_s >= self._spec.dwell_s:
                self._enter(Phase.CLOSING)
            case Phase.CLOSING:
                self._close(is_blocked=FaultName.DOOR_STUCK in faults)
            case _:
                pass

    def _serve_next(self) -> None:
        floor = self._stops[0].floor
        if floor == self._spec.nearest_floor(self._position_m):
            self._enter(Phase.OPENING)
        else:
            self._depart(floor)

    def _depart(self, floor: int) -> None:
        self._travel = Travel(self._position_m, self._spec.height_m(floor), self._spec)
        self._run_count += 1
        self._enter(Phase.MOVING)

    def _run(self, tick: Tick) -> None:
        assert self._travel is not None
        self._run_hours += tick.dt_s / 3600
        self._position_m = self._travel.position_m(self._phase_s)
        if self._phase_s < self._travel.duration_s:
            return
        self._travel = None
        # A heavy car hangs a little lower: ropes stretch.
        self._levelling_mm = self._random.gauss(-2.0 * self.load_kg / RATED_LOAD_KG, 1.5)
        self._enter(Phase.OPENING)

    def _let_people_through(self) -> None:
        landing = self._spec.nearest_floor(self._position_m)
        while self._stops and self._stops[0].floor == landing:
            room = int(RATED_LOAD_KG / PERSON_KG) - self._persons
            self._persons = max(0, self._persons + min(self._stops.popleft().boarding, room))
        self._close_attempts = 0
        self._enter(Phase.OPEN)

    def _close(self, *, is_blocked: bool) -> None:
        if is_blocked and self._phase_s >= self._spec.close_s * REOPEN_AFTER:
            self._close_attempts += 1
            self._door_current_a = self._random.gauss(4.2, 0.15)
            self._fault_code = self._fault_code or FaultCode.DOOR_DOES_NOT_CLOSE
            self._enter(Phase.OPEN)
        elif self._phase_s >= self._spec.close_s:
            self._door_current_a = self._random.gauss(1.9, 0.08)
            self._door_cycles += 1
            self._enter(Phase.IDLE)

    def _enter(self, phase: Phase) -> None:
        self._phase = phase
        self._phase_s = 0.0

    def _direction(self) -> int:
        if self._travel is None:
            return 0
        return 1 if self._travel.upward else 2

    # --- slow quantities ----------------------------------------------------------------------------------------

    def _warm_machine_room(self, tick: Tick, fault: Parameters | None) -> None:
        motor_c = 4.0 if self._phase is Phase.MOVING else 0.0
        target_c, tau_s = 25.0 + 7.0 * WARMTH.at(tick.hour) + motor_c, ROOM_TAU_S
        if fault is not None:
            target_c, tau_s = number(fault, "temp_c"), HOT_ROOM_TAU_S
        elif self._room_c > 36.0:  # somebody opened the door: a hot room cools faster than it warms
            tau_s = HOT_ROOM_TAU_S * 4
        self._room_c += (target_c - self._room_c) * (1 - math.exp(-tick.wear_dt_s / tau_s))

    def _offset_levelling(self, fault: Parameters | None) -> None:
        if fault is not None:
            self._levelling_mm = number(fault, "mm") + self._random.gauss(0, 0.5)
        elif abs(self._levelling_mm) > 10.0:
            self._levelling_mm = self._random.gauss(0, 1.5)
