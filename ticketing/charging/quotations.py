"""Quotation → the payer's word → charge. Whoever pays is shown every item first; nothing else is ever charged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from kit.i18n import Wording
from kit.ids import new_id
from ticketing.actor import Actor
from ticketing.charging import repository
from ticketing.charging.errors import (
    ItemIncomplete,
    ItemUnknown,
    NobodyToAsk,
    QuotationDecided,
    QuotationExpired,
    QuotationNotFound,
    QuotationTooMuch,
)
from ticketing.charging.events import QuotationDecided as Decided
from ticketing.charging.events import QuotationMade
from ticketing.charging.kinds import ChargeState, DecidedHow, QuotationState
from ticketing.charging.models import Charge, Quotation
from ticketing.charging.payer import Payer
from ticketing.charging.paying import Known
from ticketing.charging.prices import ItemKind, PriceList
from ticketing.charging.publishing import PriceLists
from ticketing.charging.quoting import MOST_TOTAL, QuoteLine, approval_reasons, total_of
from ticketing.charging.site_policy import SitePolicy
from ticketing.charging.withdrawing import withdraw_asked
from ticketing.definitions.book import Definitions
from ticketing.errors import NotYourOrder
from ticketing.events import WorkOrderChanged
from ticketing.flow import Action, Hat, WaitsFor
from ticketing.holding import held, seen
from ticketing.journal import Entry, record
from ticketing.models import WorkOrder
from ticketing.moving import Moving
from ticketing.sweeping import Sweeping
from ticketing.words import Words
from ticketing.working.errors import OrderIsOver

LAPSE_BATCH = 100
SHOWN_AT_MOST = 100
LAPSED_WHY = "quotation_lapsed"
PAYER_CHANGED_WHY = "payer_changed"


@dataclass(frozen=True)
class WantedItem:
    """An item as it is entered: a code of the price list, or words, unit and price of its own."""

    quantity: Decimal
    code: str | None = None
    name: str | None = None
    kind: ItemKind | None = None
    unit: str | None = None
    unit_price: Decimal | None = None


@dataclass(frozen=True)
class Answer:
    """What the payer said, and how. `by` None: the holder of the link, or of the pen at the door."""

    is_approved: bool
    how: DecidedHow
    by: UUID | None = None
    why: str | None = None
    signature_id: UUID | None = None


class Quotations:
    def __init__(
        self, *, definitions: Definitions, prices: PriceLists, policy: SitePolicy, moving: Moving, sweeping: Sweeping,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._definitions = definitions
        self._prices = prices
        self._policy = policy
        self._moving = moving
        self._sweeping = sweeping
        self._clock = clock

    async def quote(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor,
        items: Sequence[WantedItem], note: str,
    ) -> Quotation:  # fmt: skip
        """What the work would cost. Above published prices or the site's threshold the payer must say yes, and the
        order waits; else showing it is enough. A quotation nobody answered yet is withdrawn.

        Raises WorkOrderNotFound, OrderIsOver, NotYourOrder, NobodyToAsk, ItemUnknown, ItemIncomplete,
        QuotationTooMuch and what `Moving.move` raises where the order cannot wait for its owner now.
        """
        order = await held(session, scope, work_order_id)
        self._check(order, actor)
        price_list_id, published = await self._prices.standing(session, order.site_id)
        lines = [_line(index, one, published) for index, one in enumerate(items, start=1)]
        total = total_of(lines)
        if total > MOST_TOTAL:
            raise QuotationTooMuch(total=total, most=MOST_TOTAL)
        policy = await self._policy.of(session, order.site_id)
        payer_id = await self._asked(session, order)
        why = approval_reasons(lines, threshold=policy.approval_above, can_be_told=payer_id is not None)
        earlier = await repository.quotations(session, order.id)
        await withdraw_asked(session, order.id)
        now = self._clock.now()
        row = Quotation(
            id=new_id(), site_id=order.site_id, work_order_id=order.id, number=len(earlier) + 1,
            state=(QuotationState.ASKED if why else QuotationState.SHOWN).value, payer=order.payer,
            payer_id=payer_id, items=[_shown(line) for line in lines],
            total=total, price_list_id=price_list_id, why_asked=[one.value for one in why], note=note,
            made_by=actor.person_id, made_at=now, expires_at=now + timedelta(days=policy.answer_days),
        )  # fmt: skip
        session.add(row)
        await session.flush()
        after = {"quotation": row.number, "total": str(row.total), "state": row.state}
        record(session, order, Entry.QUOTED, at=now, actor_id=actor.person_id, after=after)
        await self._go_on(session, order, row, actor)
        return row

    async def answer(self, session: AsyncSession, quotation_id: UUID, answer: Answer) -> Quotation:
        """The payer's word: the work goes on, and what was agreed is written down as a charge.

        Raises QuotationNotFound, QuotationDecided, QuotationExpired and what `Moving.move` raises.
        """
        row = await self._row(session, quotation_id)
        order = await held(session, Scope.everywhere(), row.work_order_id)
        row = await self._row(session, quotation_id)  # as it is now that the order is ours
        now = self._clock.now()
        if row.state != QuotationState.ASKED:
            raise QuotationDecided(row.state)
        if row.expires_at <= now:
            raise QuotationExpired(row.expires_at)
        state = QuotationState.APPROVED if answer.is_approved else QuotationState.REJECTED
        actor = Actor.system() if answer.how is DecidedHow.SIGNATURE else Actor.reporter(answer.by)
        row.decided_by, row.decided_how, row.signature_id = answer.by, answer.how.value, answer.signature_id
        await self._decide(session, order, row, state, actor=actor, why=answer.why)
        return row

    async def follow_payer(self, session: AsyncSession, order: WorkOrder) -> None:
        """Who pays was said anew: whoever paid until then is asked about nothing any more and charged nothing. The
        caller holds the order."""
        asked = await repository.asked(session, order.id)
        if asked is not None and _is_of_another(order, asked.payer, asked.payer_id):
            await withdraw_asked(session, order.id)
            if await self._waits(session, order):
                words = Words(reason=PAYER_CHANGED_WHY)
                await self._moving.move(
                    session, order, actor=Actor.system(), action=Action.REFUSE_QUOTE, words=words
                )  # fmt: skip
        now = self._clock.now()
        for charge in await repository.charges_of_order(session, order.id):
            if charge.quotation_id is not None and _is_of_another(order, charge.payer, charge.payer_id):
                charge.state, charge.voided_at = ChargeState.VOID.value, now

    async def lapse(self, session: AsyncSession) -> None:
        """Quotations whose time is over: the order is its technician's again, who may ask anew."""
        found = await repository.lapsed(session, now=self._clock.now(), limit=LAPSE_BATCH)
        await self._sweeping.each(session, "lapse_quotations", found, self._lapse_one)

    # --- reading --------------------------------------------------------------------------------------------------

    async def of_order(self, session: AsyncSession, scope: Scope, work_order_id: UUID) -> Sequence[Quotation]:
        """Newest first. Raises WorkOrderNotFound."""
        await seen(session, scope, work_order_id)
        return await repository.quotations(session, work_order_id)

    async def of_person(self, session: AsyncSession, person_id: UUID) -> Sequence[Quotation]:
        """What somebody was asked or shown, newest first."""
        return await repository.quotations_of_person(session, person_id, limit=SHOWN_AT_MOST)

    async def for_payer(
        self, session: AsyncSession, quotation_id: UUID, *, person_id: UUID | None = None
    ) -> tuple[Quotation, WorkOrder]:
        """A quotation and its order. `person_id`: only if they are who is asked. Raises QuotationNotFound."""
        row = await self._row(session, quotation_id)
        if person_id is not None and row.payer_id != person_id:
            raise QuotationNotFound(quotation_id)
        return row, await seen(session, Scope.everywhere(), row.work_order_id)

    async def of_order_named(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, quotation_id: UUID
    ) -> Quotation:
        """Raises WorkOrderNotFound, QuotationNotFound."""
        await seen(session, scope, work_order_id)
        row = await self._row(session, quotation_id)
        if row.work_order_id != work_order_id:
            raise QuotationNotFound(quotation_id)
        return row

    # --- inside ---------------------------------------------------------------------------------------------------

    def _check(self, order: WorkOrder, actor: Actor) -> None:
        if order.settled_at is not None or order.done_at is not None:
            raise OrderIsOver(order.number)
        wanted = {Hat.ASSIGNEE, Hat.DISPATCHER, Hat.MANAGER}
        if not wanted & actor.hats(site_id=order.site_id, assignee_id=order.assignee_id):
            raise NotYourOrder(action=Action.QUOTE, who=sorted(hat.value for hat in wanted))
        if order.payer is None or not Payer(order.payer).is_asked:
            raise NobodyToAsk(payer=order.payer or Payer.PROPERTY_FEE.value)

    async def _asked(self, session: AsyncSession, order: WorkOrder) -> UUID | None:
        """Who is asked: whoever broke it, where that is known; the owner is who reported."""
        if order.payer == Payer.PERSON_AT_FAULT:
            return Known.of(order.payer_facts).person_at_fault_id
        return await repository.first_reporter(session, order.id)

    async def _waits(self, session: AsyncSession, order: WorkOrder) -> bool:
        flow = await self._definitions.flow_of(session, order)
        return flow.stage(order.at_stage).waits_for is WaitsFor.OWNER

    async def _lapse_one(self, session: AsyncSession, order: WorkOrder) -> None:
        row = await repository.asked(session, order.id)
        if row is None or row.expires_at > self._clock.now():
            return
        if await self._waits(session, order):
            await self._decide(session, order, row, QuotationState.LAPSED, actor=Actor.system(), why=LAPSED_WHY)
        else:
            await withdraw_asked(session, order.id)

    async def _go_on(self, session: AsyncSession, order: WorkOrder, row: Quotation, actor: Actor) -> None:
        is_asked = row.state == QuotationState.ASKED
        if is_asked:
            if not await self._waits(session, order):  # asked anew, it goes on waiting
                await self._moving.move(session, order, actor=actor, action=Action.QUOTE)
        else:
            await self._charge(session, order, row)
            if await self._waits(session, order):  # for an answer to a dearer one that this one replaces
                await self._moving.move(session, order, actor=Actor.system(), action=Action.APPROVE_QUOTE)
            await publish(session, WorkOrderChanged(site_id=order.site_id, work_order_id=order.id))
        await publish(
            session,
            QuotationMade(site_id=row.site_id, work_order_id=order.id, quotation_id=row.id, is_asked=is_asked),
        )

    async def _decide(
        self, session: AsyncSession, order: WorkOrder, row: Quotation, state: QuotationState, *, actor: Actor,
        why: str | None,
    ) -> None:  # fmt: skip
        now = self._clock.now()
        row.state, row.decided_at, row.decided_why = state.value, now, why
        await session.flush()
        after = {"quotation": row.number, "state": row.state, "how": row.decided_how}
        record(session, order, Entry.QUOTATION_DECIDED, at=now, actor_id=row.decided_by, why=why, after=after)
        if state is QuotationState.APPROVED:
            await self._charge(session, order, row)
            await self._moving.move(session, order, actor=actor, action=Action.APPROVE_QUOTE)
        else:
            words = Words(reason=why or state.value)
            await self._moving.move(session, order, actor=actor, action=Action.REFUSE_QUOTE, words=words)
        await publish(
            session, Decided(site_id=row.site_id, work_order_id=order.id, quotation_id=row.id, state=row.state)
        )

    async def _charge(self, session: AsyncSession, order: WorkOrder, row: Quotation) -> None:
        """What was agreed takes the place of what was agreed before: the payer pays the last thing they were shown."""
        now = self._clock.now()
        for earlier in await repository.charges_of_order(session, order.id):
            if earlier.quotation_id is not None:
                earlier.state, earlier.voided_at = ChargeState.VOID.value, now
        session.add(
            Charge(
                id=new_id(), site_id=order.site_id, work_order_id=order.id, quotation_id=row.id, payer=row.payer,
                payer_id=row.payer_id, space_id=order.space_id, amount=row.total, state=ChargeState.AGREED.value,
                written_at=now,
            )
        )  # fmt: skip

    async def _row(self, session: AsyncSession, quotation_id: UUID) -> Quotation:
        row = await repository.quotation(session, quotation_id)
        if row is None:
            raise QuotationNotFound(quotation_id)
        return row


