"""Past orders and what happened to them, for those who ask what a rule would have done."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from ticketing.models import TimelineEntry, WorkOrder


async def opened_between(
    session: AsyncSession, scope: Scope, *, site_id: UUID | None, since: datetime, until: datetime,
    without: Collection[UUID], limit: int,
) -> Sequence[WorkOrder]:  # fmt: skip
    """The newest first."""
    wanted = select(WorkOrder).where(
        scope.where(WorkOrder.site_id), WorkOrder.opened_at >= since, WorkOrder.opened_at < until,
        WorkOrder.id.not_in(without),
    )  # fmt: skip
    if site_id is not None:
        wanted = wanted.where(WorkOrder.site_id == site_id)
    newest = wanted.order_by(WorkOrder.opened_at.desc(), WorkOrder.id.desc()).limit(limit)
    return (await session.scalars(newest)).all()


async def timelines(session: AsyncSession, work_order_ids: Collection[UUID]) -> Sequence[TimelineEntry]:
    """Of all these orders, each in its order."""
    found = await session.scalars(
        select(TimelineEntry)
        .where(TimelineEntry.work_order_id.in_(work_order_ids))
        .order_by(TimelineEntry.work_order_id, TimelineEntry.position)
    )
    return found.all()
