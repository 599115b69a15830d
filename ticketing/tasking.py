"""The parallel tasks of orders: opened with a person each, moved, passed on, ended with the order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from ticketing import repository
from ticketing.actor import Actor
from ticketing.dispatch.candidates import is_special
from ticketing.dispatch.choosing import Dispatching
from ticketing.errors import NotYourOrder, TaskNotFound, TasksUnfinished
from ticketing.events import FireConfirmed, TaskMoved
from ticketing.flow import Hat
from ticketing.journal import Entry, record
from ticketing.kinds import SETTLED, ClosingCode, FireOutcome, OrderState, Procedure, TaskKind, TaskState
from ticketing.models import WorkOrder, WorkOrderTask
from ticketing.site_targets import SiteTargets
from ticketing.tasks import UNFINISHED, TaskAction, TaskPlan, after_fire_outcome, first_tasks, is_met, legal_moves, move

# Who besides its assignee may move a task: the desk helps out, and the control room writes down what it hears.
_DESK = frozenset({Hat.DISPATCHER, Hat.MANAGER})
# Less urgent special work (a detector's battery) endangers nobody while it waits.
SECURED_PRIORITY = 2


@dataclass(frozen=True)
class TaskWords:
    """What is said with a move. `outcome` ends a fire confirmation; `note` is free, and required to cancel."""

    outcome: str | None = None
    note: str | None = None


NO_WORDS = TaskWords()


class Tasking:
    def __init__(
        self, *, dispatching: Dispatching, catalog: CatalogService, targets: SiteTargets, clock: Clock
    ) -> None:
        self._dispatching = dispatching
        self._catalog = catalog
        self._targets = targets
        self._clock = clock

    async def begin(self, session: AsyncSession, order: WorkOrder) -> None:
        """Creates the tasks that an order of its kind begins with, anew when it was reopened."""
        targets = await self._targets.of(session, order.site_id)
        plans = first_tasks(
            Procedure(order.procedure), targets, rescue_code=await self._rescue_code(session, order),
            is_special=order.priority <= SECURED_PRIORITY and is_special(order),
            arrival_min=await self._dispatching.promised_arrival_min(session, order),
        )  # fmt: skip
        await self._open_all(session, order, plans)

    async def act(
        self, session: AsyncSession, order: WorkOrder, task_id: UUID, *, actor: Actor, action: TaskAction,
        words: TaskWords,
    ) -> WorkOrderTask:  # fmt: skip
        """Moves a task of an order whose row the caller holds.

        Raises TaskNotFound, NotYourOrder, IllegalTaskMove, FieldMissing, FieldInvalid.
        """
        task = await repository.task(session, work_order_id=order.id, task_id=task_id)
        if task is None:
            raise TaskNotFound(task_id)
        if not may_move(order, task, actor):
            raise NotYourOrder(action=action, who=sorted(hat.value for hat in {Hat.ASSIGNEE, *_DESK}))
        await self._move(session, order, task, actor=actor, action=action, words=words)
        if task.kind == TaskKind.CONFIRM_FIRE and task.state == TaskState.DONE:
            await self._fire_outcome(session, order, FireOutcome(task.outcome or ""))
        return task

    async def assign_release(self, session: AsyncSession, order: WorkOrder) -> None:
        """Gives the task that is the order's own work to whoever has the order now."""
        for task in await self._own(session, order):
            if task.assignee_id != order.assignee_id:
                task.assignee_id, task.state = order.assignee_id, TaskState.OPEN.value

    async def follow(self, session: AsyncSession, order: WorkOrder, action: TaskAction) -> None:
        """The order's assignee accepted, arrived or finished: so did the task that is the order's own work."""
        for task in await self._own(session, order):
            if action in legal_moves(TaskState(task.state)):
                await self._move(
                    session, order, task, actor=Actor(order.assignee_id), action=action, words=NO_WORDS
                )  # fmt: skip

    async def end(self, session: AsyncSession, order: WorkOrder, code: ClosingCode | None) -> None:
        """Cancels what nobody needs any more. Raises TasksUnfinished while something that matters is open.

        A real incident is not over before its required tasks are; that nothing burns has been seen, whatever it was.
        `code` None: the order was called off.
        """
        if code is not None:
            await self.follow(session, order, TaskAction.FINISH)
        open_tasks = [task for task in await repository.tasks(session, order.id) if task.state in UNFINISHED]
        blocking = [task.kind for task in open_tasks if code is not None and _blocks(task, code)]
        if blocking:
            raise TasksUnfinished(tasks=blocking)
        now = self._clock.now()
        for task in open_tasks:
            task.state, task.ended_at = TaskState.CANCELLED.value, now
            await publish(session, _moved(order, task, actor_id=None))

    async def _open_all(self, session: AsyncSession, order: WorkOrder, plans: Iterable[TaskPlan]) -> None:
        """Each with whoever has that duty now; what this attempt has already is left as it is."""
        known = {task.kind for task in await repository.tasks(session, order.id) if task.attempt == order.attempt}
        opened = [await self._open(session, order, plan) for plan in plans if plan.kind not in known]
        await session.flush()
        for task in opened:
            await publish(session, _moved(order, task, actor_id=None))

    async def _open(self, session: AsyncSession, order: WorkOrder, plan: TaskPlan) -> WorkOrderTask:
        now = self._clock.now()
        person = order.assignee_id
        if plan.duty is not None:
            person = await self._dispatching.on_duty(session, site_id=order.site_id, duty=plan.duty)
        task = WorkOrderTask(
            site_id=order.site_id,
            work_order_id=order.id,
            attempt=order.attempt,
            kind=plan.kind.value,
            state=TaskState.OPEN.value,
            met_by=plan.met_by.value,
            is_required=plan.is_required,
            assignee_id=person,
            facts=dict(plan.facts),
            created_at=now,
            due_at=now + timedelta(minutes=plan.due_min),
        )
        session.add(task)
        record(session, order, Entry.TASK_OPENED, at=now, after={"task": task.kind, "due_at": task.due_at.isoformat()})
        return task

    async def _move(
        self, session: AsyncSession, order: WorkOrder, task: WorkOrderTask, *, actor: Actor, action: TaskAction,
        words: TaskWords,
    ) -> None:  # fmt: skip
        now, before = self._clock.now(), task.state
        after = move(TaskKind(task.kind), TaskState(before), action, outcome=words.outcome, reason=words.note)
        task.state = after.value
        task.outcome, task.note = words.outcome or task.outcome, words.note or task.note
        if task.met_at is None and is_met(after, TaskState(task.met_by)):
            task.met_at = now
        if after not in UNFINISHED:
            task.ended_at, task.ended_by = now, actor.person_id
        record(
            session, order, Entry.TASK_MOVED, at=now, actor_id=actor.person_id, why=words.note,
            before={"task": task.kind, "state": before},
            after={"task": task.kind, "state": task.state, "outcome": task.outcome, **task.facts},
        )  # fmt: skip
        await publish(session, _moved(order, task, actor_id=actor.person_id))

    async def _fire_outcome(self, session: AsyncSession, order: WorkOrder, outcome: FireOutcome) -> None:
        order.fire_outcome = outcome.value
        if outcome is not FireOutcome.REAL_FIRE:
            return
        now = self._clock.now()
        if order.priority != 1:
            record(
                session, order, Entry.UPGRADED, at=now, why=outcome,
                before={"priority": order.priority}, after={"priority": 1},
            )  # fmt: skip
            order.priority = 1
        await self._open_all(
            session, order, after_fire_outcome(outcome, await self._targets.of(session, order.site_id))
        )
        await publish(session, FireConfirmed(site_id=order.site_id, life_safety=True, work_order_id=order.id, at=now))

    async def _rescue_code(self, session: AsyncSession, order: WorkOrder) -> str | None:
        if order.equipment_id is None:
            return None
        return (await self._catalog.equipment(session, Scope.of(order.site_id), order.equipment_id)).rescue_code

    async def _own(self, session: AsyncSession, order: WorkOrder) -> list[WorkOrderTask]:
        found = await repository.tasks(session, order.id)
        return [task for task in found if task.kind == TaskKind.RELEASE and task.state in UNFINISHED]


