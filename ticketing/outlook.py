"""An order as rooms above may look at it, and what they may have done to it without being a person."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from ticketing import outlook_repository, repository
from ticketing.errors import WorkOrderNotFound
from ticketing.events import WorkOrderEscalated
from ticketing.feedback import repository as feedback_repository
from ticketing.journal import Entry, record
from ticketing.kinds import SETTLED, OrderState
from ticketing.models import WorkOrder
from ticketing.moving import Moving
from ticketing.order_view import OrderView, PastEntry, PastOrder

# What of an order others may compare. Nothing of a reporter is among it.
_SHOWN = (
    "number", "kind", "procedure", "category", "topic", "channel", "state", "stage", "priority", "place",
    "building_id", "space_id", "equipment_id", "equipment_kind", "equipment_code", "fault_mode", "assignee_id",
    "is_life_safety", "attempt", "urges", "cost", "payer", "proof", "closing_code", "opened_at", "response_due_at",
    "resolution_due_at", "responded_at", "held_since", "done_at", "settled_at",
)  # fmt: skip


class Outlook:
    def __init__(self, moving: Moving, clock: Clock) -> None:
        self._moving = moving
        self._clock = clock

    async def view(self, session: AsyncSession, work_order_id: UUID) -> OrderView:
        """Raises WorkOrderNotFound."""
        order = await repository.order(session, Scope.everywhere(), work_order_id)
        if order is None:
            raise WorkOrderNotFound(work_order_id)
        return _view(order)

    async def past(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID | None, since: datetime, until: datetime,
        without: Collection[UUID], limit: int,
    ) -> list[PastOrder]:  # fmt: skip
        """Orders opened in that time but those `without`, the newest first, at most `limit`."""
        orders = await outlook_repository.opened_between(
            session, scope, site_id=site_id, since=since, until=until, without=without, limit=limit
        )
        entries: dict[UUID, list[PastEntry]] = defaultdict(list)
        for one in await outlook_repository.timelines(session, [order.id for order in orders]):
            entries[one.work_order_id].append(PastEntry(one.at, one.what, one.before, one.after))
        return [PastOrder(_view(order), entries[order.id]) for order in orders]

    async def kept_off(self, session: AsyncSession, work_order_id: UUID) -> set[UUID]:
        """Whom a complaint is about: they hear nothing of it. Nobody for most orders."""
        return await feedback_repository.subjects(session, work_order_id)

    async def dispatch_best(self, session: AsyncSession, work_order_id: UUID) -> None:
        """Offers the order to whom the dispatch finds best now. Raises WorkOrderNotFound, IllegalTransition."""
        await self._moving.dispatch_next(session, await self._hold(session, work_order_id))

    async def escalate(self, session: AsyncSession, work_order_id: UUID, *, why: str, occasion: UUID) -> None:
        """Tells whoever answers for the site, once an occasion, and writes down why. Raises WorkOrderNotFound."""
        order = await self._hold(session, work_order_id)
        record(session, order, Entry.ESCALATED, at=self._clock.now(), why=why, after={"reason": "by_rule"})
        event = WorkOrderEscalated(
            site_id=order.site_id, life_safety=order.is_life_safety, work_order_id=order.id, reason="by_rule",
            occasion=occasion,
        )  # fmt: skip
        await publish(session, event)

    async def _hold(self, session: AsyncSession, work_order_id: UUID) -> WorkOrder:
        order = await repository.lock_order(session, Scope.everywhere(), work_order_id)
        if order is None:
            raise WorkOrderNotFound(work_order_id)
        return order


def _view(order: WorkOrder) -> OrderView:
    values = {name: getattr(order, name) for name in _SHOWN}
    values |= {
        "is_repeat": order.repeat_of_id is not None,
        "is_open": OrderState(order.state) not in SETTLED and order.state != OrderState.DONE,
    }
    return OrderView(order.id, order.site_id, dict(order.title), values)
