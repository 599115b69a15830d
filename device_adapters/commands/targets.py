"""What must never be switched by the hub, whatever anyone configures. Pure.

Asked when an action is saved, when it is carried out, and once more by the adapter that would write. Unknown is
refused: a kind that is not decided on here does not pass mypy.
"""

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from building.equipment import EquipmentKind
from catalog.directory import Directory, EquipmentEntry
from device_adapters.commands.command import MODBUS, MQTT
from device_adapters.modbus.address import BadAddress, parse_address


class Protection(StrEnum):
    """Why an equipment is no target. Each has a sentence in `locales`, under `linkage.protection`."""

    KIND = "kind"  # it is fire-fighting or life-safety equipment, or moves people
    UNKNOWN_KIND = "unknown_kind"  # nobody has said what it is
    NAME = "name"  # it is called fire-fighting equipment, whatever kind it was entered as
    LIFE_SAFETY = "life_safety"  # it reports smoke, gas or trapped people
    PART = "part"  # it is a part of, or controlled by, something protected
    FEEDS = "feeds"  # something protected hangs on it
    SAME_DEVICE = "same_device"  # something protected is reached at the very same address
    OUT_OF_SERVICE = "out_of_service"  # people may be working on it


@dataclass(frozen=True)
class Refused:
    """`because`: the equipment that is protected, which may be one above or below the target."""

    protection: Protection
    because: EquipmentEntry


# A fire pump that was entered as a pump is a fire pump: the words of GB 50974, GB 51251 and GB 12955, and English ones.
# Elevators only where the name ends so (but for which one it is), or goes on to a part of theirs: a camera of the
# elevator hall is a camera.
_FIRE_WORDS = re.compile(
    r"消防|消火栓|喷淋|喷洒|雨淋|水幕|防火|防烟|排烟|挡烟|烟感|感烟|烟雾|"
    r"感温(探测|电缆)|温感探测|(可燃气体|燃气)(报警器|探测)|"
    r"(正压|加压)(送风|风机)|补风机|稳压泵|火灾|火警|灭火|疏散|逃生|应急照明|应急广播|"
    r"\bfire|sprinkler|hydrant|smoke|deluge|jockey pump|evacuat|emergency (light|exit|broadcast)|(heat|gas) detector|"
    r"(电梯|客梯|货梯|扶梯)[\sA-Za-z\d#号东南西北（）()]*$|"
    r"\b(elevator|lift|escalator)s?(\s|\d|#|号|\bno\b\.?)*( [a-z]\d?)?$|"
    r"(电梯|客梯|货梯|扶梯|\belevator|\blift|\bescalator)"
    r"(.{0,4}(控制|电源|主机|门机|抱闸|轿厢|迫降|召回|群控)| (control|power|supply|brake|car\b|recall))",
    re.IGNORECASE,
)


def protection_of_kind(kind: EquipmentKind) -> Protection | None:
    """None for a kind that may be switched at all."""
    match kind:
        case (
            EquipmentKind.FIRE_PUMP
            | EquipmentKind.FIRE_DOOR
            | EquipmentKind.SMOKE_EXHAUST
            | EquipmentKind.FIRE_PANEL
            | EquipmentKind.ELEVATOR
            | EquipmentKind.ESCALATOR
            | EquipmentKind.SMOKE_DETECTOR
            | EquipmentKind.HEAT_DETECTOR
            | EquipmentKind.GAS_DETECTOR
        ):
            return Protection.KIND
        case EquipmentKind.OTHER:
            return Protection.UNKNOWN_KIND
        case (
            EquipmentKind.PUMP
            | EquipmentKind.ELECTRICITY_METER
            | EquipmentKind.WATER_METER
            | EquipmentKind.GAS_METER
            | EquipmentKind.HEAT_METER
            | EquipmentKind.AHU
            | EquipmentKind.CHILLER
            | EquipmentKind.FAN
            | EquipmentKind.VALVE
            | EquipmentKind.TANK
            | EquipmentKind.RISER
            | EquipmentKind.POWER_SUPPLY
            | EquipmentKind.GATEWAY
            | EquipmentKind.CAMERA
            | EquipmentKind.DOOR
            | EquipmentKind.SENSOR
        ):
            return None
        case other:
            assert_never(other)


