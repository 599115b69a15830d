"""Which equipment of a declared site is played, and how it hangs together."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from building.declaration import EquipmentDeclaration, SiteDeclaration
from building.equipment import EquipmentKind
from simulators.errors import UnknownDevice

# Gateways and power supplies report nothing themselves, but what hangs on them falls silent with them.
_CARRIERS = frozenset({EquipmentKind.GATEWAY, EquipmentKind.POWER_SUPPLY})


@dataclass(frozen=True)
class Device:
    """One device of the fleet. `carriers`: the gateway and power supply it depends on, nearest first."""

    code: str
    name: str
    kind: EquipmentKind
    profile: str | None
    external_id: str
    address: Mapping[str, Any]
    carriers: tuple[str, ...]


class DeviceRegister:
    """Every device of the fleet by its equipment code."""

    def __init__(self, site: SiteDeclaration) -> None:
        declared = {item.code: item for item in site.equipment}
        self._devices = {
            item.code: _device(item, declared)
            for item in site.equipment
            if item.profile is not None or item.kind in _CARRIERS
        }

    def __iter__(self) -> Iterator[Device]:
        return iter(self._devices.values())

    def __len__(self) -> int:
        return len(self._devices)

    def find(self, code: str) -> Device:
        """Raises UnknownDevice with codes that look alike."""
        wanted = code.strip().upper()
        if device := self._devices.get(wanted):
            return device
        alike = difflib.get_close_matches(wanted, self._devices, n=4, cutoff=0.75)
        raise UnknownDevice(code, ", ".join(alike or self._examples()))

    def of_kind(self, kind: EquipmentKind) -> list[Device]:
        return [device for device in self._devices.values() if device.kind is kind]

    def _examples(self) -> list[str]:
        """The first code of each kind."""
        first: dict[EquipmentKind, str] = {}
        for device in self._devices.values():
            first.setdefault(device.kind, device.code)
        return list(first.values())


def _device(item: EquipmentDeclaration, declared: Mapping[str, EquipmentDeclaration]) -> Device:
    carriers: list[str] = []
    parent = item.parent
    while parent is not None and declared[parent].kind in _CARRIERS:
        carriers.append(parent)
        parent = declared[parent].parent
    return Device(item.code, item.name, item.kind, item.profile, item.external_id, item.address, tuple(carriers))
