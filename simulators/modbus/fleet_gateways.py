"""The gateways of a fleet, made from the devices' declared addresses, and kept listening or dead as faults say."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from building.equipment import EquipmentKind
from building.profile import BadProfile, DeviceProfile, parse_profile
from kit.supervision.ports import require_free
from simulators.fleet.devices import Device
from simulators.fleet.fleet import Fleet
from simulators.modbus.gateway import ModbusGateway, Unit
from simulators.modbus.registers import RegisterMap, register_map

_MODBUS_KINDS = frozenset({EquipmentKind.PUMP, EquipmentKind.ELECTRICITY_METER})


def load_profiles(folder: Path) -> dict[str, DeviceProfile]:
    """The device library as data. Raises BadProfile."""
    profiles = [parse_profile(tomllib.loads(file.read_text("utf-8"))) for file in sorted(folder.glob("*.toml"))]
    return {profile.key: profile for profile in profiles}


class FleetGateways:
    """All gateways. `shift` moves every declared port, so that two fleets fit on one machine."""

    def __init__(self, fleet: Fleet, profiles: Mapping[str, DeviceProfile], *, shift: int) -> None:
        self._fleet = fleet
        maps = {key: register_map(profiles[key]) for key in _profiles_in_use(fleet, profiles)}
        units: dict[tuple[str, int], list[Unit]] = {}
        carriers: dict[tuple[str, int], Device] = {}
        for device in fleet.register:
            if device.kind not in _MODBUS_KINDS or device.profile is None:
                continue
            endpoint = (str(device.address["host"]), int(device.address["port"]) + shift)
            units.setdefault(endpoint, []).append(_unit(fleet, device, maps[device.profile]))
            carriers[endpoint] = fleet.register.find(device.carriers[0]) if device.carriers else device
        self.gateways = [
            ModbusGateway(code=carriers[endpoint].code, host=endpoint[0], port=endpoint[1], units=members)
            for endpoint, members in units.items()
        ]

    async def open(self) -> None:
        """Raises PortTaken, naming the setting, when another program listens on one of the ports."""
        for gateway in self.gateways:
            require_free(gateway.host, gateway.port, setting="HUB_SIM_MODBUS_PORT")
        for gateway in self.gateways:
            await gateway.start()

    async def close(self) -> None:
        for gateway in self.gateways:
            await gateway.stop()

    async def mind_power(self) -> None:
        """A gateway that is offline closes its socket; one that is back listens again."""
        for gateway in self.gateways:
            is_dead = self._fleet.is_offline(self._fleet.register.find(gateway.code))
            if is_dead and gateway.is_listening:
                await gateway.stop()
            elif not is_dead and not gateway.is_listening:
                await gateway.start()


def _unit(fleet: Fleet, device: Device, registers: RegisterMap) -> Unit:
    return Unit(
        unit_id=int(device.address["unit"]),
        registers=registers,
        values=lambda: fleet.values(device.code),
        is_silent=lambda: fleet.is_offline(device),
    )


def _profiles_in_use(fleet: Fleet, profiles: Mapping[str, DeviceProfile]) -> set[str]:
    used = {device.profile for device in fleet.register if device.kind in _MODBUS_KINDS and device.profile}
    if missing := used - profiles.keys():
        raise BadProfile(f"profile {', '.join(sorted(missing))} is not in the folder HUB_SIM_PROFILES names")
    return used
