"""Who is told what when an order goes on. Handlers of the room's own events, each in a transaction of its own.

Keys name the event and not the attempt, so a handler that runs twice tells nobody twice. Owners are told plain
states of their own report and never anything of another's; calls to people who have answered are stopped.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from notify.service import Notice, NotifyService, Urgency
from people.service import PeopleService
from ticketing import repository
from ticketing.dispatch.choosing import Dispatching
from ticketing.events import (
    FireConfirmed,
    OutageConfirmed,
    TargetWarned,
    TaskMoved,
    WorkOrderEscalated,
    WorkOrderJoined,
    WorkOrderMoved,
    WorkOrderOpened,
)
from ticketing.flow import Action
from ticketing.kinds import IN_HAND, OrderState, OwnerState, Procedure, TaskKind, TaskState
from ticketing.models import Follower, Report, WorkOrder, WorkOrderTask
from ticketing.report_links import ReportLinks
from ticketing.reports import Known, as_addressed, known_before
from ticketing.together import flood_key

MOST_URGENT_PRIORITY = 2
# What is longer is behind the link.
LONGEST_REPLY = 200
# Steps of which owners are told by when it will be done.
_PROGRESS = {
    Action.ADMIT: "work_order.admitted",
    Action.OUTSOURCE: "work_order.outsourced",
    Action.RESUME: "work_order.resumed",
    Action.GRANT: "work_order.resumed",
    Action.REFUSE: "work_order.resumed",
    Action.TRANSFER: "work_order.handed_over",
    Action.HAND_UP: "work_order.handed_up",
}


class Telling:
    def __init__(
        self, *, notify: NotifyService, people: PeopleService, catalog: CatalogService, dispatching: Dispatching,
        links: ReportLinks,
    ) -> None:  # fmt: skip
        self._notify = notify
        self._people = people
        self._catalog = catalog
        self._dispatching = dispatching
        self._links = links

    # --- owners' reports -------------------------------------------------------------------------------------------

    async def on_opened(self, session: AsyncSession, event: WorkOrderOpened) -> None:
        if event.report_id is None:
            return
        order, report = await self._of_report(session, event.work_order_id, event.report_id)
        facts = {
            "number": order.number,
            "place": report.place,
            "category": f"text:ticketing.category.{report.category}",
            "state": f"text:ticketing.owner_state.{OwnerState.RECEIVED}",
            "promised": order.promised_at.isoformat(),
            "known": f"text:ticketing.known.{await self._known(session, report)}",
        }
        await self._answer(session, order, report, "work_order.received", facts)

    async def on_joined(self, session: AsyncSession, event: WorkOrderJoined) -> None:
        if event.report_id is None:
            return
        order, report = await self._of_report(session, event.work_order_id, event.report_id)
        facts = {
            "number": order.number,
            "place": report.place,
            "state": f"text:ticketing.owner_state.{OwnerState.of(OrderState(order.state))}",
            "progress": f"text:ticketing.progress.{OwnerState.of(OrderState(order.state))}",
            "promised": order.promised_at.isoformat(),
        }
        await self._answer(session, order, report, "work_order.joined", facts)

    # --- steps of an order -----------------------------------------------------------------------------------------

    async def on_moved(self, session: AsyncSession, event: WorkOrderMoved) -> None:
        order = await self._order(session, event.work_order_id)
        await self._stop_calls(session, event)
        if event.action in (Action.TRANSFER, Action.OUTSOURCE):
            await self._tell_assignment(session, order, event)
        match event.action:
            case Action.DISPATCH:
                await self._tell_assignment(session, order, event)
            case Action.ACCEPT:
                engineer = await self._engineer(session, event.assignee_id)
                facts = {"engineer": engineer, "promised": order.promised_at.isoformat()}
                await self._tell_followers(session, order, event, "work_order.assigned", facts)
            case Action.ARRIVE | Action.START:
                if order.arrived_at != event.at:
                    return  # told when they came
                engineer = await self._engineer(session, event.assignee_id)
                facts = {"engineer": engineer, "time": event.at.isoformat()}
                await self._tell_followers(session, order, event, "work_order.on_site", facts)
            case (
                Action.ADMIT | Action.OUTSOURCE | Action.RESUME | Action.TRANSFER | Action.HAND_UP
                | Action.GRANT | Action.REFUSE
            ):  # fmt: skip
                promised = {"promised": order.promised_at.isoformat()}
                await self._tell_followers(session, order, event, _PROGRESS[Action(event.action)], promised)
            # Of an offer that was declined they have heard nothing: only of somebody who had said yes.
            case Action.DECLINE if event.before in IN_HAND:
                promised = {"promised": order.promised_at.isoformat()}
                await self._tell_followers(session, order, event, "work_order.given_back", promised)
            case Action.ASK_APPROVAL:
                await self._tell_followers(session, order, event, "work_order.to_approve", {})
            case "ask_owner":
                note = await repository.words_of_last_move(session, order.id)
                await self._tell_followers(session, order, event, "work_order.asked", {"question": note or ""})
            case Action.HOLD:
                promised = {"promised": (order.hold_until or order.promised_at).isoformat()}
                await self._tell_followers(session, order, event, "work_order.on_hold", promised)
            case Action.FINISH if order.procedure == Procedure.FEEDBACK:
                reply = {"reply": (order.closing_note or "")[:LONGEST_REPLY]}
                await self._tell_followers(session, order, event, "work_order.replied", reply)
            case Action.FINISH:
                await self._tell_followers(session, order, event, "work_order.done", _at(event.at))
            case Action.REOPEN:
                promised = {"promised": order.promised_at.isoformat()}
                await self._tell_followers(session, order, event, "work_order.reopened", promised)
            case Action.VERIFY:
                await self._tell_restored(session, order, event)
            case Action.CLOSE:
                await self._tell_restored(session, order, event)
                await self._tell_followers(session, order, event, "work_order.closed", _at(event.at))
            case Action.LAPSE:
                await self._tell_withdrawn(session, order, event)
            case Action.CANCEL:
                await self._tell_withdrawn(session, order, event)
                await self._tell_followers(session, order, event, "work_order.cancelled", _at(event.at))
            case _:
                pass  # nothing an owner waits for; the desk sees it live

    async def on_task_moved(self, session: AsyncSession, event: TaskMoved) -> None:
        task = await repository.task(session, work_order_id=event.work_order_id, task_id=event.task_id)
        if task is None:
            return
        if event.state != TaskState.OPEN:
            await self._notify.acknowledge(session, key=_task_key(task), person_id=None)
        elif event.assignee_id is not None and _asks_somebody(task) and task.state == TaskState.OPEN:
            order = await self._order(session, event.work_order_id)
            await self._tell_task(session, order, task, event.assignee_id)

    async def on_escalated(self, session: AsyncSession, event: WorkOrderEscalated) -> None:
        """Whoever is next hears of what went past its time, or found nobody; each of them once of the same."""
        order = await self._order(session, event.work_order_id)
        person_ids = event.person_ids
        if person_ids is None:
            manager_id = await self._dispatching.manager_of(session, order)
            person_ids = () if manager_id is None else (manager_id,)
        what = f"{event.reason}/{event.task_id or event.occasion or order.dispatch_round}"
        due = event.due_at or await self._due_of(session, order, event)
        facts = {
            "number": order.number,
            "reason": f"text:ticketing.escalation.{event.reason}",
            "place": order.place,
            "due": due.isoformat(),
        }
        flood = await flood_key(session, order)
        key = f"{flood}/escalated/{event.reason}" if flood else f"work_order/{order.id}/escalated/{what}"
        for person_id in person_ids:
            await self._tell_staff(session, order, person_id, "staff.escalation", facts, key=key)

    async def on_warned(self, session: AsyncSession, event: TargetWarned) -> None:
        """Whoever has the work hears that it will soon be late; of a hold that ended, each time it did."""
        order = await self._order(session, event.work_order_id)
        facts = {
            "number": order.number,
            "reason": f"text:ticketing.warning.{event.reason}",
            "place": order.place,
            "due": event.due_at.isoformat(),
        }
        flood = await flood_key(session, order)
        key = f"work_order/{order.id}/warned/{event.reason}/{event.due_at.isoformat()}"
        # What is more urgent than what they heard of is another matter.
        key = f"{flood}/warned/{event.reason}/P{order.priority}" if flood else key
        for person_id in event.person_ids:
            await self._tell_staff(session, order, person_id, "staff.warning", facts, key=key)

    # --- many at once ----------------------------------------------------------------------------------------------

    async def on_outage_confirmed(self, session: AsyncSession, event: OutageConfirmed) -> None:
        """A person confirmed it: now the homes that the elevator serves are told."""
        order = await self._order(session, event.work_order_id)
        await self._tell_served(session, order, "elevator.outage", at=event.at, key=f"work_order/{order.id}/outage")

    async def on_fire_confirmed(self, session: AsyncSession, event: FireConfirmed) -> None:
        """A person saw the fire: the manager and everybody who lives in that building are told."""
        order = await self._order(session, event.work_order_id)
        manager_id = await self._dispatching.duty_manager(session, event.site_id)
        key = f"work_order/{order.id}/real_fire"
        if manager_id is not None:
            facts = {
                "number": order.number, "reason": "text:ticketing.escalation.real_fire", "place": order.place,
                "due": event.at.isoformat(),
            }  # fmt: skip
            await self._tell_staff(session, order, manager_id, "staff.escalation", facts, key=key)
        if order.building_id is None:
            return
        residents = await self._people.residents(session, building_id=order.building_id, unit_space_id=None)
        facts = {"place": order.place, **_at(event.at)}
        await self._tell_people(
            session, order, residents, "fire.confirmed", facts, key=key, urgency=Urgency.LIFE_SAFETY
        )  # fmt: skip

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _stop_calls(self, session: AsyncSession, event: WorkOrderMoved) -> None:
        """Whoever answered, or is no longer wanted, is not called about it any more."""
        key = f"work_order/{event.work_order_id}/"
        if event.previous_id is not None and event.previous_id != event.assignee_id:
            await self._notify.acknowledge(session, key=key, person_id=event.previous_id)
        if event.actor_id is not None:
            await self._notify.acknowledge(session, key=key, person_id=event.actor_id)
        if event.after in (OrderState.DONE, OrderState.CANCELLED):
            await self._notify.acknowledge(session, key=key)

    async def _tell_assignment(self, session: AsyncSession, order: WorkOrder, event: WorkOrderMoved) -> None:
        if event.previous_id != event.assignee_id:
            await self._tell_withdrawn(session, order, event)
        # They may have answered before this ran: then there is nothing left to ask of them.
        is_waiting = order.state == OrderState.DISPATCHED and order.assignee_id == event.assignee_id
        if event.assignee_id is None or not is_waiting:
            return
        language = (await self._people.contact(session, event.assignee_id)).language
        facts = {
            "number": order.number,
            "title": order.title.get(language.value, order.number),
            "place": order.place,
            "priority": f"P{order.priority}",
            "due": (order.answer_due_at or order.response_due_at).isoformat(),
        }
        # What a person gives to a person is told by itself, whatever it came of.
        flood = await flood_key(session, order) if event.actor_id is None else None
        template = "staff.assigned_many" if flood else "staff.assigned"
        key = f"{flood}/assigned" if flood else _step_key(event)
        await self._tell_staff(session, order, event.assignee_id, template, facts, key=key)

    async def _tell_withdrawn(self, session: AsyncSession, order: WorkOrder, event: WorkOrderMoved) -> None:
        """Whoever had the order and did not give it back by themselves."""
        if event.previous_id is None or event.previous_id == event.actor_id:
            return
        reason = f"text:ticketing.withdrawn.{event.action}"
        facts = {"number": order.number, "place": order.place, "reason": reason}
        flood = await flood_key(session, order) if event.actor_id is None else None
        key = f"{flood}/withdrawn" if flood else f"{_step_key(event)}/withdrawn"
        await self._tell_people(session, order, [event.previous_id], "staff.withdrawn", facts, key=key)

    async def _tell_task(self, session: AsyncSession, order: WorkOrder, task: WorkOrderTask, person_id: UUID) -> None:
        facts = {
            "number": order.number,
            "task": f"text:ticketing.task.{task.kind}",
            "place": order.place,
            "due": task.due_at.isoformat(),
            "detail": " ".join(str(value) for value in task.facts.values()),
        }
        flood = await flood_key(session, order)
        key = f"{flood}/task/{task.kind}" if flood else f"{_task_key(task)}{person_id}"
        await self._tell_staff(session, order, person_id, "staff.task", facts, key=key)

    async def _tell_staff(
        self, session: AsyncSession, order: WorkOrder, person_id: UUID, template: str, facts: dict[str, str], *,
        key: str,
    ) -> None:  # fmt: skip
        urgency = Urgency.URGENT if order.priority <= MOST_URGENT_PRIORITY else Urgency.ORDINARY
        if order.is_life_safety:
            urgency = Urgency.LIFE_SAFETY
        await self._tell_people(session, order, [person_id], template, facts, key=key, urgency=urgency)

    async def _tell_people(
        self, session: AsyncSession, order: WorkOrder, person_ids: Iterable[UUID], template: str,
        facts: dict[str, str], *, key: str, urgency: Urgency = Urgency.ORDINARY,
    ) -> None:  # fmt: skip
        is_for_staff = template.startswith("staff.")
        link = f"/work-orders/{order.id}" if is_for_staff else None
        # Whom a complaint is about hears nothing of it, but that it is no longer theirs.
        kept_off = await self._dispatching.kept_off(session, order) if is_for_staff else set()
        for person_id in person_ids:
            if person_id in kept_off and template != "staff.withdrawn":
                continue
            notice = Notice(
                key=key, person_id=person_id, template=template, facts=facts, site_id=order.site_id, urgency=urgency,
                link=link,
            )  # fmt: skip
            await self._notify.tell(session, notice)

    async def _tell_followers(
        self, session: AsyncSession, order: WorkOrder, event: WorkOrderMoved, template: str, facts: dict[str, str]
    ) -> None:
        """Each follower alone, about the place of their own report."""
        reports = {report.id: report for report in await repository.reports_of_order(session, order.id)}
        for follower in await repository.followers(session, order.id):
            await self._tell_follower(
                session, order, follower, reports.get(follower.report_id or order.id), template, facts,
                key=_step_key(event),
            )  # fmt: skip

    async def _tell_follower(
        self, session: AsyncSession, order: WorkOrder, follower: Follower, report: Report | None, template: str,
        facts: dict[str, str], *, key: str,
    ) -> None:  # fmt: skip
        if report is None:
            await self._tell_onlooker(session, order, follower, key=key)
            return
        notice = Notice(
            key=key,
            person_id=follower.person_id,
            template=template,
            facts={"number": order.number, "place": report.place, **facts},
            site_id=order.site_id,
            urgency=Urgency.URGENT if order.priority <= MOST_URGENT_PRIORITY else Urgency.ORDINARY,
            link=self._links.path(report.id),
        )
        await self._notify.tell(session, notice)

    async def _tell_onlooker(self, session: AsyncSession, order: WorkOrder, follower: Follower, *, key: str) -> None:
        """A member of staff who asked to be told."""
        facts = {"number": order.number, "place": order.place, "state": f"text:ticketing.state.{order.state}"}
        await self._tell_people(session, order, [follower.person_id], "staff.followed", facts, key=f"{key}/followed")

    async def _answer(
        self, session: AsyncSession, order: WorkOrder, report: Report, template: str, facts: dict[str, str]
    ) -> None:
        """Answers somebody who just wrote: they are awake, whatever the hour."""
        if report.reporter_id is None:
            return
        notice = Notice(
            # The order is part of it: a report that was put with another one is answered anew.
            key=f"report/{report.id}/at/{order.id}", person_id=report.reporter_id, template=template, facts=facts,
            site_id=order.site_id, urgency=Urgency.URGENT, link=self._links.path(report.id),
        )  # fmt: skip
        await self._notify.tell(session, notice)

    async def _tell_restored(self, session: AsyncSession, order: WorkOrder, event: WorkOrderMoved) -> None:
        """Residents who were told that the elevator stands still are told, once, that it runs again."""
        if order.outage_confirmed_at is not None and event.before == OrderState.DONE:
            key = f"{_step_key(event)}/restored"
            await self._tell_served(session, order, "elevator.restored", at=event.at, key=key)

    async def _tell_served(
        self, session: AsyncSession, order: WorkOrder, template: str, *, at: datetime, key: str
    ) -> None:
        if order.equipment_id is None or order.building_id is None:
            return
        elevator = await self._catalog.equipment(session, Scope.of(order.site_id), order.equipment_id)
        residents = await self._people.residents(
            session, building_id=order.building_id, unit_space_id=elevator.unit_id
        )  # fmt: skip
        facts = {"place": elevator.name, **_at(at)}
        await self._tell_people(session, order, residents, template, facts, key=key, urgency=Urgency.URGENT)

    async def _known(self, session: AsyncSession, report: Report) -> Known:
        sensed = await repository.first_sensed(session, [report.work_order_id])
        return known_before(
            reported_at=report.created_at, sensed_at=sensed.get(report.work_order_id), joined=report.joined
        )  # fmt: skip

    async def _due_of(self, session: AsyncSession, order: WorkOrder, event: WorkOrderEscalated) -> datetime:
        if event.task_id is None:
            return order.resolution_due_at if event.reason == "resolution_overdue" else order.response_due_at
        task = await repository.task(session, work_order_id=order.id, task_id=event.task_id)
        return task.due_at if task is not None else order.response_due_at

    async def _engineer(self, session: AsyncSession, person_id: UUID | None) -> str:
        return as_addressed(await self._dispatching.name(session, person_id)) if person_id else ""

    async def _order(self, session: AsyncSession, work_order_id: UUID) -> WorkOrder:
        order = await repository.order(session, Scope.everywhere(), work_order_id)
        assert order is not None  # the event was committed with it
        return order

    async def _of_report(self, session: AsyncSession, work_order_id: UUID, report_id: UUID) -> tuple[WorkOrder, Report]:
        report = await repository.report(session, report_id)
        assert report is not None  # the event was committed with it
        return await self._order(session, work_order_id), report


def _at(moment: datetime) -> dict[str, str]:
    return {"time": moment.isoformat()}


def _step_key(event: WorkOrderMoved) -> str:
    return f"work_order/{event.work_order_id}/{event.version}/{event.action}"


def _asks_somebody(task: WorkOrderTask) -> bool:
    """The rescue hot line is offered on the order's page, and nobody is sent to it."""
    return task.is_required or task.kind == TaskKind.SECURE


def _task_key(task: WorkOrderTask) -> str:
    return f"task/{task.id}/"
