"""What ticketing is told of an equipment when an order opens: its latest values."""

from collections.abc import Sequence
from uuid import UUID

from catalog.errors import EquipmentNotFound
from kit.access import Scope
from telemetry.service import TelemetryService
from ticketing.facts import PointFact


class LatestFacts:
    """`ticketing.facts.EquipmentFacts` from the telemetry store."""

    def __init__(self, telemetry: TelemetryService) -> None:
        self._telemetry = telemetry

    async def latest(self, equipment_id: UUID) -> Sequence[PointFact]:
        try:
            values = await self._telemetry.latest(Scope.everywhere(), equipment_id=equipment_id)
        except EquipmentNotFound:
            return []
        return [
            PointFact(
                key=value.point.key, name=dict(value.name), value=value.value, unit=value.point.unit,
                quality=value.quality.name.lower(), at=value.at,
            )
            for value in values
            if value.at is not None
        ]  # fmt: skip
