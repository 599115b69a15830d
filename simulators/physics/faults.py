"""The faults physics knows. What a user may start, with which parameters, is `simulators.faults.catalog`."""

from collections.abc import Mapping
from enum import StrEnum


class FaultName(StrEnum):
    PASSENGER_TRAPPED = "passenger-trapped"
    DOOR_STUCK = "door-stuck"
    ELEVATOR_FAULT = "elevator-fault"
    LEVELLING_ERROR = "levelling-error"
    MACHINE_ROOM_HOT = "machine-room-hot"
    BEARING_WEAR = "bearing-wear"
    DRY_RUN = "dry-run"
    PUMP_FAULT = "pump-fault"
    SMOKE = "smoke"
    BATTERY_LOW = "battery-low"
    TAMPER = "tamper"
    PIPE_LEAK = "pipe-leak"
    PHASE_LOSS = "phase-loss"
    OVERLOAD = "overload"
    PIPE_BURST = "pipe-burst"
    FLOAT_VALVE_STUCK = "float-valve-stuck"
    CHLORINE_OFF = "chlorine-off"
    TURBID_WATER = "turbid-water"
    HATCH_OPEN = "hatch-open"
    FLOOR_FLOODED = "floor-flooded"
    SUMP_PUMP_CLOGGED = "sump-pump-clogged"
    FAN_FAILED = "fan-failed"
    DAMPER_STUCK = "damper-stuck"
    HEATS_AND_COOLS = "heats-and-cools"
    FILTER_DIRTY = "filter-dirty"
    FIRE_ALARM = "fire-alarm"
    PANEL_TROUBLE = "panel-trouble"
    GAS_LEAK = "gas-leak"
    GAS_VALVE_STUCK = "gas-valve-stuck"
    RESIDUAL_CURRENT = "residual-current"
    CABLE_HOT = "cable-hot"
    OFFLINE = "offline"
    STUCK_SENSOR = "stuck-sensor"
    NOISE = "noise"


ParameterValue = float | str
Parameters = Mapping[str, ParameterValue]
# The faults one device has now, with their parameters, complete and checked.
DeviceFaults = Mapping[FaultName, Parameters]

NO_FAULTS: DeviceFaults = {}


def number(parameters: Parameters, name: str) -> float:
    """A numeric parameter. The catalog has checked that it is one."""
    value = parameters[name]
    assert isinstance(value, float | int)
    return float(value)
