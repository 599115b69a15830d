"""Why a maintenance window is refused."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.errors import DomainError


@dataclass(eq=False)
class MaintenanceWindowNotFound(DomainError):
    """No such window, or not at a site this caller may see."""

    maintenance_window_id: UUID


@dataclass(eq=False)
class MaintenanceWindowEnded(DomainError):
    """Somebody ended it already."""

    maintenance_window_id: UUID


@dataclass(eq=False)
class NotOfTheSite(DomainError):
    """The building or equipment that is named stands elsewhere."""

    thing_id: UUID


@dataclass(eq=False)
class WindowNeverHolds(DomainError):
    """Its time is over already, or none of its weekdays lies within it."""

    ends_at: datetime | None
