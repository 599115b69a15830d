"""The times that hold at a site now: what the site sets, over what its city sets, over what is shipped."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from catalog.site_settings import merged
from kit.access import Scope
from kit.logs import logger
from ticketing.setting_values import BadTargets
from ticketing.sla import repository
from ticketing.sla.defaults import Defaults, parse_defaults
from ticketing.targets import Targets, parse_targets

log = logger(__name__)


class SiteTargets:
    """Settings that make no sense must not keep an order from opening: what is shipped holds then."""

    def __init__(self, catalog: CatalogService) -> None:
        self._catalog = catalog

    async def of(self, session: AsyncSession, site_id: UUID) -> Targets:
        """The times of tasks, dispatch and proof."""
        return (await self._read(session, site_id))[0]

    async def defaults(self, session: AsyncSession, site_id: UUID) -> Defaults:
        """The service levels below every policy."""
        return (await self._read(session, site_id))[1]

    async def problem(self, session: AsyncSession, site_id: UUID) -> str | None:
        """What is wrong with the settings, for whoever looks at them; None: nothing."""
        try:
            meant_by(await self._settings(session, site_id))
        except BadTargets as error:
            return str(error)
        return None

    async def _read(self, session: AsyncSession, site_id: UUID) -> tuple[Targets, Defaults]:
        try:
            return meant_by(await self._settings(session, site_id))
        except BadTargets as error:
            log.error("site settings not usable, defaults hold", site_id=str(site_id), error=str(error))
            return meant_by({})

    async def _settings(self, session: AsyncSession, site_id: UUID) -> Mapping[str, Any]:
        own = await self._catalog.site_settings(session, site_id)
        site = await self._catalog.site(session, Scope.everywhere(), site_id)
        city = await repository.city(session, site.city) if site.city else None
        return own if city is None else merged(city.settings, own)


def meant_by(settings: Mapping[str, Any]) -> tuple[Targets, Defaults]:
    """What settings of a site or a city mean. Raises BadTargets, naming the key."""
    targets = parse_targets(settings)
    return targets, parse_defaults(settings, contractor_min=targets.entrapment.contractor_min)
