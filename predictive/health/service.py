"""What a person may ask of health; behind the scope of the site."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from building.profile import DeviceProfile
from catalog.directory import EquipmentEntry, LiveDirectory
from catalog.errors import EquipmentNotFound
from kit.access import Scope
from kit.clock import Clock
from predictive.health import repository
from predictive.health.index import HealthState
from predictive.health.models import EquipmentHealth
from predictive.health.standing import TREND_DAYS, Trend, trend

# A figure of longer ago is none: the reckoning has stopped, or the equipment is gone from the line.
_STALE_AFTER: Final = timedelta(days=2)
SHOWN_DAYS: Final = 90


@dataclass(frozen=True)
class HealthView:
    """`newest` None: nothing was reckoned of it lately. `days`: oldest first. `names`: of points, by language."""

    entry: EquipmentEntry
    state: HealthState
    newest: EquipmentHealth | None
    trend: Trend | None
    days: Sequence[EquipmentHealth]
    names: Mapping[str, dict[str, str]]


@dataclass(frozen=True)
class HealthLine:
    entry: EquipmentEntry
    row: EquipmentHealth


class HealthService:
    def __init__(self, *, directory: LiveDirectory, profiles: Mapping[str, DeviceProfile], clock: Clock) -> None:
        self._directory = directory
        self._profiles = profiles
        self._clock = clock

    async def of_equipment(self, session: AsyncSession, scope: Scope, equipment_id: UUID) -> HealthView:
        """Raises EquipmentNotFound."""
        entry = self._directory.current.by_id.get(equipment_id)
        if entry is None or not scope.allows(entry.site_id):
            raise EquipmentNotFound(equipment_id)
        today = self._clock.now().astimezone(ZoneInfo(entry.timezone)).date()
        days = await repository.history(session, scope, equipment_id, since=today - timedelta(days=SHOWN_DAYS - 1))
        newest = days[-1] if days and days[-1].day > today - _STALE_AFTER else None
        lately = [day for day in days if day.health is not None and day.day > today - timedelta(days=TREND_DAYS)]
        profile = self._profiles.get(entry.profile_key)
        names = {key: dict(spec.name) for key, spec in profile.points.items()} if profile else {}
        return HealthView(
            entry=entry, state=HealthState(newest.state) if newest else HealthState.NO_DATA, newest=newest,
            trend=trend([day.day for day in lately], [day.health for day in lately if day.health is not None]),
            days=days, names=names,
        )  # fmt: skip

    async def worst(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID | None, limit: int, offset: int
    ) -> tuple[list[HealthLine], int]:
        """The equipment of the caller's sites as of their newest day, the worst first, and how many there are."""
        rows, total = await repository.worst(session, scope, site_id=site_id, limit=limit, offset=offset)
        by_id = self._directory.current.by_id
        return [HealthLine(by_id[row.equipment_id], row) for row in rows if row.equipment_id in by_id], total
