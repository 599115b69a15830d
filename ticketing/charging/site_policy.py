"""The charging policy that holds at a site now."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.logs import logger
from ticketing.charging.policy import BadPolicy, ChargingPolicy, parse_policy

log = logger(__name__)


class SitePolicy:
    def __init__(self, catalog: CatalogService) -> None:
        self._catalog = catalog

    async def of(self, session: AsyncSession, site_id: UUID) -> ChargingPolicy:
        """The site's policy. Settings that make no sense must not keep an order from opening: defaults hold then."""
        settings = await self._catalog.site_settings(session, site_id)
        try:
            return parse_policy(settings)
        except BadPolicy as error:
            log.error("charging settings not usable, defaults hold", site_id=str(site_id), error=str(error))
            return ChargingPolicy()
