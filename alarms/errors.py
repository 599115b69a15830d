"""Why the alarms room refuses. The state machine's own refusals are in `alarms.lifecycle`."""

from dataclasses import dataclass
from uuid import UUID

from kit.errors import DomainError


@dataclass(eq=False)
class AlarmNotFound(DomainError):
    """No such alarm, or not at a site this caller may see."""

    alarm_id: UUID


@dataclass(eq=False)
class UnknownAlarmSort(DomainError):
    """A list was asked to sort by a field it does not have."""

    field: str
    known: str


@dataclass(eq=False)
class UnknownEquipment(DomainError):
    """The equipment is not, or no longer, part of the reading line."""

    equipment_id: UUID
