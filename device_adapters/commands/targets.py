"""What must never be switched by the hub, whatever anyone configures. Pure.

Asked when an action is saved, when it is carried out, and once more by the adapter that would write. Unknown is
refused: a kind that is not decided on here does not pass mypy.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from building.equipment import EquipmentKind
from catalog.directory import Directory, EquipmentEntry


class Protection(StrEnum):
    """Why an equipment is no target. Each has a sentence in `locales`, under `linkage.protection`."""

    KIND = "kind"  # it is fire-fighting or life-safety equipment, or moves people
    UNKNOWN_KIND = "unknown_kind"  # nobody has said what it is
    NAME = "name"  # it is called fire-fighting equipment, whatever kind it was entered as
    LIFE_SAFETY = "life_safety"  # it reports smoke, gas or trapped people
    PART = "part"  # it is a part of, or controlled by, something protected
    FEEDS = "feeds"  # something protected hangs on it
    OUT_OF_SERVICE = "out_of_service"  # people may be working on it


@dataclass(frozen=True)
class Refused:
    """`because`: the equipment that is protected, which may be one above or below the target."""

    protection: Protection
    because: EquipmentEntry


# A fire pump that was entered as a pump is a fire pump: the words of GB 50974, GB 51251 and GB 12955, and English ones.
# Elevators only where the name ends so: a camera of the elevator hall is a camera.
_FIRE_WORDS = re.compile(
    r"消防|消火栓|喷淋|喷洒|防火|防烟|排烟|正压送风|加压送风|补风机|火灾|灭火|疏散|应急照明|"
    r"\bfire|sprinkler|hydrant|smoke|deluge|evacuat|emergency light|"
    r"(电梯|客梯|货梯|扶梯|\belevator|\blift|\bescalator)[\s\d#号]*$",
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
    names = (entry.name, entry.code.replace("_", " ").replace("-", " "))
    if not is_camera and any(_FIRE_WORDS.search(name) for name in names):
        return Protection.NAME
    return None


def why_refused(directory: Directory, target: EquipmentEntry, *, kinds: "ProfileKinds") -> Refused | None:
    """None where `target` may be switched.

    What it is a part of counts (the door of an elevator), and what hangs on it (the supply of a fire pump).
    """
    own = protection_of(target, profile_kind=kinds.of(target))
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
    return None


@dataclass(frozen=True)
class ProfileKinds:
    """Profile key → the kind that the device library says such devices are."""

    by_profile: dict[str, EquipmentKind]

    def of(self, entry: EquipmentEntry) -> EquipmentKind | None:
        return self.by_profile.get(entry.profile_key)


def _is_protected(entry: EquipmentEntry, kinds: ProfileKinds) -> bool:
    found = protection_of(entry, profile_kind=kinds.of(entry))
    # That nobody has said what a neighbour is makes no fire pump of it.
    return found is not None and found is not Protection.UNKNOWN_KIND


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
