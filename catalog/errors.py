"""Refusals of the catalog."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kit.errors import DomainError


@dataclass(eq=False)
class SiteNotFound(DomainError):
    site_id: UUID


@dataclass(eq=False)
class BuildingNotFound(DomainError):
    building_id: UUID


@dataclass(eq=False)
class SpaceNotFound(DomainError):
    space_id: UUID


@dataclass(eq=False)
class EquipmentNotFound(DomainError):
    equipment_id: UUID


@dataclass(eq=False)
class QrTokenUnknown(DomainError):
    """A scanned code that belongs to no equipment, or to one that is retired."""


@dataclass(eq=False)
class PointNotFound(DomainError):
    point_no: int


@dataclass(eq=False)
class ProfileNotFound(DomainError):
    profile: str


@dataclass(eq=False)
class DiscoveredDeviceNotFound(DomainError):
    discovered_id: UUID


@dataclass(eq=False)
class DeadLetterNotFound(DomainError):
    dead_letter_id: UUID


@dataclass(eq=False)
class CodeTaken(DomainError):
    """The code, or the name on the wire, already stands for something else of this site."""

    taken: str


@dataclass(eq=False)
class ReferenceUnknown(DomainError):
    """A body names a row that does not exist at this site (or that the caller may not see)."""

    field: str
    value: str


@dataclass(eq=False)
class ParentCycle(DomainError):
    """The chain of parents would come back to itself."""

    equipment: str
    parent: str


@dataclass(eq=False)
class StillInUse(DomainError):
    """A place that other rows still point to cannot be deleted."""

    name: str


@dataclass(eq=False)
class BadRange(DomainError):
    low: float
    high: float


@dataclass(eq=False)
class BadSettings(DomainError):
    """Site settings that are too large or too deep."""

    limit: str


@dataclass(eq=False)
class BadTimezone(DomainError):
    timezone: str


@dataclass(eq=False)
class UnknownSortField(DomainError):
    field: str
    known: str


@dataclass(eq=False)
class BindingRefused(DomainError):
    """The equipment has no profile of the device's protocol, so nothing it says could be understood."""

    equipment: str
    protocol: str


@dataclass(eq=False)
class AlreadyBound(DomainError):
    external_id: str


@dataclass(eq=False)
class SheetKindUnknown(DomainError):
    kind: str
    known: str


@dataclass(eq=False)
class SheetUnreadable(DomainError):
    """Not a table that can be read. `why` is a key under `sheets.unreadable`; the text is filled in by the endpoint."""

    why: str


@dataclass(eq=False)
class ImportRefused(DomainError):
    """Nothing was imported: `problems` names every bad row by line and column, in the caller's language."""

    bad_rows: int
    problems: list[dict[str, Any]]


@dataclass(eq=False)
class SheetTooLarge(DomainError):
    limit: str


@dataclass(eq=False)
class SiteCreationRefused(DomainError):
    """Only who may see every site may open one."""
