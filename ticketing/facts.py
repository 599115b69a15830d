"""What is known of an equipment when an order about it opens. The hub gives the source: ticketing reads no store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class PointFact:
    """The latest value of a point. `name` by language; `value` None when its quality has none."""

    key: str
    name: dict[str, str]
    value: float | None
    unit: str
    quality: str
    at: datetime


class EquipmentFacts(Protocol):
    async def latest(self, equipment_id: UUID) -> Sequence[PointFact]:
        """The latest value of each of its points; empty for equipment that never spoke."""
        ...
