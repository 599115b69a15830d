"""Who works on an order, and what they add to it: time, parts, answers, helpers. Each keeps the order's row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from kit.ids import new_id
from people.errors import PersonNotFound
from people.kinds import PersonKind
from people.service import PeopleService
from stock.service import StockService, Taking
from stock.views import OrderPart
from ticketing.actor import Actor
from ticketing.charging.site_policy import SitePolicy
from ticketing.events import WorkOrderChanged
from ticketing.flow import Hat
from ticketing.following import Step
from ticketing.holding import held
from ticketing.journal import Entry, record
from ticketing.models import WorkOrder
from ticketing.working import repository
from ticketing.working.errors import NobodyToHelp, NotOnTheJob, OrderIsOver
from ticketing.working.labour import LabourSource, Spent, check_cost, check_entry, labour_cost
from ticketing.working.models import Helper, LabourEntry


class PartAction(StrEnum):
    RESERVE = "reserve"
    RELEASE = "release"
    USE = "use"
    RETURN = "return"


@dataclass(frozen=True, kw_only=True)
class PartMove:
    action: PartAction
    storehouse_id: UUID
    part_id: UUID
    quantity: Decimal
    note: str = ""


class Jobs:
    def __init__(self, *, people: PeopleService, stock: StockService, policy: SitePolicy, clock: Clock) -> None:
        self._people = people
        self._stock = stock
        self._policy = policy
        self._clock = clock

    async def on_the_job(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, actor: Actor, *, may_be_done: bool = False
    ) -> WorkOrder:
        """The order, held, for somebody who works on it or runs the desk. `may_be_done`: time and parts are entered
        late as well, until the order is settled. Raises WorkOrderNotFound, OrderIsOver, NotOnTheJob."""
        order = await held(session, scope, work_order_id)
        if order.settled_at is not None or (order.done_at is not None and not may_be_done):
            raise OrderIsOver(order.number)
        hats = actor.hats(site_id=order.site_id, assignee_id=order.assignee_id)
        if hats & {Hat.ASSIGNEE, Hat.DISPATCHER, Hat.MANAGER}:
            return order
        if actor.person_id is not None:
            helper = await repository.helper(session, work_order_id=order.id, person_id=actor.person_id)
            if helper is not None and helper.left_at is None:
                return order
        raise NotOnTheJob(order.number)

    # --- time -----------------------------------------------------------------------------------------------------

    async def start_labour(self, session: AsyncSession, step: Step) -> None:
        """Effect: the assignee is at it; their clock runs from now on unless it does already."""
        person_id = step.order.assignee_id
        if person_id is None:
            return
        going = {entry.person_id for entry in await repository.running(session, step.order.id)}
        if person_id not in going:
            session.add(
                LabourEntry(
                    id=new_id(), site_id=step.order.site_id, work_order_id=step.order.id, person_id=person_id,
                    started_at=step.now, source=LabourSource.STATE.value, entered_at=step.now,
                )
            )  # fmt: skip
            await session.flush()

    async def stop_labour(self, session: AsyncSession, step: Step) -> None:
        """Effect: nobody is at it any more."""
        going = await repository.running(session, step.order.id)
        if not going:
            return
        for entry in going:
            assert entry.started_at is not None  # it runs
            entry.ended_at = max(step.now, entry.started_at)
        await session.flush()
        await self.weigh_cost(session, step.order, now=step.now)

    async def enter_labour(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor, person_id: UUID | None,
        spent: Spent, note: str,
    ) -> WorkOrder:  # fmt: skip
        """Somebody's time, entered afterwards: the caller's own, or (the desk) another's.

        Raises WorkOrderNotFound, OrderIsOver, NotOnTheJob, PersonNotFound, LabourInvalid, CostTooLarge.
        """
        order = await self.on_the_job(session, scope, work_order_id, actor, may_be_done=True)
        now = self._clock.now()
        check_entry(spent, now=now)
        whose = person_id or actor.person_id
        assert whose is not None  # endpoints have a caller
        hats = actor.hats(site_id=order.site_id, assignee_id=order.assignee_id)
        if whose != actor.person_id and not hats & {Hat.DISPATCHER, Hat.MANAGER, Hat.ASSIGNEE}:
            raise NotOnTheJob(order.number)
        await self._people.person(session, Scope.of(order.site_id), whose)
        entry = LabourEntry(
            id=new_id(), site_id=order.site_id, work_order_id=order.id, person_id=whose, started_at=spent.started_at,
            ended_at=spent.ended_at, minutes=spent.minutes, source=LabourSource.ENTERED.value, note=note,
            entered_by=actor.person_id, entered_at=now,
        )  # fmt: skip
        session.add(entry)
        await session.flush()
        await self.weigh_cost(session, order, now=now)
        after = {"person_id": str(whose), "minutes": str(spent.so_far(now))}
        await self._note(session, order, Entry.LABOUR_ENTERED, actor, why=note or None, after=after)
        return order

    # --- parts ----------------------------------------------------------------------------------------------------

    async def move_part(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor, move: PartMove
    ) -> WorkOrder:
        """Reserves, lets go, uses or brings back parts from a storehouse of the order's site.

        Raises WorkOrderNotFound, OrderIsOver, NotOnTheJob, CostTooLarge and what `StockService` raises.
        """
        order = await self.on_the_job(session, scope, work_order_id, actor, may_be_done=True)
        taking = Taking(
            work_order_id=order.id, storehouse_id=move.storehouse_id, part_id=move.part_id, quantity=move.quantity,
            person_id=actor.person_id, note=move.note,
        )  # fmt: skip
        here = Scope.of(order.site_id)
        match move.action:
            case PartAction.RESERVE:
                await self._stock.reserve(session, here, taking)
            case PartAction.RELEASE:
                await self._stock.release(session, here, taking)
            case PartAction.USE:
                await self._stock.use(session, here, taking)
            case PartAction.RETURN:
                await self._stock.give_back(session, here, taking)
            case _:
                assert_never(move.action)
        await self.weigh_cost(session, order, now=self._clock.now())
        part = await self._stock.part(session, here, move.part_id)
        after = {"action": move.action.value, "part": part.name, "quantity": f"{move.quantity} {part.unit}"}
        await self._note(session, order, Entry.PARTS_MOVED, actor, why=move.note or None, after=after)
        return order

    async def parts(self, session: AsyncSession, work_order_id: UUID) -> list[OrderPart]:
        return await self._stock.of_order(session, work_order_id)

    async def weigh_cost(self, session: AsyncSession, order: WorkOrder, *, now: datetime) -> None:
        """What the order cost the company so far: parts used, and time at the site's rate. Raises CostTooLarge."""
        policy = await self._policy.of(session, order.site_id)
        entries = [spent_of(entry) for entry in await repository.labour(session, order.id)]
        parts = sum((one.value for one in await self.parts(session, order.id)), start=Decimal(0))
        labour = labour_cost(entries, per_hour=policy.labour_per_hour, now=now)
        order.cost = check_cost(parts + labour, number=order.number)

    # --- help -----------------------------------------------------------------------------------------------------

    async def join(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor, person_id: UUID
    ) -> WorkOrder:
        """Another technician helps. The order stays its assignee's.

        Raises WorkOrderNotFound, OrderIsOver, NotOnTheJob, NobodyToHelp.
        """
        order = await self.on_the_job(session, scope, work_order_id, actor)
        await self._check_helper(session, order, person_id)
        now = self._clock.now()
        row = await repository.helper(session, work_order_id=order.id, person_id=person_id)
        if row is None:
            row = Helper(work_order_id=order.id, person_id=person_id, site_id=order.site_id, since=now)
            session.add(row)
        row.since, row.left_at, row.asked_by = now, None, actor.person_id
        await session.flush()
        await self._note(session, order, Entry.HELPER_JOINED, actor, after={"person_id": str(person_id)})
        return order

    async def leave(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor, person_id: UUID
    ) -> WorkOrder:
        """A helper goes. Raises WorkOrderNotFound, OrderIsOver, NotOnTheJob, NobodyToHelp."""
        order = await self.on_the_job(session, scope, work_order_id, actor)
        row = await repository.helper(session, work_order_id=order.id, person_id=person_id)
        if row is None or row.left_at is not None:
            raise NobodyToHelp(person_id)
        row.left_at = self._clock.now()
        await self._note(session, order, Entry.HELPER_LEFT, actor, after={"person_id": str(person_id)})
        return order

    async def helpers(self, session: AsyncSession, work_order_id: UUID) -> Sequence[Helper]:
        return await repository.helpers(session, work_order_id)

    # --- inside ---------------------------------------------------------------------------------------------------

    async def _check_helper(self, session: AsyncSession, order: WorkOrder, person_id: UUID) -> None:
        try:
            person = await self._people.person(session, Scope.of(order.site_id), person_id)
        except PersonNotFound:
            raise NobodyToHelp(person_id) from None
        if person.kind is PersonKind.OWNER or not person.is_active or person_id == order.assignee_id:
            raise NobodyToHelp(person_id)

    async def _note(
        self, session: AsyncSession, order: WorkOrder, what: Entry, actor: Actor, *, after: dict[str, str],
        why: str | None = None,
    ) -> None:  # fmt: skip
        record(session, order, what, at=self._clock.now(), actor_id=actor.person_id, why=why, after=after)
        await publish(session, WorkOrderChanged(site_id=order.site_id, work_order_id=order.id))


def spent_of(entry: LabourEntry) -> Spent:
    return Spent(entry.started_at, entry.ended_at, entry.minutes)
