"""Maintenance windows: agreed, listed, ended. What they hold back is decided where alarms are entered and freed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.events import MaintenanceWindowChanged
from alarms.models import MaintenanceWindow
from alarms.windows import repository
from alarms.windows.errors import (
    MaintenanceWindowEnded,
    MaintenanceWindowNotFound,
    NotOfTheSite,
    WindowNeverHolds,
)
from alarms.windows.schedule import Occurrence, coming
from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish


@dataclass(frozen=True)
class NewWindow:
    """Of these equipment (and what hangs on it), else of a building, else of the whole site.

    Once from `starts_at` (now when None) to `ends_at`; with `weekdays` (1 = Monday) on each of them from `at`, local
    time, for `minutes`.
    """

    site_id: UUID
    reason: str
    building_id: UUID | None
    equipment_ids: Sequence[UUID]
    starts_at: datetime | None
    ends_at: datetime | None
    weekdays: Sequence[int]
    at: time | None
    minutes: int | None


class MaintenanceWindowService:
    """`expire` is a sweep."""

    def __init__(self, catalog: CatalogService, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    async def agree(self, session: AsyncSession, scope: Scope, wanted: NewWindow, *, actor: UUID) -> MaintenanceWindow:
        """Raises SiteNotFound, BuildingNotFound, EquipmentNotFound, NotOfTheSite, WindowNeverHolds."""
        site = await self._catalog.site(session, scope, wanted.site_id)
        await self._check_places(session, wanted)
        now = self._clock.now()
        window = MaintenanceWindow(
            site_id=site.id, reason=wanted.reason, building_id=wanted.building_id,
            equipment_ids=[str(each) for each in dict.fromkeys(wanted.equipment_ids)], timezone=site.timezone,
            starts_at=wanted.starts_at or now, ends_at=wanted.ends_at, weekdays=sorted(set(wanted.weekdays)),
            from_min=None if wanted.at is None else wanted.at.hour * 60 + wanted.at.minute,
            duration_min=wanted.minutes, created_by=actor, created_at=now,
        )  # fmt: skip
        is_backwards = window.ends_at is not None and window.ends_at <= window.starts_at
        if is_backwards or coming(window, now) is None:
            raise WindowNeverHolds(wanted.ends_at)
        session.add(window)
        await session.flush()
        await self._tell(session, window)
        return window

    async def end(self, session: AsyncSession, scope: Scope, window_id: UUID, *, actor: UUID) -> MaintenanceWindow:
        """From now on it holds nothing back; the next sweep announces what lasts.

        Raises MaintenanceWindowNotFound, MaintenanceWindowEnded.
        """
        window = await self.get(session, scope, window_id)
        if window.ended_at is not None:
            raise MaintenanceWindowEnded(window_id)
        window.ended_at, window.ended_by = self._clock.now(), actor
        await session.flush()
        await self._tell(session, window)
        return window

    async def get(self, session: AsyncSession, scope: Scope, window_id: UUID) -> MaintenanceWindow:
        """Raises MaintenanceWindowNotFound."""
        window = await repository.get(session, scope, window_id)
        if window is None:
            raise MaintenanceWindowNotFound(window_id)
        return window

    async def find(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID | None, standing: bool, limit: int, offset: int
    ) -> tuple[Sequence[MaintenanceWindow], int]:
        """A page, the newest first, and how many there are; `standing`: only those that are not over."""
        at = self._clock.now() if standing else None
        return await repository.find(session, scope, site_id=site_id, standing_at=at, limit=limit, offset=offset)

    async def expire(self, session: AsyncSession) -> None:
        """A sweep: those that are over for good are read no more with every alarm."""
        for window in await repository.run_out(session, now=self._clock.now()):
            window.ended_at = window.ends_at

    def next_of(self, window: MaintenanceWindow) -> Occurrence | None:
        """When it holds now or next."""
        return None if window.ended_at is not None else coming(window, self._clock.now())

    def is_holding(self, window: MaintenanceWindow) -> bool:
        occurrence = self.next_of(window)
        return occurrence is not None and occurrence.starts_at <= self._clock.now()

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _check_places(self, session: AsyncSession, wanted: NewWindow) -> None:
        everywhere = Scope.of(wanted.site_id)
        if wanted.building_id is not None:
            building = await self._catalog.building(session, everywhere, wanted.building_id)
            if building.site_id != wanted.site_id:
                raise NotOfTheSite(wanted.building_id)
        for equipment_id in wanted.equipment_ids:
            equipment = await self._catalog.equipment(session, everywhere, equipment_id)
            if equipment.site_id != wanted.site_id:
                raise NotOfTheSite(equipment_id)

    async def _tell(self, session: AsyncSession, window: MaintenanceWindow) -> None:
        await publish(session, MaintenanceWindowChanged(site_id=window.site_id, maintenance_window_id=window.id))
