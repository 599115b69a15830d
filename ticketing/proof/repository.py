"""The queries of proof."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from ticketing.kinds import OrderState
from ticketing.models import WorkOrder
from ticketing.proof.models import OrderProof


async def due(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[UUID]:
    """Orders whose telemetry wants a look, the most overdue first. Not held: the store is asked before they are."""
    found = await session.scalars(
        select(WorkOrder.id)
        .where(WorkOrder.proof_due_at <= now, WorkOrder.state == OrderState.DONE)
        .order_by(WorkOrder.proof_due_at)
        .limit(limit)
    )
    return found.all()


async def look_later(session: AsyncSession, work_order_id: UUID, *, at: datetime, now: datetime) -> None:
    """The next look at an order that is due; left as it is where somebody holds it or it is due no more."""
    due_now = (WorkOrder.id == work_order_id, WorkOrder.proof_due_at <= now)
    held = select(WorkOrder.id).where(*due_now).with_for_update(skip_locked=True)
    await session.execute(update(WorkOrder).where(WorkOrder.id.in_(held)).values(proof_due_at=at))


async def of_order(session: AsyncSession, scope: Scope, work_order_id: UUID) -> Sequence[OrderProof]:
    """Every verdict on it, the newest first."""
    found = await session.scalars(
        select(OrderProof)
        .where(OrderProof.work_order_id == work_order_id, scope.where(OrderProof.site_id))
        .order_by(OrderProof.decided_at.desc())
    )
    return found.all()


async def proof(session: AsyncSession, proof_id: UUID) -> OrderProof | None:
    return await session.get(OrderProof, proof_id)