def may_move(order: WorkOrder, task: WorkOrderTask, actor: Actor) -> bool:
    """Its assignee, the desk, or an engineer where it was given to nobody."""
    if actor.person_id is not None and actor.person_id == task.assignee_id:
        return True
    hats = actor.hats(site_id=order.site_id, assignee_id=order.assignee_id)
    return bool(hats & _DESK) or (task.assignee_id is None and Hat.ENGINEER in hats)


def moves_for(order: WorkOrder, task: WorkOrderTask, actor: Actor) -> list[TaskAction]:
    """What this actor may do with the task now."""
    if OrderState(order.state) in SETTLED or not may_move(order, task, actor):
        return []
    return legal_moves(TaskState(task.state))


def _blocks(task: WorkOrderTask, code: ClosingCode) -> bool:
    if task.kind == TaskKind.CONFIRM_FIRE:
        return True
    return task.is_required and code is ClosingCode.REAL_FAULT


def _moved(order: WorkOrder, task: WorkOrderTask, *, actor_id: UUID | None) -> TaskMoved:
    return TaskMoved(
        site_id=order.site_id,
        life_safety=order.is_life_safety,
        work_order_id=order.id,
        task_id=task.id,
        kind=task.kind,
        state=task.state,
        assignee_id=task.assignee_id,
        actor_id=actor_id,
    )
