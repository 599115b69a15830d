"""What the sweeps look for. Each query is served by a partial index and skips rows that somebody holds."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.kinds import OrderState
from ticketing.models import WorkOrder, WorkOrderTask


async def unanswered(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[UUID]:
    found = await session.scalars(
        select(WorkOrder.id)
        .where(WorkOrder.answer_due_at <= now, WorkOrder.state == OrderState.DISPATCHED)
        .order_by(WorkOrder.answer_due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return found.all()


async def orders_with_overdue_tasks(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[UUID]:
    late = (
        select(WorkOrderTask.work_order_id)
        .where(
            WorkOrderTask.due_at <= now,
            WorkOrderTask.met_at.is_(None),
            WorkOrderTask.ended_at.is_(None),
            WorkOrderTask.escalated_at.is_(None),
            WorkOrderTask.is_required,
        )
        .order_by(WorkOrderTask.due_at)
        .limit(limit)
    )
    found = await session.scalars(
        select(WorkOrder.id).where(WorkOrder.id.in_(late)).with_for_update(skip_locked=True)
    )  # fmt: skip
    return found.all()
