"""Every fault by name: what it may happen to and which parameters it takes. Parameters are checked here, once."""

from collections.abc import Mapping
from dataclasses import dataclass

from building.equipment import EquipmentKind
from simulators.errors import BadFaultParameter, FaultDoesNotFit, UnknownFault
from simulators.physics.faults import FaultName, ParameterValue
from simulators.physics.safety_stations import PANEL_STATES


@dataclass(frozen=True)
class Number:
    """A numeric parameter with its plausible range."""

    default: float
    low: float
    high: float
    meaning: str

    def check(self, fault: FaultName, name: str, value: object) -> ParameterValue:
        expected = f"{self.low:g} … {self.high:g}"
        try:
            number = float(str(value))
        except ValueError:
            raise BadFaultParameter(fault.value, name, expected) from None
        if not self.low <= number <= self.high:
            raise BadFaultParameter(fault.value, name, expected)
        return number


@dataclass(frozen=True)
class Word:
    """A parameter that is one of a few words, or (with no `choices`) the name of a point."""

    default: str
    meaning: str
    choices: tuple[str, ...] = ()

    def check(self, fault: FaultName, name: str, value: object) -> ParameterValue:
        word = str(value).lower()
        if self.choices and word not in self.choices:
            raise BadFaultParameter(fault.value, name, " | ".join(self.choices))
        return word


@dataclass(frozen=True)
class FaultKind:
    """A fault: the kinds of device it may happen to (None: every kind) and its parameters. `profile`: where devices of
    one kind are quite different things, the only ones it may happen to."""

    name: FaultName
    devices: frozenset[EquipmentKind] | None
    meaning: str
    parameters: Mapping[str, Number | Word]
    profile: str | None = None

    def fits(self, kind: EquipmentKind, profile: str | None = None) -> bool:
        if self.profile is not None and profile != self.profile:
            return False
        return self.devices is None or kind in self.devices

    def complete(self, given: Mapping[str, object]) -> dict[str, ParameterValue]:
        """The given parameters checked, the others by default. Raises BadFaultParameter."""
        for name in given:
            if name not in self.parameters:
                raise BadFaultParameter(self.name.value, name, ", ".join(self.parameters) or "-")
        return {
            name: parameter.check(self.name, name, given[name]) if name in given else parameter.default
            for name, parameter in self.parameters.items()
        }


# The point a distorted sensor distorts when nobody names one.
MAIN_POINT: Mapping[EquipmentKind, str] = {
    EquipmentKind.ELEVATOR: "machine_room_temp_c",
    EquipmentKind.PUMP: "head_bar",
    EquipmentKind.ELECTRICITY_METER: "power_kw",
    EquipmentKind.SMOKE_DETECTOR: "smoke_level",
    EquipmentKind.WATER_METER: "flow_l_h",
    EquipmentKind.TANK: "level_pct",
    EquipmentKind.AHU: "supply_temp_c",
    EquipmentKind.GAS_DETECTOR: "gas_pct_lel",
}

_ELEVATOR = frozenset({EquipmentKind.ELEVATOR})
_PUMP = frozenset({EquipmentKind.PUMP})
_METER = frozenset({EquipmentKind.ELECTRICITY_METER})
_SMOKE = frozenset({EquipmentKind.SMOKE_DETECTOR})
_WATER = frozenset({EquipmentKind.WATER_METER})
_TANK = frozenset({EquipmentKind.TANK})
_AHU = frozenset({EquipmentKind.AHU})
_PANEL = frozenset({EquipmentKind.FIRE_PANEL})
_GAS = frozenset({EquipmentKind.GAS_DETECTOR})
_SENSOR = frozenset({EquipmentKind.SENSOR})

