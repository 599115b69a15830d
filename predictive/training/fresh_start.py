"""Equipment that was repaired: what was normal before its fresh start is not learnt from and not used any more."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.events import publish
from predictive.training import repository
from predictive.training.events import FreshStartNoted


class FreshStarts:
    async def begin(
        self, session: AsyncSession, *, equipment_id: UUID, site_id: UUID, since: datetime, reason: str
    ) -> None:
        """Notes it; of several the latest counts. `reason` is for people who look: the number of an order."""
        await repository.begin_afresh(
            session, equipment_id=equipment_id, site_id=site_id, since=since, reason=reason
        )  # fmt: skip
        await publish(session, FreshStartNoted(site_id=site_id, equipment_id=equipment_id))

    async def all(self, session: AsyncSession, scope: Scope) -> dict[UUID, datetime]:
        """Since when each equipment that had one counts."""
        return await repository.fresh_starts(session, scope)
