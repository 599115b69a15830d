"""Elevators, seen every so often: what the last trip and the last closing door left in the terminal's points."""

import numpy as np

from building.equipment import EquipmentKind
from simulators.history.machines import MachineKind, Machines
from simulators.physics.elevator import TRIPS_IN_BUSIEST_HOUR, FaultCode, ServiceMode
from simulators.physics.tick import COMING_HOME, LEAVING, DailyCurve
from simulators.physics.wear import Column, WearFault

# Both ways, in shares of the busiest hour of one.
TRIPS = DailyCurve([LEAVING.at(hour) + COMING_HOME.at(hour) for hour in range(24)])
RUNS_FOR_S, DOOR_OPEN_S = 21.0, 7.0
CURRENT_A, CURRENT_AT_FAILURE_A = 1.9, 1.5
REOPENS, REOPENS_AT_FAILURE = 0.04, 0.5
OFF_BY_AT_FAILURE_MM, SPREAD_MM = 18.0, 1.5
MACHINE_ROOM_AT_FAILURE_C = 17.0
FLOORS = 24
MAINTENANCE = 2.0


def _played(machines: Machines) -> dict[str, Column]:
    worn = machines.wear[WearFault.DOOR_WEAR]
    step_s, moves = machines.span.step_s, 1 - machines.stands
    expected = 2 * TRIPS_IN_BUSIEST_HOUR * machines.load * step_s / 3600 * machines.each(0.7, 1.2) * moves
    trips = machines.chance.poisson(expected).astype(np.float64)
    cycles = trips + machines.chance.poisson(trips * np.minimum(2.0, REOPENS + REOPENS_AT_FAILURE * worn))
    open_s = DOOR_OPEN_S * machines.each(0.9, 1.1) * (1 + 0.5 * worn)
    runs = _now_and_then(machines, trips * RUNS_FOR_S / step_s)
    is_open = (1 - runs) * _now_and_then(machines, cycles * open_s / step_s)
    current = machines.each(0.9, 1.1) * (CURRENT_A + CURRENT_AT_FAILURE_A * worn) + machines.noise(0.08) * (
        1 + 2 * worn
    )
    fails = machines.has_failed * (worn > 0)
    age = machines.each(300_000, 900_000)
    return {
        "service_mode": np.where(machines.has_failed > 0, float(ServiceMode.STOP),
                                 np.where(machines.is_serviced > 0, MAINTENANCE, float(ServiceMode.NORMAL))),
        "running": runs, "direction": runs * machines.chance.integers(1, 3, runs.shape),
        "floor": 1.0 + machines.chance.integers(0, FLOORS, runs.shape) * (trips > 0), "door_zone": 1 - runs,
        "door_closed": 1 - is_open,
        "door_open_s": np.round(is_open * open_s * machines.chance.uniform(0, 1, runs.shape), 1),
        "passenger_present": np.maximum(runs, is_open) * (machines.chance.random(runs.shape) < 0.7),
        "passenger_trapped": 0 * runs, "alarm_button": 0 * runs,
        "fault_code": fails * float(FaultCode.DOOR_DOES_NOT_CLOSE),
        "run_count": np.floor(age) + np.cumsum(trips, axis=1),
        "run_hours": np.round(age * RUNS_FOR_S / 3600 + np.cumsum(trips, axis=1) * RUNS_FOR_S / 3600, 2),
        "door_cycles": np.floor(age * 1.04) + np.cumsum(cycles, axis=1),
        "door_motor_current_a": np.round(_as_of_the_last(trips, current), 2),
        "levelling_error_mm": np.round(_as_of_the_last(trips, _levelling_mm(machines)), 1) + 0.0,
        "machine_room_temp_c": np.round(_room_c(machines, trips), 1),
    }  # fmt: skip


def _levelling_mm(machines: Machines) -> Column:
    """A worn brake lets the car slip past its landing, and less alike from stop to stop."""
    worn = machines.wear[WearFault.LEVELLING_DRIFT]
    side = np.where(machines.chance.random((machines.count, 1)) < 0.5, -1.0, 1.0)
    spread = machines.noise(SPREAD_MM) * (1 + 1.5 * worn)
    return np.asarray(machines.each(-1, 0.5) - 0.4 * machines.load + side * OFF_BY_AT_FAILURE_MM * worn + spread)


def _room_c(machines: Machines, trips: Column) -> Column:
    worn = machines.wear[WearFault.MACHINE_ROOM_COOLING]
    outdoor = machines.span.outdoor_c
    motor = 0.22 * trips * 600 / machines.span.step_s
    return np.asarray(
        machines.each(21, 25) + 0.25 * outdoor + motor + worn * (MACHINE_ROOM_AT_FAILURE_C + 0.2 * outdoor)
        + machines.wander(0.4, keep_s=7200) + machines.noise(0.15)
    )  # fmt: skip


def _now_and_then(machines: Machines, share: Column) -> Column:
    """1.0 at the samples that happen to fall into it."""
    return (machines.chance.random(share.shape) < share).astype(np.float64)


def _as_of_the_last(trips: Column, values: Column) -> Column:
    """At each sample the value of the last one at which there was a trip."""
    rows = np.where(trips > 0, np.arange(values.shape[1]), 0)
    return np.asarray(np.take_along_axis(values, np.maximum.accumulate(rows, axis=1), axis=1))


ELEVATORS = MachineKind(
    "elevators", "LIFT", EquipmentKind.ELEVATOR, "gb24476-elevator",
    (WearFault.DOOR_WEAR, WearFault.LEVELLING_DRIFT, WearFault.MACHINE_ROOM_COOLING), TRIPS,
    {"door_motor_current_a": 0.06, "levelling_error_mm": 0.8, "machine_room_temp_c": 0.8}, _played,
)  # fmt: skip
