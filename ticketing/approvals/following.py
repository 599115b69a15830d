"""What approvals mean to the flow of an order: an effect that asks, a guard that wants one, and how it goes on."""

from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from ticketing import repository as orders
from ticketing.actor import Actor
from ticketing.approvals import repository
from ticketing.approvals.asking import ApprovalState, Asking, Request
from ticketing.approvals.condition import Fact
from ticketing.approvals.errors import ApprovalMissing
from ticketing.approvals.events import ApprovalEnded
from ticketing.approvals.models import Approval
from ticketing.definitions.book import Definitions
from ticketing.events import WorkOrderMoved
from ticketing.flow import Action, WaitsFor
from ticketing.following import Step
from ticketing.kinds import OrderState
from ticketing.models import WorkOrder
from ticketing.moving import Moving
from ticketing.words import Words

OVER = frozenset({OrderState.CLOSED, OrderState.CANCELLED})


class ApprovalGates:
    """The effect ASK_APPROVAL and the guard APPROVED."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def ask(self, session: AsyncSession, step: Step) -> None:
        """Raises ApprovalPending."""
        wording = step.flow.wording(step.row.action)
        request = Request(step.row.action, wording, step.actor.person_id, step.words.reason or step.words.note)
        await self._asking.ask(session, step.order, request)

    async def check(self, session: AsyncSession, step: Step) -> None:
        """Raises ApprovalMissing, ApprovalPending. What costs more by now than was approved is not approved."""
        order, action = step.order, step.row.action
        if not await self._asking.rules(session, order, action):
            return
        found = await self._asking.latest(session, order, action)
        if found is not None and found.state == ApprovalState.PENDING:
            raise await self._asking.is_pending(session, found, step.flow.wording(action))
        if found is None or found.state != ApprovalState.APPROVED or _approved_cost(found) < order.cost:
            raise ApprovalMissing(action=action, action_name=step.flow.wording(action))


class ApprovalFollowing:
    """Handlers of events, each in a transaction of its own."""

    def __init__(self, asking: Asking, moving: Moving, definitions: Definitions) -> None:
        self._asking = asking
        self._moving = moving
        self._definitions = definitions

    async def on_ended(self, session: AsyncSession, event: ApprovalEnded) -> None:
        """An order that stands and waits for the approval goes on, whichever way it was decided."""
        order = await self._order(session, event)
        flow = await self._definitions.flow_of(session, order)
        action = Action.GRANT if event.is_granted else Action.REFUSE
        waits = flow.stage(order.at_stage).waits_for is WaitsFor.APPROVAL
        if order.attempt != event.attempt or not waits or flow.find(order.at_stage, action) is None:
            return
        words = Words(reason=None if event.is_granted else "approval_rejected")
        await self._moving.move(session, order, actor=Actor.system(), action=action, words=words)

    async def on_moved(self, session: AsyncSession, event: WorkOrderMoved) -> None:
        """Of an order that is over nobody's word is wanted any more."""
        order = await self._order(session, event)
        for approval in await repository.of_order(session, Scope.everywhere(), order.id):
            if approval.state == ApprovalState.PENDING and order.state in OVER:
                await self._asking.withdraw(session, order, approval)

    async def _order(self, session: AsyncSession, event: ApprovalEnded | WorkOrderMoved) -> WorkOrder:
        order = await orders.lock_order(session, Scope.everywhere(), event.work_order_id)
        assert order is not None  # orders are never deleted
        return order


def is_over(event: WorkOrderMoved) -> bool:
    return event.after in OVER


def _approved_cost(approval: Approval) -> Decimal:
    return Decimal(approval.facts[Fact.COST.value] or 0)
