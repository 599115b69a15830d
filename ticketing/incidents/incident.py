"""Which reports and alarms speak of the same thing, pure.

A key names an incident: equipment + fault mode, or place + category. At most one incident a key is open at a site,
which a partial unique index guarantees. An owner who says "the elevator does not work" names no fault mode; such a
report joins whatever is open on that equipment, and what a sensor then says gives the incident its name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

UNKNOWN_FAULT = "unknown"
OF_EQUIPMENT = "equipment:"


@dataclass(frozen=True)
class IncidentKey:
    """`subject` is what is affected (equipment, a space or, failing both, the order itself), `nature` what is wrong."""

    subject: str
    nature: str

    def __str__(self) -> str:
        return f"{self.subject}/{self.nature}"

    @property
    def is_vague(self) -> bool:
        return self.subject.startswith(OF_EQUIPMENT) and self.nature == UNKNOWN_FAULT

    @property
    def vague(self) -> "IncidentKey":
        """The same subject, as people speak of it who name no fault."""
        return IncidentKey(self.subject, UNKNOWN_FAULT)

    @classmethod
    def of_equipment(cls, equipment_id: UUID, fault_mode: str | None) -> "IncidentKey":
        return cls(f"{OF_EQUIPMENT}{equipment_id}", fault_mode or UNKNOWN_FAULT)

    @classmethod
    def of_building(cls, building_id: UUID, fault_mode: str) -> "IncidentKey":
        """For what strikes many in a house at once, as a power cut does."""
        return cls(f"building:{building_id}", fault_mode)

    @classmethod
    def of_space(cls, space_id: UUID, category: str) -> "IncidentKey":
        return cls(f"space:{space_id}", category)

    @classmethod
    def of_nothing_known(cls, work_order_id: UUID) -> "IncidentKey":
        """Nobody said where: such an order stands alone."""
        return cls(f"order:{work_order_id}", UNKNOWN_FAULT)


@dataclass(frozen=True)
class OpenIncident:
    """An open incident of the subject in question."""

    incident_id: UUID
    work_order_id: UUID
    key: IncidentKey
    priority: int
    opened_at: datetime


def find_same(key: IncidentKey, open_incidents: Iterable[OpenIncident]) -> OpenIncident | None:
    """The open incident that `key` joins, or None when it is a new one.

    The same key always; a vague key joins the most urgent, then the newest of its equipment; a definite key joins a
    vague one. Two different definite faults of one equipment stay two incidents.
    """
    related = [one for one in open_incidents if one.key.subject == key.subject]
    exact = [one for one in related if one.key == key]
    if exact:
        return exact[0]
    if key.is_vague:
        return min(related, key=lambda one: (one.priority, -one.opened_at.timestamp()), default=None)
    return next((one for one in related if one.key.is_vague), None)