_KINDS = (
    FaultKind(FaultName.PASSENGER_TRAPPED, _ELEVATOR, "the car stands between two landings with somebody inside", {}),
    FaultKind(FaultName.DOOR_STUCK, _ELEVATOR, "the door meets an obstacle and opens again, over and over", {}),
    FaultKind(
        FaultName.ELEVATOR_FAULT, _ELEVATOR, "the controller reports a fault and takes the car out of service",
        {"code": Number(1, 1, 8, "fault code after GB/T 24476")},
    ),
    FaultKind(
        FaultName.LEVELLING_ERROR, _ELEVATOR, "the car stops beside the landing",
        {"mm": Number(25, -200, 200, "millimetres above the landing")},
    ),
    FaultKind(
        FaultName.MACHINE_ROOM_HOT, _ELEVATOR, "the machine room's cooling fails",
        {"temp_c": Number(46, 30, 70, "temperature it rises to, °C")},
    ),
    FaultKind(
        FaultName.BEARING_WEAR, _PUMP, "a bearing fails: vibration first, heat next",
        {
            "minutes": Number(5, 0.05, 100_000, "minutes from new to worn out, before the speed-up"),
            "until": Number(0.9, 0.1, 1, "share of wear it stops at; 1 seizes the pump"),
        },
    ),
    FaultKind(FaultName.DRY_RUN, _PUMP, "no water flows in while the pump turns", {}),
    FaultKind(
        FaultName.PUMP_FAULT, _PUMP, "the pump stops by itself with an alarm code",
        {"code": Number(48, 1, 254, "alarm code as Grundfos numbers them; 48 is overload")},
    ),
    FaultKind(
        FaultName.SMOKE, _SMOKE, "a fire grows near the detector",
        {"growth_s": Number(1, 0.1, 3600, "seconds until the detector's alarm threshold")},
    ),
    FaultKind(
        FaultName.BATTERY_LOW, _SMOKE | _WATER, "the battery is nearly empty",
        {"pct": Number(8, 0, 100, "charge it shows, %")},
    ),
    FaultKind(FaultName.TAMPER, _SMOKE, "somebody takes the detector off its base", {}),
    FaultKind(
        FaultName.PIPE_LEAK, _WATER, "water runs in the home without a pause",
        {
            "l_h": Number(240, 1, 3000, "litres an hour"),
            "notice_s": Number(5, 0, 864_000, "seconds until the meter itself calls it a leak"),
        },
    ),
    FaultKind(
        FaultName.PHASE_LOSS, _METER, "one phase of the supply is lost",
        {"phase": Word("b", "which phase", ("a", "b", "c"))},
    ),
    FaultKind(
        FaultName.OVERLOAD, _METER, "far more is drawn than the feeder is made for",
        {"kw": Number(90, 1, 1000, "power drawn, kW")},
    ),
    FaultKind(
        FaultName.PIPE_BURST, _TANK, "a main behind the tank bursts: its level falls fast",
        {"m3_h": Number(150, 1, 1000, "m³ an hour that run out")},
    ),
    FaultKind(
        FaultName.FLOAT_VALVE_STUCK, _TANK, "the inlet stays open: the tank runs over",
        {"m3_h": Number(400, 0, 1000, "m³ an hour that flow in; 0: it stays shut and the tank runs dry")},
    ),
    FaultKind(
        FaultName.CHLORINE_OFF, _TANK, "the dosing of chlorine is wrong",
        {"mg_l": Number(0.02, 0, 10, "residual chlorine it goes to, mg/L")},
    ),
    FaultKind(
        FaultName.TURBID_WATER, _TANK, "the water turns cloudy", {"ntu": Number(3, 0, 100, "turbidity it goes to, NTU")}
    ),
    FaultKind(FaultName.HATCH_OPEN, _TANK, "somebody opens the tank's cover", {}),
    FaultKind(
        FaultName.FLOOR_FLOODED, _SENSOR, "water stands on the floor and the sump fills up",
        {"pct_h": Number(900, 0, 36_000, "how fast the sump fills, % an hour")}, profile="pump-room-monitor",
    ),
    FaultKind(
        FaultName.SUMP_PUMP_CLOGGED, _SENSOR, "the sump's pump turns and moves nothing", {}, profile="pump-room-monitor"
    ),
    FaultKind(FaultName.FAN_FAILED, _AHU, "the fan is told to run and stands still", {}),
    FaultKind(
        FaultName.DAMPER_STUCK, _AHU, "the outdoor damper does not follow",
        {"pct": Number(80, 0, 100, "where it stays, % open")},
    ),
    FaultKind(
        FaultName.HEATS_AND_COOLS, _AHU, "the heating valve stays open while it cools",
        {"pct": Number(30, 0, 100, "how far, %")},
    ),
    FaultKind(
        FaultName.FILTER_DIRTY, _AHU, "the filter is clogged", {"pa": Number(260, 0, 2000, "pressure drop, Pa")}
    ),
    FaultKind(FaultName.FIRE_ALARM, _PANEL, "the panel reports a fire", {}),
    FaultKind(
        FaultName.PANEL_TROUBLE, _PANEL, "the panel is not as it should be",
        {"what": Word("fault", "which of its states", PANEL_STATES)},
    ),
    FaultKind(
        FaultName.GAS_LEAK, _GAS, "gas escapes near the detector",
        {"pct_lel": Number(25, 0, 100, "concentration it goes to, % of the lower explosive limit")},
    ),
    FaultKind(FaultName.GAS_VALVE_STUCK, _GAS, "the shut-off valve does not close at an alarm", {}),
    FaultKind(
        FaultName.RESIDUAL_CURRENT, _SENSOR, "current leaks to earth",
        {"ma": Number(450, 0, 10_000, "residual current, mA")}, profile="electrical-fire-monitor",
    ),
    FaultKind(
        FaultName.CABLE_HOT, _SENSOR, "a cable's clamp is loose and heats up",
        {"temp_c": Number(95, 0, 200, "temperature it goes to, °C")}, profile="electrical-fire-monitor",
    ),
    FaultKind(FaultName.OFFLINE, None, "the device (or all behind a gateway) falls silent", {}),
    FaultKind(
        FaultName.STUCK_SENSOR, frozenset(MAIN_POINT), "a sensor repeats its last value",
        {"point": Word("", "point that sticks; the main one unless named")},
    ),
    FaultKind(
        FaultName.NOISE, frozenset(MAIN_POINT), "a sensor's value jumps about",
        {
            "point": Word("", "point that jumps; the main one unless named"),
            "sigma": Number(5, 0.0001, 100_000, "standard deviation, in the point's unit"),
        },
    ),
)  # fmt: skip

CATALOG: Mapping[FaultName, FaultKind] = {kind.name: kind for kind in _KINDS}


def fault_kind(name: str) -> FaultKind:
    """Raises UnknownFault, which lists the names there are."""
    try:
        return CATALOG[FaultName(name.strip().lower().replace("_", "-"))]
    except ValueError:
        raise UnknownFault(name, ", ".join(FaultName)) from None


def require_fit(kind: FaultKind, *, device: str, equipment: EquipmentKind, profile: str | None) -> None:
    """Raises FaultDoesNotFit, which lists what may happen to this kind of device."""
    if not kind.fits(equipment, profile):
        known = ", ".join(name for name, other in CATALOG.items() if other.fits(equipment, profile))
        raise FaultDoesNotFit(kind.name.value, device, equipment.value, known)
