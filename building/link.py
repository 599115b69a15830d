"""A device's link: whether it answers."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class LinkChange:
    """The link of an equipment is up, or down, since `at`."""

    equipment_id: UUID
    is_up: bool
    at: datetime
