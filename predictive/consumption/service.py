"""What a person may ask of meters: the days to come, and which of a site look wrong; behind the scope of the site."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.directory import EquipmentEntry, LiveDirectory
from catalog.errors import EquipmentNotFound
from kit.access import Scope
from predictive.consumption import repository
from predictive.consumption.errors import NoMeter, NoMetersAtSite
from predictive.consumption.forecast import DAYS_NEEDED
from predictive.consumption.meters import MeterPoints, meter_points, meters_of
from predictive.consumption.models import ConsumptionRun, MeterForecast


@dataclass(frozen=True)
class MeterView:
    """`row` None: no morning has come since the meter is known."""

    points: MeterPoints
    row: MeterForecast | None


@dataclass(frozen=True)
class SiteView:
    run: ConsumptionRun | None
    meters: int
    suspects: Sequence[tuple[EquipmentEntry, MeterForecast]]


class ConsumptionService:
    days_needed = DAYS_NEEDED

    def __init__(self, directory: LiveDirectory) -> None:
        self._directory = directory

    async def forecast(self, session: AsyncSession, scope: Scope, equipment_id: UUID) -> MeterView:
        """Raises EquipmentNotFound, NoMeter."""
        entry = self._directory.current.by_id.get(equipment_id)
        if entry is None or not scope.allows(entry.site_id):
            raise EquipmentNotFound(equipment_id)
        points = meter_points(entry)
        if points is None:
            raise NoMeter(equipment_id)
        return MeterView(points, await repository.forecast(session, scope, equipment_id))

    async def site(self, session: AsyncSession, scope: Scope, site_id: UUID) -> SiteView:
        """Raises NoMetersAtSite."""
        directory = self._directory.current
        meters = meters_of(directory.entries, site_id) if scope.allows(site_id) else []
        if not meters:
            raise NoMetersAtSite(site_id)
        rows = await repository.suspects(session, scope, site_id)
        known = [(directory.by_id[row.equipment_id], row) for row in rows if row.equipment_id in directory.by_id]
        surest = sorted(known, key=lambda each: -max(one["confidence"] for one in each[1].suspicions))
        return SiteView(await repository.last_run(session, site_id), len(meters), surest)
