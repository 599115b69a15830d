"""Outcomes of orders, for the room that measures rules by them."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from ticketing import outcomes_repository
from ticketing.outcomes import AlarmOutcome, Outcome


class OutcomeBook:
    async def of_equipment(
        self, session: AsyncSession, scope: Scope, equipment_ids: Collection[UUID], *, since: datetime, until: datetime
    ) -> list[Outcome]:
        """Of orders about these equipments that were opened, or first reported, in the span."""
        return await outcomes_repository.of_equipment(session, scope, equipment_ids, since=since, until=until)

    async def of_alarms(
        self, session: AsyncSession, scope: Scope, alarm_ids: Collection[UUID]
    ) -> list[AlarmOutcome]:  # fmt: skip
        """Of the orders that these alarms are behind, one an episode."""
        return await outcomes_repository.of_alarms(session, scope, alarm_ids)

    async def about(self, session: AsyncSession, scope: Scope, work_order_id: UUID) -> Outcome | None:
        """Of this order, whoever opened it; None where it is about no equipment or says nothing of it."""
        return await outcomes_repository.about(session, scope, work_order_id)

    async def of_order(self, session: AsyncSession, scope: Scope, work_order_id: UUID) -> list[AlarmOutcome]:
        """Of this order, once an episode of an alarm behind it."""
        return await outcomes_repository.of_order(session, scope, work_order_id)
