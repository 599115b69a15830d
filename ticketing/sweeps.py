"""Looks for what is due: offers nobody answered, tasks and orders past their time, proof that did not come.

One sweep a class of deadline; each takes the oldest few and leaves rows that somebody else holds to the next time.
"""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from kit.logs import logger
from kit.sweeps import Sweep
from ticketing import due_repository, repository
from ticketing.actor import Actor
from ticketing.events import WorkOrderEscalated
from ticketing.flow import Action
from ticketing.journal import Entry, record
from ticketing.kinds import OrderState
from ticketing.models import WorkOrder
from ticketing.moving import Moving
from ticketing.words import Words

log = logger(__name__)

ROWS_A_SWEEP = 200


class Sweeps:
    def __init__(self, moving: Moving, clock: Clock, registry: CollectorRegistry) -> None:
        self._moving = moving
        self._clock = clock
        self._escalated = Counter(
            "hub_work_orders_escalated_total", "Targets missed and offers unanswered.", ["reason"], registry=registry
        )
        self._failed = Counter(
            "hub_work_order_sweep_failures_total", "Orders a sweep could not handle.", ["sweep"], registry=registry
        )

    def all(self) -> list[Sweep]:
        """To be registered with the job runner."""
        return [
            Sweep("ticketing.unanswered", "* * * * * */10", self.unanswered),
            Sweep("ticketing.overdue_tasks", "* * * * * */5", self.overdue_tasks),
            Sweep("ticketing.overdue_orders", "* * * * * */15", self.overdue_orders),
            Sweep("ticketing.unproved", "* * * * * */15", self.unproved),
        ]

    async def unanswered(self, session: AsyncSession) -> None:
        """An offer ran out: the next candidate is asked, at last the duty manager."""
        found = await due_repository.unanswered(session, now=self._clock.now(), limit=ROWS_A_SWEEP)
        await self._each(session, "unanswered", found, self._ask_next)

    async def overdue_tasks(self, session: AsyncSession) -> None:
        """A parallel task missed its time: the duty manager hears of it, once."""
        found = await due_repository.orders_with_overdue_tasks(session, now=self._clock.now(), limit=ROWS_A_SWEEP)
        await self._each(session, "overdue_tasks", found, self._escalate_tasks)

    async def overdue_orders(self, session: AsyncSession) -> None:
        """Nobody answered, or the work is not done, in time: the duty manager hears of either, once."""
        found = await due_repository.overdue(session, now=self._clock.now(), limit=ROWS_A_SWEEP)
        await self._each(session, "overdue_orders", found, self._escalate_order)

    async def unproved(self, session: AsyncSession) -> None:
        """Done was said, and telemetry still says otherwise when the proof is due: it is not done."""
        found = await due_repository.unproved(session, now=self._clock.now(), limit=ROWS_A_SWEEP)
        await self._each(session, "unproved", found, self._reopen)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _each(
        self, session: AsyncSession, name: str, work_order_ids: Sequence[UUID],
        call: Callable[[AsyncSession, WorkOrder], Awaitable[None]],
    ) -> None:  # fmt: skip
        """Each order in a savepoint of its own: one that cannot be handled keeps nobody else waiting."""
        for work_order_id in work_order_ids:
            try:
                async with session.begin_nested():
                    order = await repository.lock_order(session, Scope.everywhere(), work_order_id)
                    assert order is not None  # orders are never deleted
                    await call(session, order)
            except Exception:
                self._failed.labels(sweep=name).inc()
                log.exception("order left to the next sweep", sweep=name, work_order_id=str(work_order_id))

    async def _ask_next(self, session: AsyncSession, order: WorkOrder) -> None:
        now = self._clock.now()
        if order.state != OrderState.DISPATCHED or order.answer_due_at is None or order.answer_due_at > now:
            return
        self._escalated.labels(reason="no_answer").inc()
        await self._moving.dispatch_next(session, order)

    async def _escalate_tasks(self, session: AsyncSession, order: WorkOrder) -> None:
        now = self._clock.now()
        for task in await repository.tasks(session, order.id):
            is_late = task.met_at is None and task.ended_at is None and task.due_at <= now
            if not is_late or task.escalated_at is not None or not task.is_required:
                continue
            task.escalated_at = now
            record(session, order, Entry.ESCALATED, at=now, after={"reason": "task_overdue", "task": task.kind})
            await self._tell(session, order, "task_overdue", task_id=task.id)

    async def _escalate_order(self, session: AsyncSession, order: WorkOrder) -> None:
        now = self._clock.now()
        if order.responded_at is None and order.response_escalated_at is None and order.response_due_at <= now:
            order.response_escalated_at = now
            record(session, order, Entry.ESCALATED, at=now, after={"reason": "response_overdue"})
            await self._tell(session, order, "response_overdue")
        is_waiting = order.done_at is not None or order.held_since is not None
        if not is_waiting and order.resolution_escalated_at is None and order.resolution_due_at <= now:
            order.resolution_escalated_at = now
            record(session, order, Entry.ESCALATED, at=now, after={"reason": "resolution_overdue"})
            await self._tell(session, order, "resolution_overdue")

    async def _reopen(self, session: AsyncSession, order: WorkOrder) -> None:
        if order.state != OrderState.DONE or order.proof_due_at is None or order.proof_due_at > self._clock.now():
            return
        self._escalated.labels(reason="unproved").inc()
        words = Words(reason="proof_missing")
        await self._moving.move(session, order, actor=Actor.system(), action=Action.REOPEN, words=words)

    async def _tell(self, session: AsyncSession, order: WorkOrder, reason: str, *, task_id: UUID | None = None) -> None:
        self._escalated.labels(reason=reason).inc()
        event = WorkOrderEscalated(
            site_id=order.site_id, life_safety=order.is_life_safety, work_order_id=order.id, reason=reason,
            task_id=task_id,
        )  # fmt: skip
        await publish(session, event)
