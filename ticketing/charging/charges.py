"""Charges follow their order: agreed while the work goes on, due when it is done, void when it is called off. Parts
that are still reserved then are free again, and nobody is asked about a quotation any more."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.ids import new_id
from stock.service import StockService
from ticketing.charging import repository
from ticketing.charging.kinds import ChargeState
from ticketing.charging.models import Charge
from ticketing.charging.payer import Payer
from ticketing.charging.repository import ChargeFilter
from ticketing.charging.withdrawing import withdraw_asked
from ticketing.events import WorkOrderMoved
from ticketing.holding import held
from ticketing.kinds import SETTLED, OrderState
from ticketing.models import WorkOrder

# Who is billed for what the work cost; private persons only for what they agreed to, the property fee for nothing.
_BILLED_FOR_COST = frozenset({Payer.DEVELOPER, Payer.MAINTENANCE_FUND})


def ends_or_begins_again(event: WorkOrderMoved) -> bool:
    """Whether a transition is one that charges follow."""
    over = {OrderState.DONE.value, *(state.value for state in SETTLED)}
    return event.after in over or event.before in over


class Charges:
    """Subscribed to transitions in `hub.subscriptions`. It looks at how the order stands, not at what happened: events
    come twice and in no order."""

    def __init__(self, stock: StockService, clock: Clock) -> None:
        self._stock = stock
        self._clock = clock

    async def on_moved(self, session: AsyncSession, event: WorkOrderMoved) -> None:
        order = await held(session, Scope.everywhere(), event.work_order_id)
        state = _state_for(OrderState(order.state))
        now = self._clock.now()
        rows = await repository.charges_of_order(session, order.id)
        await self._follow_cost(session, order, rows, is_done=state is ChargeState.DUE)
        if state is not ChargeState.AGREED:
            await self._stock.release_all(session, Scope.everywhere(), order.id)
            await withdraw_asked(session, order.id)
        for row in rows:
            if row.state == ChargeState.VOID or row.state == state:
                continue
            row.state = state.value
            row.due_at = now if state is ChargeState.DUE else None
            row.voided_at = now if state is ChargeState.VOID else None

    async def find(
        self, session: AsyncSession, scope: Scope, wanted: ChargeFilter, *, limit: int, offset: int
    ) -> tuple[Sequence[tuple[Charge, str]], int]:
        """Each with the number of its order, newest first."""
        return await repository.find_charges(session, scope, wanted, limit=limit, offset=offset)

    async def of_order(self, session: AsyncSession, work_order_id: UUID) -> Sequence[Charge]:
        return await repository.charges_of_order(session, work_order_id)

    async def _follow_cost(
        self, session: AsyncSession, order: WorkOrder, rows: Sequence[Charge], *, is_done: bool
    ) -> None:
        """What the work cost the company, for a payer who is billed for it."""
        billed = order.payer is not None and Payer(order.payer) in _BILLED_FOR_COST and order.cost > 0
        standing = next((row for row in rows if row.quotation_id is None), None)
        now = self._clock.now()
        if standing is not None and (not billed or standing.payer != order.payer):
            standing.state, standing.voided_at = ChargeState.VOID.value, now
            standing = None
            await session.flush()
        if not billed or not is_done:
            return
        if standing is not None:
            standing.amount = order.cost
            return
        assert order.payer is not None  # it is billed
        session.add(
            Charge(
                id=new_id(), site_id=order.site_id, work_order_id=order.id, payer=order.payer, space_id=order.space_id,
                amount=order.cost, state=ChargeState.DUE.value, written_at=now, due_at=now,
            )
        )  # fmt: skip


def _state_for(state: OrderState) -> ChargeState:
    if state is OrderState.CANCELLED:
        return ChargeState.VOID
    return ChargeState.DUE if state is OrderState.DONE or state in SETTLED else ChargeState.AGREED
