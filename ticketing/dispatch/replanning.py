"""The orders of a site that nobody has begun, given out anew all together: proposed first, then applied.

Applied is only what nobody touched since: an order that moved has another version and is left as it is.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.errors import DomainError
from kit.ids import new_id
from people.service import PeopleService
from ticketing import repository as orders_repository
from ticketing.actor import Actor
from ticketing.dispatch import repository
from ticketing.dispatch.candidates import Candidates
from ticketing.dispatch.choosing import Dispatching
from ticketing.dispatch.errors import PlanNotFound
from ticketing.dispatch.models import DispatchPlan, DispatchPlanItem
from ticketing.dispatch.modes import Choice, DispatchMode
from ticketing.dispatch.offers import reasons_as_json, reasons_of_json
from ticketing.dispatch.planning import OpenOrder, Planned, plan
from ticketing.dispatch.repository import NOT_BEGUN, Unbegun
from ticketing.dispatch.scoring import Bidder, Reason, refusal_of
from ticketing.flow import Action
from ticketing.models import WorkOrder
from ticketing.moving import Moving
from ticketing.words import Words

MOST_ORDERS = 20_000


class ItemOutcome(StrEnum):
    APPLIED = "applied"
    CHANGED = "changed"  # somebody moved the order meanwhile
    NOT_FREE = "not_free"  # the person is no longer on shift, or may not do it
    REFUSED = "refused"  # the order's flow does not let it be given out now


@dataclass(frozen=True)
class PlanItem:
    """An order that somebody else gets. `why_not` None: not applied yet, or applied."""

    work_order_id: UUID
    number: str
    before_name: str | None
    person_id: UUID
    person_name: str
    score: int | None
    reasons: Sequence[Reason]
    outcome: ItemOutcome | None


@dataclass(frozen=True)
class PlanPage:
    """A plan and a page of what it changes; `total` changes in all."""

    plan: DispatchPlan
    items: Sequence[PlanItem]
    total: int


@dataclass(frozen=True)
class Applied:
    """What became of the items that were taken up now, and how many nobody has taken up yet."""

    items: Sequence[PlanItem]
    left: int


class Replanning:
    def __init__(
        self, *, people: PeopleService, catalog: CatalogService, candidates: Candidates, dispatching: Dispatching,
        moving: Moving, clock: Clock,
    ) -> None:  # fmt: skip
        self._people = people
        self._catalog = catalog
        self._candidates = candidates
        self._dispatching = dispatching
        self._moving = moving
        self._clock = clock

    async def propose(self, session: AsyncSession, scope: Scope, site_id: UUID, *, by: UUID | None) -> UUID:
        """Plans what nobody has begun at the site (`repository.not_begun`); the plan's id. Raises SiteNotFound."""
        await self._catalog.site(session, scope, site_id)
        orders = await repository.not_begun(session, site_id, limit=MOST_ORDERS)
        bidders = await self._bidders(session, site_id)
        questions = await self._questions(session, site_id, orders)
        planned = await asyncio.to_thread(plan, questions, bidders)
        manager_id = await self._dispatching.duty_manager(session, site_id)
        row = DispatchPlan(
            id=new_id(), site_id=site_id, made_at=self._clock.now(), made_by=by, orders=len(orders),
            people=len(bidders),
        )  # fmt: skip
        await repository.keep_plan(session, row, _items(row, orders, planned, manager_id))
        return row.id

    async def page(
        self, session: AsyncSession, scope: Scope, plan_id: UUID, *, limit: int, offset: int = 0
    ) -> PlanPage:
        """Raises PlanNotFound."""
        row = await self._plan(session, scope, plan_id)
        found, total = await repository.plan_items(session, row.id, limit=limit, offset=offset)
        return PlanPage(row, await self._named(session, found), total)

    async def apply(
        self, session: AsyncSession, scope: Scope, plan_id: UUID, *, actor: Actor,
        work_order_ids: Collection[UUID] | None, limit: int,
    ) -> Applied:  # fmt: skip
        """Gives out the next `limit` orders of the plan, all or of some; what changed since is left as it is.

        Raises PlanNotFound.
        """
        row = await self._plan(session, scope, plan_id)
        items = await repository.items_left(session, row.id, work_order_ids=work_order_ids, limit=limit)
        bidders = {one.person_id: one for one in await self._candidates.here(session, row.site_id)}
        numbered: list[tuple[DispatchPlanItem, str]] = []
        # In one order everywhere, so that two who apply at once cannot wait for each other.
        for item in sorted(items, key=lambda one: one.work_order_id):
            order = await orders_repository.lock_order(session, Scope.of(row.site_id), item.work_order_id)
            assert order is not None  # the foreign key's word
            item.outcome = (await self._apply(session, order, item, bidders, actor)).value
            numbered.append((item, order.number))
        await session.flush()
        numbered.sort(key=lambda one: one[0].position)
        return Applied(await self._named(session, numbered), await repository.count_left(session, row.id))

    # --- private ---------------------------------------------------------------------------------------------------

    async def _apply(
        self, session: AsyncSession, order: WorkOrder, item: DispatchPlanItem, bidders: Mapping[UUID, Bidder],
        actor: Actor,
    ) -> ItemOutcome:  # fmt: skip
        has_moved = order.version != item.version or order.state not in NOT_BEGUN
        if has_moved or await repository.is_waiting(session, order.id):
            return ItemOutcome.CHANGED
        is_last_resort = item.score is None
        if not is_last_resort:
            bidder = bidders.get(item.person_id)
            if bidder is None or refusal_of(await self._candidates.need(session, order), bidder) is not None:
                return ItemOutcome.NOT_FREE
        mode = DispatchMode.DUTY_MANAGER if is_last_resort else DispatchMode.PLAN
        choice = Choice(item.person_id, mode, item.score, reasons_of_json(item.reasons))
        words = Words(assignee_id=item.person_id)
        try:
            async with session.begin_nested():
                await self._moving.move(session, order, actor=actor, action=Action.DISPATCH, words=words, choice=choice)
        except DomainError:
            return ItemOutcome.REFUSED
        return ItemOutcome.APPLIED

    async def _bidders(self, session: AsyncSession, site_id: UUID) -> list[Bidder]:
        """With the load that a plan leaves alone: what people have begun."""
        found = await self._candidates.here(session, site_id)
        load = await repository.in_hand(session, {one.person_id for one in found})
        return [replace(one, open_orders=load.get(one.person_id, 0)) for one in found]

    async def _questions(self, session: AsyncSession, site_id: UUID, orders: Sequence[Unbegun]) -> list[OpenOrder]:
        needs = await self._candidates.needs(session, site_id, orders)
        asked = await repository.asked(session, {order.id for order in orders})
        return [
            OpenOrder(
                order.id, need, order.priority, order.due_at, order.assignee_id, frozenset(asked.get(order.id, ()))
            )
            for order, need in zip(orders, needs, strict=True)
        ]  # fmt: skip

    async def _plan(self, session: AsyncSession, scope: Scope, plan_id: UUID) -> DispatchPlan:
        row = await repository.plan(session, scope, plan_id)
        if row is None:
            raise PlanNotFound(plan_id)
        return row

    async def _named(self, session: AsyncSession, rows: Sequence[Any]) -> list[PlanItem]:
        ids = {one for item, _ in rows for one in (item.person_id, item.before_id) if one is not None}
        names = await self._people.names(session, ids)
        return [
            PlanItem(
                work_order_id=item.work_order_id, number=number,
                before_name=names.get(item.before_id) if item.before_id else None,
                person_id=item.person_id, person_name=names.get(item.person_id, "—"), score=item.score,
                reasons=reasons_of_json(item.reasons),
                outcome=ItemOutcome(item.outcome) if item.outcome else None,
            )
            for item, number in rows
        ]  # fmt: skip


def _items(
    row: DispatchPlan, orders: Sequence[Unbegun], planned: Planned, manager_id: UUID | None
) -> list[dict[str, Any]]:
    """Only what changes hands: the order stays with whoever has it where the plan says the same."""
    items: list[dict[str, Any]] = []
    for order, placement in zip(orders, planned.placements, strict=True):
        person_id = placement.person_id or manager_id
        if person_id is None or person_id == order.assignee_id:
            continue
        nobody = placement.person_id is None
        reasons = (Reason("nobody_else", 0),) if nobody else placement.reasons
        items.append(
            {
                "plan_id": row.id, "position": len(items), "site_id": row.site_id, "work_order_id": order.id,
                "version": order.version, "before_id": order.assignee_id, "person_id": person_id,
                "score": None if nobody else placement.score, "reasons": reasons_as_json(reasons), "outcome": None,
            }
        )  # fmt: skip
    return items
