"""The times that hold at a site now."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.logs import logger
from ticketing.targets import BadTargets, Targets, parse_targets

log = logger(__name__)


class SiteTargets:
    def __init__(self, catalog: CatalogService) -> None:
        self._catalog = catalog

    async def of(self, session: AsyncSession, site_id: UUID) -> Targets:
        """The site's times. Settings that make no sense must not keep an order from opening: defaults hold then."""
        settings = await self._catalog.site_settings(session, site_id)
        try:
            return parse_targets(settings)
        except BadTargets as error:
            log.error("site settings not usable, defaults hold", site_id=str(site_id), error=str(error))
            return Targets()
