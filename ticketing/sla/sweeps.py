"""Looks for clocks that want a look: warns, notes the breach, climbs the chain; and says which years are unknown.

Every step is written on the order in the transaction that tells of it, so that it is taken once, however often the hub
is started meanwhile, and none is lost.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from kit.sweeps import Sweep
from ticketing import due_repository
from ticketing import repository as order_repository
from ticketing.events import CalendarYearUnknown, TargetWarned, WorkOrderEscalated
from ticketing.journal import Entry, record
from ticketing.models import WorkOrder
from ticketing.sla import repository
from ticketing.sla.calendar_book import CalendarBook
from ticketing.sla.clocks import BREACH, WARNING, Step, progress_as_json, progress_of_json, taken
from ticketing.sla.keeping import plan, run_on
from ticketing.sla.levels import Rung, Target
from ticketing.sla.rungs import Rungs
from ticketing.sweeping import ROWS_A_SWEEP, Sweeping

# Whom it concerns that nobody went on when the wait was over.
_AFTER_A_HOLD = (Rung.ASSIGNEE, Rung.DISPATCHER)


class LevelSweeps:
    def __init__(
        self, *, catalog: CatalogService, calendars: CalendarBook, rungs: Rungs, sweeping: Sweeping, clock: Clock
    ) -> None:
        self._catalog = catalog
        self._calendars = calendars
        self._rungs = rungs
        self._sweeping = sweeping
        self._clock = clock

    def all(self) -> list[Sweep]:
        """To be registered with the job runner."""
        return [
            Sweep("ticketing.service_levels", "* * * * * */5", self.due),
            Sweep("ticketing.overdue_tasks", "* * * * * */5", self.overdue_tasks),
            Sweep("ticketing.unknown_years", "11 * * * *", self.unknown_years),
        ]

    async def due(self, session: AsyncSession) -> None:
        """Clocks of orders that are to be warned of, are missed, or were missed and are still."""
        found = await repository.due_orders(session, now=self._clock.now(), limit=ROWS_A_SWEEP)
        await self._sweeping.each(session, "service_levels", found, self._look)

    async def overdue_tasks(self, session: AsyncSession) -> None:
        """A parallel task missed its time: the duty manager hears of it, once."""
        found = await due_repository.orders_with_overdue_tasks(session, now=self._clock.now(), limit=ROWS_A_SWEEP)
        await self._sweeping.each(session, "overdue_tasks", found, self._escalate_tasks)

    async def unknown_years(self, session: AsyncSession) -> None:
        """Public holidays that nobody knows: the site's manager hears of each such year once."""
        for site in await self._catalog.sites(session, Scope.everywhere()):
            manager_ids = await self._rungs.people(session, site_id=site.id, assignee_id=None, who=Rung.MANAGER)
            years = await self._calendars.years_to_tell(session, site.id) if manager_ids else ()
            for year in years:
                if await repository.claim_warning(session, site_id=site.id, year=year, now=self._clock.now()):
                    await publish(
                        session, CalendarYearUnknown(site_id=site.id, year=year, person_ids=tuple(manager_ids))
                    )

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _look(self, session: AsyncSession, order: WorkOrder) -> None:
        now = self._clock.now()
        if order.held_since is not None:
            if order.hold_until is None or order.hold_until > now:
                order.sla_next_at = order.hold_until
                return
            run_on(order, now)
            await self._tell_hold_is_over(session, order)
        todo = plan(order, now)
        for step in todo.due:
            await self._take(session, order, step)
        order.sla_steps = _after(order, todo.due)
        order.sla_next_at = todo.next_at

    async def _take(self, session: AsyncSession, order: WorkOrder, step: Step) -> None:
        """Writes a step down and tells whom it is for. A rung that nobody fills now is passed on, never left out."""
        now, told = self._clock.now(), await self._rungs.all(session, order, step.rungs)
        is_warning = step.position == WARNING
        reason = f"{step.target.value}_{'due_soon' if is_warning else 'overdue'}"
        if step.position == BREACH:
            _mark_breach(order, step)
            self._sweeping.escalated.labels(reason=reason).inc()
        record(
            session, order, Entry.WARNED if is_warning else Entry.ESCALATED, at=now,
            after={
                "reason": reason, "step": step.position, "who": [rung.value for rung in step.rungs],
                "told": [str(one) for one in told], "due_at": step.due_at.isoformat(),
            },
        )  # fmt: skip
        if is_warning:
            await publish(session, _warning(order, reason, step.due_at, told))
            return
        event = WorkOrderEscalated(
            site_id=order.site_id, life_safety=order.is_life_safety, work_order_id=order.id, reason=reason,
            due_at=step.due_at, person_ids=tuple(told),
        )  # fmt: skip
        await publish(session, event)

    async def _tell_hold_is_over(self, session: AsyncSession, order: WorkOrder) -> None:
        now, told = self._clock.now(), await self._rungs.all(session, order, _AFTER_A_HOLD)
        record(
            session, order, Entry.WARNED, at=now, after={"reason": "hold_over", "told": [str(one) for one in told]}
        )  # fmt: skip
        await publish(session, _warning(order, "hold_over", order.resolution_due_at, told))

    async def _escalate_tasks(self, session: AsyncSession, order: WorkOrder) -> None:
        now = self._clock.now()
        for task in await order_repository.tasks(session, order.id):
            is_late = task.met_at is None and task.ended_at is None and task.due_at <= now
            if not is_late or task.escalated_at is not None or not task.is_required:
                continue
            task.escalated_at = now
            self._sweeping.escalated.labels(reason="task_overdue").inc()
            record(session, order, Entry.ESCALATED, at=now, after={"reason": "task_overdue", "task": task.kind})
            event = WorkOrderEscalated(
                site_id=order.site_id, life_safety=order.is_life_safety, work_order_id=order.id,
                reason="task_overdue", task_id=task.id, due_at=task.due_at,
            )  # fmt: skip
            await publish(session, event)


def _warning(order: WorkOrder, reason: str, due_at: datetime, told: Sequence[UUID]) -> TargetWarned:
    return TargetWarned(
        site_id=order.site_id, life_safety=order.is_life_safety, work_order_id=order.id, reason=reason,
        due_at=due_at, person_ids=tuple(told),
    )  # fmt: skip


def _after(order: WorkOrder, steps: Sequence[Step]) -> dict[str, object]:
    """What was done so far, and these steps."""
    kept: dict[str, object] = dict(order.sla_steps)
    for target in {step.target for step in steps}:
        progress = taken(progress_of_json(order.sla_steps.get(target.value)), steps, target)
        kept[target.value] = progress_as_json(progress)
    return kept


def _mark_breach(order: WorkOrder, step: Step) -> None:
    """When the target was missed, which is its deadline, whenever it was found out."""
    match step.target:
        case Target.RESPONSE:
            order.response_escalated_at = step.due_at
        case Target.ARRIVAL:
            order.arrival_escalated_at = step.due_at
        case Target.RESOLUTION:
            order.resolution_escalated_at = step.due_at
        case _:
            assert_never(step.target)
