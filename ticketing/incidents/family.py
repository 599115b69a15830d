"""Which orders belong to an order, as staff see it on its page."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from ticketing import repository
from ticketing.incidents import repository as incident_repository
from ticketing.models import WorkOrder


@dataclass(frozen=True)
class Family:
    """`root` it hangs under, `children` that hang under it; what it went `into`, what went into it (`absorbed`), and
    what it repeats or duplicates."""

    root: WorkOrder | None
    children: Sequence[WorkOrder]
    into: WorkOrder | None
    absorbed: Sequence[WorkOrder]
    repeat_of: WorkOrder | None
    duplicate_of: WorkOrder | None


async def family_of(session: AsyncSession, order: WorkOrder, *, without: Collection[UUID]) -> Family:
    """`without`: orders that whoever looks is not to know of."""

    async def find(work_order_id: UUID | None) -> WorkOrder | None:
        if work_order_id is None or work_order_id in without:
            return None
        return await repository.order(session, Scope.of(order.site_id), work_order_id)

    return Family(
        root=await find(order.parent_id),
        children=[one for one in await incident_repository.children(session, order.id) if one.id not in without],
        into=await find(order.merged_into_id),
        absorbed=[one for one in await incident_repository.merged_into(session, order.id) if one.id not in without],
        repeat_of=await find(order.repeat_of_id),
        duplicate_of=await find(order.duplicate_of_id),
    )