def _is_of_another(order: WorkOrder, payer: str, payer_id: UUID | None) -> bool:
    """Whether something was quoted to somebody else than who pays now."""
    if payer != order.payer:
        return True
    at_fault = Known.of(order.payer_facts).person_at_fault_id
    return payer == Payer.PERSON_AT_FAULT and payer_id != at_fault


def _line(index: int, wanted: WantedItem, published: PriceList) -> QuoteLine:
    item = published.item(wanted.code) if wanted.code else None
    if wanted.code and item is None:
        raise ItemUnknown(wanted.code)
    if item is not None:
        price = item.price if wanted.unit_price is None else wanted.unit_price
        return QuoteLine(item.code, item.names, item.kind, item.unit, wanted.quantity, price, item.price)
    for field in ("name", "kind", "unit", "unit_price"):
        if getattr(wanted, field) is None:
            raise ItemIncomplete(line=index, field=field)
    name, kind, unit, own_price = wanted.name, wanted.kind, wanted.unit, wanted.unit_price
    assert name is not None and kind is not None and unit is not None and own_price is not None  # noqa: PT018
    return QuoteLine(None, Wording.same(name), kind, unit, wanted.quantity, own_price)


def _shown(line: QuoteLine) -> dict[str, Any]:
    return {
        "code": line.code, "names": dict(line.names), "kind": line.kind.value, "unit": line.unit,
        "quantity": str(line.quantity), "unit_price": str(line.unit_price), "total": str(line.total),
        "published_price": None if line.published_price is None else str(line.published_price),
    }  # fmt: skip
