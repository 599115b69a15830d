"""Which equipment is a meter, and which of its points is the register. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from building.equipment import EquipmentKind
from building.point import PointKind
from catalog.directory import EquipmentEntry, PointEntry

_VOLUME: Final = frozenset({"m³", "L"})
_ENERGY: Final = frozenset({"Wh", "kWh", "MWh", "MJ", "GJ"})
_FLOW: Final = frozenset({"L/h", "m³/h", "W", "kW"})
_COUNTED: Final[Mapping[EquipmentKind, frozenset[str]]] = {
    EquipmentKind.WATER_METER: _VOLUME,
    EquipmentKind.GAS_METER: _VOLUME,
    EquipmentKind.ELECTRICITY_METER: _ENERGY,
    EquipmentKind.HEAT_METER: _ENERGY,
}
# Where something that still runs at night may be running away. Current and heat are drawn at night on purpose.
LEAKING: Final = frozenset({EquipmentKind.WATER_METER, EquipmentKind.GAS_METER})


@dataclass(frozen=True, slots=True)
class MeterPoints:
    """`flow`: a point that shows what runs now; `ratio`: the transformers' ratio; None where there is none."""

    entry: EquipmentEntry
    register: PointEntry
    flow: PointEntry | None
    ratio: PointEntry | None


def meter_points(entry: EquipmentEntry) -> MeterPoints | None:
    """None for what is no meter, or has no register among its points."""
    registers = [one for one in _sensors(entry) if one.unit in _COUNTED.get(entry.kind, frozenset())]
    if not registers:
        return None
    flows = [one for one in _sensors(entry) if one.unit in _FLOW]
    ratios = [one for one in entry.points.values() if one.kind is PointKind.PARAMETER and "ratio" in one.key]
    return MeterPoints(
        entry=entry, register=min(registers, key=_register_rank),
        # The whole has a shorter key than its phases.
        flow=min(flows, key=lambda one: len(one.key), default=None),
        ratio=ratios[0] if ratios else None,
    )  # fmt: skip


def meters_of(entries: Iterable[EquipmentEntry], site_id: UUID) -> list[MeterPoints]:
    """All meters of a site that are in service."""
    mine = (entry for entry in entries if entry.site_id == site_id and entry.in_service)
    return [found for entry in mine if (found := meter_points(entry)) is not None]


def groups_of(meters: Iterable[MeterPoints]) -> list[list[MeterPoints]]:
    """Meters that are compared with each other: of one kind and one profile."""
    groups: dict[tuple[str, str], list[MeterPoints]] = {}
    for meter in meters:
        groups.setdefault((meter.entry.kind.value, meter.entry.profile_key), []).append(meter)
    return list(groups.values())


def outdoor_point(entries: Iterable[EquipmentEntry], site_id: UUID) -> PointEntry | None:
    """A sensor of the temperature outside, where the site has one."""
    points = (point for entry in entries if entry.site_id == site_id for point in entry.points.values())
    outside = (
        point
        for point in points
        if point.kind is PointKind.SENSOR and point.unit == "°C" and ("outdoor" in point.key or "outside" in point.key)
    )
    return next(outside, None)


def supplied_by(
    meters: Sequence[MeterPoints], entries: Mapping[UUID, EquipmentEntry]
) -> dict[UUID, list[UUID]]:  # fmt: skip
    """Supply meter → the meters of its kind next below it, through risers, panels and whatever else lies between."""
    kinds = {meter.entry.equipment_id: meter.entry.kind for meter in meters}
    children: dict[UUID, list[UUID]] = {}
    for meter in meters:
        above = _meter_above(meter.entry, kinds, entries)
        if above is not None:
            children.setdefault(above, []).append(meter.entry.equipment_id)
    return children


def _meter_above(
    entry: EquipmentEntry, kinds: Mapping[UUID, EquipmentKind], entries: Mapping[UUID, EquipmentEntry]
) -> UUID | None:
    seen = {entry.equipment_id}
    above = entry.parent_id
    while above is not None and above not in seen:
        if kinds.get(above) is entry.kind:
            return above
        seen.add(above)
        parent = entries.get(above)
        above = parent.parent_id if parent else None
    return None


def _sensors(entry: EquipmentEntry) -> list[PointEntry]:
    return [one for one in entry.points.values() if one.kind is PointKind.SENSOR]


def _register_rank(point: PointEntry) -> tuple[bool, bool, int]:
    """What is drawn before what is given back, and before sums of both."""
    return "export" in point.key, "import" not in point.key, point.point_no
