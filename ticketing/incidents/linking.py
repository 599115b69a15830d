"""Puts orders about one root cause under the order about that cause; the decision is `topology`'s, or a person's.

Linking holds nobody up: every order is given out as it would be, and whoever looks at one sees where it comes from.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.flood.topology import explained_by, root_of
from building.equipment import EquipmentKind
from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from ticketing import repository
from ticketing.actor import Actor
from ticketing.errors import WorkOrderNotFound
from ticketing.events import WorkOrderChanged, WorkOrderOpened
from ticketing.feedback.protection import check_not_about
from ticketing.incidents import repository as incident_repository
from ticketing.incidents.errors import LinkNotPossible
from ticketing.journal import Entry, record
from ticketing.kinds import SETTLED
from ticketing.models import WorkOrder

BY_TOPOLOGY = "topology"


def has_equipment(event: WorkOrderOpened) -> bool:
    """Whether an order is about something that may hang on something."""
    return event.equipment_id is not None


class Linking:
    def __init__(self, catalog: CatalogService, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    async def on_work_order_opened(self, session: AsyncSession, event: WorkOrderOpened) -> None:
        """Looks up for the root of a new order, and down for the orders that it is the root of.

        Runs after the order was opened, so that of two opened at once the later look sees both.
        """
        order = await repository.order(session, Scope.everywhere(), event.work_order_id)
        if order is None or order.equipment_id is None or order.settled_at is not None or order.is_life_safety:
            return
        root_id = await self._root_above(session, order)
        if root_id is not None:
            await self._put_under(session, order.id, root_id)
        below = await self._explained(session, order)
        for child_id in sorted(below):
            await self._put_under(session, child_id, root_id or order.id)

    async def link(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, under_id: UUID, actor: Actor,
        reason: str | None,
    ) -> WorkOrder:  # fmt: skip
        """By hand. Under an order that hangs under another, it is put under that one: there is one root.

        Raises WorkOrderNotFound, LinkNotPossible.
        """
        child, root = await incident_repository.lock_both(session, scope, work_order_id, under_id)
        if child is None or root is None:
            raise WorkOrderNotFound(work_order_id if child is None else under_id)
        await check_not_about(session, actor.person_id, root.id)
        if root.parent_id is not None and root.parent_id != child.id:
            root = await repository.lock_order(session, scope, root.parent_id) or root
        refusal = _refusal(child, root)
        if refusal is not None:
            raise LinkNotPossible(number=child.number, under=root.number, reason=refusal)
        root.parent_id = None  # it hung under the very one that goes under it now
        await self._link(session, child, root, actor=actor, reason=reason)
        for grandchild in await incident_repository.children(session, child.id):
            await self._put_under(session, grandchild.id, root.id)
        return child

    async def unlink(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor, reason: str | None
    ) -> WorkOrder:
        """It stands by itself from now on. Raises WorkOrderNotFound."""
        order = await repository.lock_order(session, scope, work_order_id)
        if order is None:
            raise WorkOrderNotFound(work_order_id)
        await unlink(session, order, actor_id=actor.person_id, reason=reason, clock=self._clock)
        return order

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _root_above(self, session: AsyncSession, order: WorkOrder) -> UUID | None:
        assert order.equipment_id is not None  # asked by the caller
        above = await self._catalog.above(session, order.equipment_id)
        standing = await incident_repository.troubles(
            session, site_id=order.site_id, equipment_ids=[one.equipment_id for one in above]
        )
        root = root_of(above, standing, fault_mode=order.fault_mode)
        return root.id if root else None

    async def _explained(self, session: AsyncSession, order: WorkOrder) -> list[UUID]:
        assert order.equipment_id is not None and order.equipment_kind is not None  # noqa: PT018
        below = await self._catalog.below(session, order.equipment_id)
        if not below:
            return []
        standing = await incident_repository.troubles(session, site_id=order.site_id, equipment_ids=below)
        kind = EquipmentKind(order.equipment_kind)
        return [one.id for one in explained_by(kind, below, standing)]

    async def _put_under(self, session: AsyncSession, child_id: UUID, root_id: UUID) -> None:
        """Holds the child only: whoever works on the root is not waited for."""
        child = await repository.lock_order(session, Scope.everywhere(), child_id)
        root = await repository.order(session, Scope.everywhere(), root_id)
        if child is None or root is None or child.parent_id == root.id or _refusal(child, root) is not None:
            return
        await self._link(session, child, root, actor=Actor.system(), reason=BY_TOPOLOGY)

    async def _link(
        self, session: AsyncSession, child: WorkOrder, root: WorkOrder, *, actor: Actor, reason: str | None
    ) -> None:
        child.parent_id = root.id
        record(
            session, child, Entry.LINKED, at=self._clock.now(), actor_id=actor.person_id, why=reason,
            after={"under": root.number},
        )  # fmt: skip
        await session.flush()
        for order in (child, root):
            await publish(session, WorkOrderChanged(site_id=order.site_id, work_order_id=order.id))


async def unlink(
    session: AsyncSession, order: WorkOrder, *, actor_id: UUID | None, reason: str | None, clock: Clock
) -> None:
    """Takes `order`, whose row is held, from under its root; nothing where it has none."""
    if order.parent_id is None:
        return
    root = await repository.order(session, Scope.everywhere(), order.parent_id)
    order.parent_id = None
    before = {"under": root.number if root else None}
    record(session, order, Entry.UNLINKED, at=clock.now(), actor_id=actor_id, why=reason, before=before)
    await publish(session, WorkOrderChanged(site_id=order.site_id, work_order_id=order.id))


def _refusal(child: WorkOrder, root: WorkOrder) -> str | None:
    """Why one may not hang under the other: `ticketing.link_refusal.…`."""
    if child.id == root.id:
        return "same_order"
    if child.site_id != root.site_id:
        return "other_site"
    if child.state in SETTLED or root.state in SETTLED:
        return "settled"
    # What becomes of the root decides about what hangs under it: never about a matter of life.
    return "life_safety" if child.is_life_safety else None
