"""What is told of remaining lives, kept by day, and what of it still counts."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from catalog.directory import LiveDirectory
from catalog.errors import EquipmentNotFound
from kit.access import Scope
from kit.clock import Clock
from kit.sweeps import Sweep
from predictive.remaining_life import repository
from predictive.remaining_life.degradation import FleetPrior
from predictive.remaining_life.fleet_prior import priors_of
from predictive.remaining_life.models import RemainingLifeForecast
from predictive.remaining_life.wear import ModeForecast

# Every equipment that drifts is told of daily; what was not told again for longer no longer counts.
COUNTS_FOR = timedelta(days=3)
KEPT_FOR = timedelta(days=400)
DAILY = "23 2 * * *"
MOST_LIVES = 2_000


class RemainingLifeBook:
    def __init__(self, directory: LiveDirectory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    def sweeps(self) -> tuple[Sweep, ...]:
        return (Sweep("predictive.forget_remaining_lives", DAILY, self.forget),)

    async def keep(
        self, session: AsyncSession, *, site_id: UUID, equipment_id: UUID, day: date, at: datetime,
        forecasts: Sequence[ModeForecast], first_day: datetime,
    ) -> None:  # fmt: skip
        """Keeps what is told of an equipment on a day of its site; nothing, where it is well.

        `at`: the end of the last day that was looked at; `first_day`: the beginning of the first, from which
        `life.since_day` counts.
        """
        rows = [_row(each, site_id, equipment_id, day=day, at=at, first_day=first_day) for each in forecasts]
        await repository.replace(session, rows, equipment_id=equipment_id, day=day)

    async def newest(self, session: AsyncSession, scope: Scope, equipment_id: UUID) -> list[RemainingLifeForecast]:
        """What counts now, the heaviest mode first; nothing of equipment that is well. Raises EquipmentNotFound."""
        rows = await self.history(session, scope, equipment_id, span=COUNTS_FOR)
        for _, of_day in groupby(rows, key=lambda row: row.day):
            return list(of_day)
        return []

    async def history(
        self, session: AsyncSession, scope: Scope, equipment_id: UUID, *, span: timedelta
    ) -> Sequence[RemainingLifeForecast]:
        """What was told within `span`, the newest first. Raises EquipmentNotFound."""
        entry = self._directory.current.by_id.get(equipment_id)
        if entry is None or not scope.allows(entry.site_id):
            raise EquipmentNotFound(equipment_id)
        return await repository.of_equipment(session, scope, equipment_id, since=self._clock.now() - span)

    async def of_site(self, session: AsyncSession, scope: Scope, site_id: UUID) -> Sequence[RemainingLifeForecast]:
        """What counts now of all equipment of a site, what ends first before the others."""
        return await repository.newest_of_site(session, scope, site_id, since=self._clock.now() - COUNTS_FOR)

    async def priors(self, session: AsyncSession, site_id: UUID, kind: EquipmentKind) -> Mapping[str, FleetPrior]:
        """How long wear has lasted at the site, by mode, as far as predictions were confirmed."""
        lives = await repository.wear_lives(session, site_id, most=MOST_LIVES)
        return priors_of(lives, kind=kind.value)

    async def forget(self, session: AsyncSession) -> None:
        """A sweep."""
        await repository.forget(session, before=(self._clock.now() - KEPT_FOR).date())


def _row(
    told: ModeForecast, site_id: UUID, equipment_id: UUID, *, day: date, at: datetime, first_day: datetime
) -> dict[str, Any]:
    life = told.life
    return {
        "equipment_id": equipment_id, "mode": told.mode, "day": day, "site_id": site_id, "told_at": at,
        "point_key": told.point_key, "share": told.share, "days_low": life.days_low, "days_mid": life.days_mid,
        "days_high": life.days_high, "confidence": life.confidence, "value": life.value, "usual": life.usual,
        "level_at_failure": life.limit, "speed_a_day": life.speed_a_day,
        "since_at": min(at, first_day + timedelta(days=life.since_day)),
        "peers_low": told.peers_low, "peers_high": told.peers_high,
    }  # fmt: skip
