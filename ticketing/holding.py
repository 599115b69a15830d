"""Taking hold of an order to add something to it that is no transition."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from ticketing import repository
from ticketing.errors import WorkOrderNotFound
from ticketing.models import WorkOrder


async def held(session: AsyncSession, scope: Scope, work_order_id: UUID) -> WorkOrder:
    """The order with its row locked until the transaction ends. Raises WorkOrderNotFound."""
    order = await repository.lock_order(session, scope, work_order_id)
    if order is None:
        raise WorkOrderNotFound(work_order_id)
    return order


async def seen(session: AsyncSession, scope: Scope, work_order_id: UUID) -> WorkOrder:
    """The order, to look at. Raises WorkOrderNotFound."""
    order = await repository.order(session, scope, work_order_id)
    if order is None:
        raise WorkOrderNotFound(work_order_id)
    return order
