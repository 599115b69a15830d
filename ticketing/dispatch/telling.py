"""Who hears of an order that nobody was asked for by name: those who may take it, or customer service."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from notify.service import Notice, NotifyService, Urgency
from people.kinds import Duty
from people.service import PeopleService
from ticketing import repository as orders_repository
from ticketing.dispatch import repository
from ticketing.dispatch.choosing import Dispatching
from ticketing.dispatch.events import OrderWaits
from ticketing.kinds import FREE
from ticketing.models import WorkOrder
from ticketing.order_kind import Distribution
from ticketing.together import flood_key

MOST_URGENT_PRIORITY = 2


class DispatchTelling:
    def __init__(self, *, notify: NotifyService, people: PeopleService, dispatching: Dispatching, clock: Clock) -> None:
        self._notify = notify
        self._people = people
        self._dispatching = dispatching
        self._clock = clock

    async def on_order_waits(self, session: AsyncSession, event: OrderWaits) -> None:
        wait = await repository.wait(session, event.wait_id)
        order = await orders_repository.order(session, Scope.of(event.site_id), event.work_order_id)
        # Somebody may have been quicker than this message: then nobody is asked.
        if wait is None or wait.outcome is not None or order is None or order.state not in FREE:
            return
        is_pool = event.mode == Distribution.GRAB
        people = [UUID(one) for one in wait.person_ids] if is_pool else await self._desk(session, event.site_id)
        template = "staff.pool" if is_pool else "staff.to_dispatch"
        kept_off = await self._dispatching.kept_off(session, order)
        flood = await flood_key(session, order)
        key = f"{flood}/{template}" if flood else f"work_order/{order.id}/waits/{wait.id}"
        for person_id in people:
            if person_id not in kept_off:
                await self._tell(session, order, person_id, template, due=wait.ends_at.isoformat(), key=key)

    async def _desk(self, session: AsyncSession, site_id: UUID) -> Sequence[UUID]:
        """Customer service on shift; the duty manager where nobody is."""
        found = await self._people.on_duty(session, site_id=site_id, duty=Duty.DISPATCHER, at=self._clock.now())
        if found:
            return [one.person_id for one in found]
        manager_id = await self._dispatching.duty_manager(session, site_id)
        return [] if manager_id is None else [manager_id]

    async def _tell(
        self, session: AsyncSession, order: WorkOrder, person_id: UUID, template: str, *, due: str, key: str
    ) -> None:
        language = (await self._people.contact(session, person_id)).language
        notice = Notice(
            key=key,
            person_id=person_id,
            template=template,
            facts={
                "number": order.number, "title": order.title.get(language.value, order.number), "place": order.place,
                "due": due,
            },
            site_id=order.site_id,
            urgency=Urgency.URGENT if order.priority <= MOST_URGENT_PRIORITY else Urgency.ORDINARY,
            link=f"/work-orders/{order.id}",
        )  # fmt: skip
        await self._notify.tell(session, notice)
