"""A read-only picture of the catalog for the reading line: which point is meant, and where its readings go.

Immutable: a change of the catalog makes a new Directory. Adapters, admission and the judge share one `LiveDirectory`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from building.equipment import EquipmentKind
from building.point import PointKind, Reporting


@dataclass(frozen=True, slots=True)
class PointEntry:
    """A point as the reading line needs it. `low`/`high` is its plausible range in `unit`."""

    point_no: int
    key: str
    kind: PointKind
    unit: str
    low: float
    high: float
    reporting: Reporting
    life_safety: bool


@dataclass(frozen=True)
class EquipmentEntry:
    """An equipment as the reading line needs it.

    `external_id` is the device's own name on the wire (the catalog's code unless told otherwise); `address` holds
    what its protocol needs (`{"broker": …}`, `{"host", "port", "unit"}`). `in_service` False: read, never judged.
    `timezone` is the site's.
    """

    equipment_id: UUID
    site_id: UUID
    site_code: str
    code: str
    name: str
    kind: EquipmentKind
    profile_key: str
    protocol: str
    external_id: str
    address: Mapping[str, Any]
    partition: int
    parent_id: UUID | None
    building_id: UUID | None
    in_service: bool
    points: Mapping[str, PointEntry] = field(default_factory=dict)
    timezone: str = "Asia/Shanghai"


@dataclass(frozen=True, slots=True, eq=False)
class PointColumns:
    """Every point once, as columns sorted by `point_no`, for whoever handles whole batches."""

    point_no: npt.NDArray[np.int32]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    life_safety: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, points: Iterable[PointEntry]) -> "PointColumns":
        ordered = sorted(points, key=lambda point: point.point_no)
        return cls(
            np.array([point.point_no for point in ordered], np.int32),
            np.array([point.low for point in ordered], np.float64),
            np.array([point.high for point in ordered], np.float64),
            np.array([point.life_safety for point in ordered], np.bool_),
        )


@dataclass(frozen=True)
class Directory:
    """Everything by every key that the reading line looks things up with."""

    version: int
    entries: tuple[EquipmentEntry, ...]

    @classmethod
    def of(cls, version: int, entries: Iterable[EquipmentEntry]) -> "Directory":
        return cls(version, tuple(entries))

    @cached_property
    def by_id(self) -> Mapping[UUID, EquipmentEntry]:
        return {entry.equipment_id: entry for entry in self.entries}

    @cached_property
    def by_device(self) -> Mapping[tuple[str, str], EquipmentEntry]:
        """(site code, external id) → equipment, for the native topics."""
        return {(entry.site_code, entry.external_id): entry for entry in self.entries}

    @cached_property
    def by_point(self) -> Mapping[int, tuple[EquipmentEntry, PointEntry]]:
        return {point.point_no: (entry, point) for entry in self.entries for point in entry.points.values()}

    @cached_property
    def point_columns(self) -> PointColumns:
        return PointColumns.of(point for entry in self.entries for point in entry.points.values())

    @cached_property
    def partitions(self) -> tuple[int, ...]:
        return tuple(sorted({entry.partition for entry in self.entries}))

    def of_protocol(self, protocol: str) -> list[EquipmentEntry]:
        return [entry for entry in self.entries if entry.protocol == protocol]


class LiveDirectory:
    """The directory as it is now. Readers take `.current` once a batch; `replace` is called by its loader only."""

    def __init__(self, current: Directory) -> None:
        self.current = current

    def replace(self, directory: Directory) -> None:
        self.current = directory