def protection_of(entry: EquipmentEntry, *, profile_kind: EquipmentKind | None) -> Protection | None:
    """Of the equipment by itself. `profile_kind`: what its profile says that it is, which counts as much."""
    for kind in (entry.kind, profile_kind):
        found = None if kind is None else protection_of_kind(kind)
        if found is not None:
            return found
    if any(point.life_safety for point in entry.points.values()):
        return Protection.LIFE_SAFETY
    # A camera over a fire lane only looks.
    is_camera = {entry.kind, profile_kind} <= {EquipmentKind.CAMERA, None}
    return Protection.NAME if not is_camera and is_named_protected(entry.name, entry.code) else None


def is_named_protected(*names: str) -> bool:
    """Whether one of these is what fire-fighting equipment or an elevator is called. Keys and codes count as names."""
    return any(_FIRE_WORDS.search(name.replace("_", " ").replace("-", " ")) for name in names)


def why_refused(directory: Directory, target: EquipmentEntry, *, kinds: "ProfileKinds") -> Refused | None:
    """None where `target` may be switched.

    What it is a part of counts (the door of an elevator), and what hangs on it (the supply of a fire pump).
    """
    own = kinds.protection_of(target)
    if own is not None:
        return Refused(own, target)
    if not target.in_service:
        return Refused(Protection.OUT_OF_SERVICE, target)
    for above in _above(directory, target):
        if _is_protected(above, kinds):
            return Refused(Protection.PART, above)
    for below in _below(directory, target):
        if _is_protected(below, kinds):
            return Refused(Protection.FEEDS, below)
    for same in _at_the_same_address(directory, target):
        if _is_protected(same, kinds):
            return Refused(Protection.SAME_DEVICE, same)
    return None


@dataclass(frozen=True)
class ProfileKinds:
    """Profile key → the kind that the device library says such devices are. `named_protected`: keys of those that are
    called fire-fighting equipment, whatever kind they say."""

    by_profile: dict[str, EquipmentKind]
    named_protected: frozenset[str] = frozenset()

    def protection_of(self, entry: EquipmentEntry) -> Protection | None:
        found = protection_of(entry, profile_kind=self.by_profile.get(entry.profile_key))
        return found or (Protection.NAME if entry.profile_key in self.named_protected else None)


def moved_with(directory: Directory, target: EquipmentEntry) -> Iterator[EquipmentEntry]:
    """Whoever works on one of these may have their hands in what a command to `target` moves: it, what it is a part of,
    what hangs on it, and what else is reached at its address."""
    yield target
    yield from _above(directory, target)
    yield from _below(directory, target)
    yield from _at_the_same_address(directory, target)


def _is_protected(entry: EquipmentEntry, kinds: ProfileKinds) -> bool:
    found = kinds.protection_of(entry)
    # That nobody has said what a neighbour is makes no fire pump of it.
    return found is not None and found is not Protection.UNKNOWN_KIND


def _at_the_same_address(directory: Directory, target: EquipmentEntry) -> Iterator[EquipmentEntry]:
    """What else is entered under the target's address: one device under two names, or one controller of several."""
    address = _address(target)
    if address is None:
        return
    for entry in directory.of_protocol(target.protocol):
        if entry.equipment_id != target.equipment_id and _address(entry) == address:
            yield entry


def _address(entry: EquipmentEntry) -> Hashable | None:
    """Equal for what a command cannot tell apart; None where no command reaches it."""
    if entry.protocol == MQTT:
        # Neither site nor broker: command topics need not name the site, and brokers may be bridged.
        return entry.external_id
    if entry.protocol != MODBUS:
        return None
    try:
        endpoint, unit = parse_address(entry.address)
    except BadAddress:
        return None
    return endpoint.host.lower().rstrip("."), endpoint.port, unit


def _above(directory: Directory, target: EquipmentEntry) -> Iterator[EquipmentEntry]:
    seen, entry = {target.equipment_id}, target
    while entry.parent_id is not None and entry.parent_id not in seen:
        parent = directory.by_id.get(entry.parent_id)
        if parent is None:
            return
        seen.add(parent.equipment_id)
        yield parent
        entry = parent


def _below(directory: Directory, target: EquipmentEntry) -> Iterator[EquipmentEntry]:
    children: dict[UUID, list[EquipmentEntry]] = {}
    for entry in directory.entries:
        if entry.parent_id is not None:
            children.setdefault(entry.parent_id, []).append(entry)
    seen, waiting = {target.equipment_id}, [target.equipment_id]
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child.equipment_id not in seen:
                seen.add(child.equipment_id)
                waiting.append(child.equipment_id)
                yield child
