"""The policy that holds at a site now."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.logs import logger
from ticketing.feedback.policy import FeedbackPolicy, parse_policy
from ticketing.setting_values import BadTargets

log = logger(__name__)


class FeedbackPolicies:
    def __init__(self, catalog: CatalogService) -> None:
        self._catalog = catalog

    async def of(self, session: AsyncSession, site_id: UUID) -> FeedbackPolicy:
        """Settings that make no sense must not keep an owner from speaking: defaults hold then."""
        try:
            return parse_policy(await self._catalog.site_settings(session, site_id))
        except BadTargets as error:
            log.error("site settings not usable, defaults hold", site_id=str(site_id), error=str(error))
            return FeedbackPolicy()
