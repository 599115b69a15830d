"""What holds in a city, below the settings of its sites: the same keys, for every site that lies there."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from catalog.site_settings import check_settings
from kit.access import Scope
from kit.clock import Clock
from ticketing.setting_values import BadTargets
from ticketing.site_targets import meant_by
from ticketing.sla import repository
from ticketing.sla.errors import CitySettingsInvalid, CityUnknown, NotForWholeCompany
from ticketing.sla.models import CitySettings


class CityBook:
    def __init__(self, catalog: CatalogService, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    async def all(self, session: AsyncSession) -> Sequence[CitySettings]:
        return await repository.cities(session)

    async def save(
        self, session: AsyncSession, scope: Scope, city: str, settings: Mapping[str, Any], *, by: UUID
    ) -> CitySettings:
        """Puts these settings in the place of the old ones; open orders keep what they have.

        Raises NotForWholeCompany, CityUnknown, BadSettings, CitySettingsInvalid.
        """
        if scope.site_ids is not None:
            raise NotForWholeCompany
        known = sorted({site.city for site in await self._catalog.sites(session, scope)} - {""})
        if city not in known:
            raise CityUnknown(city=city, known=known)
        check_settings(settings)
        try:
            meant_by(settings)
        except BadTargets as error:
            raise CitySettingsInvalid(str(error)) from None
        row = await repository.city(session, city)
        if row is None:
            row = CitySettings(city=city)
            session.add(row)
        row.settings, row.changed_at, row.changed_by = dict(settings), self._clock.now(), by
        await session.flush()
        return row
