"""Queries on orders by which somebody comes to an equipment."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.kinds import SETTLED, Channel, OrderState
from ticketing.models import WorkOrder


async def next_visits(
    session: AsyncSession, equipment_ids: Collection[UUID], *, after: datetime
) -> Mapping[UUID, datetime]:
    planned = case((WorkOrder.channel == Channel.PLAN.value, WorkOrder.resolution_due_at))
    visit_at = func.coalesce(WorkOrder.appointment_at, planned)
    over = [*SETTLED, OrderState.DONE]
    rows = await session.execute(
        select(WorkOrder.equipment_id, func.min(visit_at))
        .where(WorkOrder.equipment_id.in_(equipment_ids), WorkOrder.state.not_in(over), visit_at > after)
        .group_by(WorkOrder.equipment_id)
    )
    return {equipment_id: at for equipment_id, at in rows if equipment_id is not None}
