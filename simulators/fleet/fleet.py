"""All devices of one site, stepped together."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from building.declaration import SiteDeclaration
from building.equipment import EquipmentKind
from simulators.errors import BadFaultParameter
from simulators.faults.book import ActiveFault, FaultBook
from simulators.faults.catalog import MAIN_POINT, fault_kind, require_fit
from simulators.fleet.devices import Device, DeviceRegister
from simulators.fleet.distortion import Distortions
from simulators.fleet.stations import STATIONS
from simulators.physics.electricity import LOADS, ElectricityMeter, LoadKind
from simulators.physics.elevator import Elevator
from simulators.physics.elevator_travel import ElevatorSpec
from simulators.physics.faults import NO_FAULTS, DeviceFaults, FaultName, ParameterValue
from simulators.physics.pump import Pump
from simulators.physics.pump_room import PumpRoom
from simulators.physics.smoke import SmokeDetectors
from simulators.physics.tick import Tick
from simulators.physics.water import WaterMeters

# Units 1 and 2 of a building's meter gateway measure its elevators, 3 the public lighting, 4 the basement.
_LOAD_OF_UNIT = {1: LoadKind.ELEVATOR, 2: LoadKind.ELEVATOR, 3: LoadKind.LIGHTING, 4: LoadKind.POWER}


WARM_UP_STEPS = 240


@dataclass(frozen=True)
class FaultRequest:
    """A fault somebody asks for, unchecked. `duration_s` None: until it is ended."""

    name: str
    device: str
    parameters: Mapping[str, object]
    duration_s: float | None


class Fleet:
    """The physics of every device by equipment code. Knows no wire and no clock: callers say how far to step."""

    def __init__(self, site: SiteDeclaration, *, seed: int, speed: float, started_unix_s: float) -> None:
        self.site = site
        self.register = DeviceRegister(site)
        self.faults = FaultBook()
        self._timezone = ZoneInfo(site.timezone)
        self._speed = speed
        self._distortions = Distortions(seed=seed)
        self.elevators = {
            device.code: Elevator(ElevatorSpec(), seed=f"{seed}/{device.code}", started_unix_s=started_unix_s)
            for device in self.register.of_kind(EquipmentKind.ELEVATOR)
        }
        self._rooms = _pump_rooms(self.register, seed=seed, started_unix_s=started_unix_s)
        self._pumps: Mapping[str, Pump] = {code: pump for room in self._rooms for code, pump in room.pumps.items()}
        self._meters = {
            device.code: ElectricityMeter(
                LOADS[_LOAD_OF_UNIT.get(int(device.address.get("unit", 0)), LoadKind.POWER)],
                seed=f"{seed}/{device.code}", started_unix_s=started_unix_s,
            )
            for device in self.register.of_kind(EquipmentKind.ELECTRICITY_METER)
        }  # fmt: skip
        self.smoke_codes = [device.code for device in self.register.of_kind(EquipmentKind.SMOKE_DETECTOR)]
        self.water_codes = [device.code for device in self.register.of_kind(EquipmentKind.WATER_METER)]
        self.smoke = SmokeDetectors(len(self.smoke_codes), seed=seed)
        self.water = WaterMeters(len(self.water_codes), seed=seed + 1, started_unix_s=started_unix_s)
        self.stations = {
            device.code: STATIONS[device.profile](f"{seed}/{device.code}")
            for device in self.register
            if device.profile is not None and device.profile in STATIONS
        }
        self._warm_up(started_unix_s)
        self._smoke_index = {code: index for index, code in enumerate(self.smoke_codes)}
        self._water_index = {code: index for index, code in enumerate(self.water_codes)}

    # --- time ---------------------------------------------------------------------------------------------------

    def step_elevators(self, *, unix_s: float, dt_s: float) -> None:
        tick = self._tick(unix_s, dt_s)
        for code, elevator in self.elevators.items():
            elevator.step(tick, self.faults.of(code))

    def step_others(self, *, unix_s: float, dt_s: float) -> None:
        tick = self._tick(unix_s, dt_s)
        for room in self._rooms:
            room.step(tick, self.faults.by_device)
        for code, meter in self._meters.items():
            meter.step(tick, self.faults.of(code))
        for code, station in self.stations.items():
            station.step(tick, self.faults.of(code))
        self.smoke.step(tick, self._by_index(self._smoke_index))
        self.water.step(tick, self._by_index(self._water_index))

    # --- what devices report ------------------------------------------------------------------------------------

    def values(self, code: str) -> dict[str, float]:
        """What the device would report now, by point key; empty for a gateway or power supply."""
        faults = self.faults.of(code)
        values = self._true_values(code)
        return self._distortions.apply(code, values, faults) if faults and values else values

    def is_offline(self, device: Device) -> bool:
        """Whether the device itself, its gateway or their power is silent."""
        return any(self.faults.has(code, FaultName.OFFLINE) for code in (device.code, *device.carriers))

    # --- faults -------------------------------------------------------------------------------------------------

    def check_fault(self, request: FaultRequest) -> tuple[FaultName, Device, dict[str, ParameterValue]]:
        """What would be started. Raises UnknownFault, UnknownDevice, FaultDoesNotFit, BadFaultParameter."""
        kind = fault_kind(request.name)
        device = self.register.find(request.device)
        require_fit(kind, device=device.code, equipment=device.kind, profile=device.profile)
        parameters = kind.complete(request.parameters)
        if "point" in parameters:
            parameters["point"] = self._point(device, kind.name, parameters["point"])
        return kind.name, device, parameters

    def start_fault(self, request: FaultRequest, *, now: datetime) -> ActiveFault:
        """Raises what `check_fault` does."""
        name, device, parameters = self.check_fault(request)
        self._distortions.forget(device.code)
        return self.faults.start(
            name, device=device.code, parameters=parameters, now=now, duration_s=request.duration_s
        )

    def stop_fault(self, fault_id: UUID) -> None:
        """Raises FaultNotFound."""
        self.faults.stop(fault_id)

    # --- private ------------------------------------------------------------------------------------------------

    def _warm_up(self, unix_s: float) -> None:
        """What has run for a while: pressure is up, bearings are warm and the air is cool when somebody first looks."""
        tick = self._tick(unix_s, 1.0)
        for room in self._rooms:
            for _ in range(WARM_UP_STEPS):
                room.step(tick, {})
        for station in self.stations.values():
            for _ in range(WARM_UP_STEPS):
                station.step(tick, NO_FAULTS)

    def _true_values(self, code: str) -> dict[str, float]:
        if elevator := self.elevators.get(code):
            return elevator.values()
        if pump := self._pumps.get(code):
            return pump.values()
        if meter := self._meters.get(code):
            return meter.values()
        if station := self.stations.get(code):
            return station.values()
        if code in self._smoke_index:
            return self.smoke.values(self._smoke_index[code])
        if code in self._water_index:
            return self.water.values(self._water_index[code])
        return {}

    def _point(self, device: Device, fault: FaultName, named: ParameterValue) -> str:
        point = str(named) or MAIN_POINT[device.kind]
        known = self._true_values(device.code)
        if point not in known:
            raise BadFaultParameter(fault.value, "point", " | ".join(known))
        return point

    def _by_index(self, index: Mapping[str, int]) -> dict[int, DeviceFaults]:
        return {index[code]: faults for code, faults in self.faults.by_device.items() if code in index}

    def _tick(self, unix_s: float, dt_s: float) -> Tick:
        return Tick.at(unix_s, dt_s=dt_s, timezone=self._timezone, speed=self._speed)


def _pump_rooms(register: DeviceRegister, *, seed: int, started_unix_s: float) -> list[PumpRoom]:
    """Pumps behind one gateway stand in one room and feed one riser."""
    rooms: dict[str, list[str]] = {}
    for pump in register.of_kind(EquipmentKind.PUMP):
        room = pump.carriers[0] if pump.carriers else pump.code
        rooms.setdefault(room, []).append(pump.code)
    return [PumpRoom(codes, seed=f"{seed}/{room}", started_unix_s=started_unix_s) for room, codes in rooms.items()]
