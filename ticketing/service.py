"""What can be done with work orders. Services never commit: the request or the job does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from kit.ids import new_id
from people.service import PeopleService
from ticketing import repository
from ticketing.actor import Actor
from ticketing.dispatch.choosing import Dispatching
from ticketing.draft import Draft
from ticketing.drafting import Drafting
from ticketing.editing import Editing, OrderEdit
from ticketing.errors import (
    NotYourOrder,
    OutageAlreadyConfirmed,
    OutageNotPossible,
    ReportNotFound,
    StaleWorkOrder,
    WorkOrderNotFound,
)
from ticketing.events import OutageConfirmed, WorkOrderChanged, WorkOrderJoined
from ticketing.flow import Action, Hat
from ticketing.journal import Entry, record
from ticketing.kinds import FREE, IN_HAND, Category, OrderState, OwnerState
from ticketing.models import Report, WorkOrder, WorkOrderTask
from ticketing.moving import Moving, check_ahead
from ticketing.opening import Hear, Opening
from ticketing.reports import NewReport, OwnerReport, Reported, as_addressed, known_before
from ticketing.tasking import NO_WORDS, Tasking, TaskWords
from ticketing.tasks import TaskAction
from ticketing.words import NOTHING_SAID, Words

# How far back an owner's own list goes.
OWNER_REPORTS_SHOWN = 100


class TicketingService:
    """Every change of a work order, whoever makes it, comes through here or through `ticketing.handlers`."""

    def __init__(
        self, *, people: PeopleService, opening: Opening, moving: Moving, tasking: Tasking,
        dispatching: Dispatching, drafting: Drafting, hears: Sequence[Hear] = (), editing: Editing, clock: Clock,
    ) -> None:  # fmt: skip
        self._people = people
        self._opening = opening
        self._moving = moving
        self._tasking = tasking
        self._dispatching = dispatching
        self._drafting = drafting
        self._hears = hears
        self._editing = editing
        self._clock = clock

    # --- reports ---------------------------------------------------------------------------------------------------

    async def report(self, session: AsyncSession, new: NewReport) -> Reported:
        """Takes a report: joins the open order about the same thing, or opens one and sets people going.

        The same `source_ref` again gives the same answer and changes nothing. Raises PersonNotFound and what
        `Drafting.draft` raises.
        """
        if new.source_ref is not None:
            await repository.lock_name(session, f"report/{new.site_id}/{new.source_ref}")
            known = await repository.report_by_ref(session, site_id=new.site_id, source_ref=new.source_ref)
            if known is not None:
                return Reported(await self.owner_report(session, known.id), known.joined)
        check_ahead(now=self._clock.now(), appointment_at=new.appointment_at)
        if new.reporter_id is not None:
            await self._people.person(session, Scope.everywhere(), new.reporter_id)
        report_id = new_id()
        draft = await self._drafting.draft(session, new)
        order, joined = await self._opening.open_or_join(session, draft, report_id=report_id)
        await self._keep_report(session, order, new, draft, report_id=report_id, joined=joined)
        for hear in self._hears:
            await hear(session, order, new)
        if not joined:
            await self._opening.start(session, order)
        return Reported(await self.owner_report(session, report_id), joined)

    async def owner_reports(self, session: AsyncSession, person_id: UUID) -> list[OwnerReport]:
        """What a person reported, newest first, as they may see it."""
        found = await repository.reports_of_person(session, person_id, limit=OWNER_REPORTS_SHOWN)
        return await self._owner_views(session, found)

    async def owner_report(
        self, session: AsyncSession, report_id: UUID, *, reporter_id: UUID | None = None
    ) -> OwnerReport:
        """One report as its reporter may see it. Raises ReportNotFound, also when it is somebody else's."""
        report = await repository.report(session, report_id)
        if report is None or (reporter_id is not None and report.reporter_id != reporter_id):
            raise ReportNotFound(report_id)
        order = await repository.order(session, Scope.everywhere(), report.work_order_id)
        assert order is not None  # the foreign key's word
        (seen,) = await self._owner_views(session, [(report, order)])
        return seen

    # --- orders ----------------------------------------------------------------------------------------------------

    async def act(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor, action: str,
        words: Words = NOTHING_SAID, version: int | None = None,
    ) -> WorkOrder:  # fmt: skip
        """Moves an order. `version`: what the caller last saw; a newer one refuses.

        Raises WorkOrderNotFound, AlreadyTaken, StaleWorkOrder, PersonNotFound, NotEmployed, NotQualified and what
        `Moving.move` raises.
        """
        order = await self._hold(session, scope, work_order_id)
        # Of twenty who grab one order, each with the version they saw, nineteen want to know who has it.
        await self._moving.check_not_taken(session, order, actor=actor, action=action)
        _check_version(order, version)
        choice = None
        if words.assignee_id is not None:
            choice = await self._dispatching.by_hand(session, order, words.assignee_id)
        elif action == Action.ACCEPT and order.state in FREE:
            await self._dispatching.check_taking(session, order, actor)
        await self._moving.move(session, order, actor=actor, action=action, words=words, choice=choice)
        return order

    async def act_on_task(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, task_id: UUID, *, actor: Actor,
        action: TaskAction, words: TaskWords = NO_WORDS,
    ) -> WorkOrderTask:  # fmt: skip
        """Moves a parallel task. Raises WorkOrderNotFound and what `Tasking.act` raises."""
        order = await self._hold(session, scope, work_order_id)
        return await self._tasking.act(session, order, task_id, actor=actor, action=action, words=words)

    async def confirm_outage(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor, note: str | None
    ) -> WorkOrder:
        """A person says that the elevator stands still; only then are its residents told.

        Raises WorkOrderNotFound, OutageNotPossible, OutageAlreadyConfirmed, NotYourOrder.
        """
        order = await self._hold(session, scope, work_order_id)
        if order.equipment_kind != EquipmentKind.ELEVATOR or order.equipment_id is None or order.settled_at:
            raise OutageNotPossible(work_order_id)
        if order.outage_confirmed_at is not None:
            raise OutageAlreadyConfirmed(order.outage_confirmed_at)
        await self._check_concerned(session, order, actor, action="confirm_outage")
        now = self._clock.now()
        order.outage_confirmed_at, order.outage_confirmed_by = now, actor.person_id
        record(session, order, Entry.OUTAGE_CONFIRMED, at=now, actor_id=actor.person_id, why=note)
        event = OutageConfirmed(
            site_id=order.site_id, work_order_id=order.id, equipment_id=order.equipment_id, at=now
        )  # fmt: skip
        await publish(session, event)
        return order

    async def edit(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor, edit: OrderEdit,
        why: str | None, version: int | None,
    ) -> WorkOrder:  # fmt: skip
        """Corrects what may be corrected; the clocks stay as they were.

        Raises WorkOrderNotFound, StaleWorkOrder, and what `Editing.apply` raises.
        """
        check_ahead(now=self._clock.now(), promised_at=edit.promised_at)
        order = await self._hold(session, scope, work_order_id, version=version)
        change = await self._editing.apply(session, order, edit, actor=actor)
        if change.after:
            order.version += 1
            await self._note(session, order, Entry.EDITED, actor, why=why, before=change.before, after=change.after)
        return order

    async def comment(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor, text: str
    ) -> WorkOrder:
        """Raises WorkOrderNotFound."""
        order = await self._hold(session, scope, work_order_id)
        await self._note(session, order, Entry.COMMENTED, actor, why=text)
        return order

    async def reveal_phone(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, report_id: UUID, *, actor: Actor
    ) -> str | None:
        """The reporter's number in full, for the desk and whoever has the order; that it was shown is written down.

        Raises WorkOrderNotFound, ReportNotFound, NotYourOrder.
        """
        order = await self._hold(session, scope, work_order_id)
        await self._check_concerned(session, order, actor, action="reveal_phone")
        report = await repository.report(session, report_id)
        if report is None or report.work_order_id != order.id:
            raise ReportNotFound(report_id)
        if report.is_anonymous and Hat.MANAGER not in actor.hats(site_id=order.site_id, assignee_id=None):
            raise NotYourOrder(action="reveal_phone", who=[Hat.MANAGER.value])
        await self._note(session, order, Entry.PHONE_REVEALED, actor, after={"report_id": str(report_id)})
        if report.contact_phone or report.reporter_id is None:
            return report.contact_phone
        return (await self._people.contact(session, report.reporter_id)).phone

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _hold(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, version: int | None = None
    ) -> WorkOrder:
        order = await repository.lock_order(session, scope, work_order_id)
        if order is None:
            raise WorkOrderNotFound(work_order_id)
        _check_version(order, version)
        return order

    async def _note(
        self, session: AsyncSession, order: WorkOrder, what: Entry, actor: Actor, *, why: str | None = None,
        before: dict[str, object] | None = None, after: dict[str, object] | None = None,
    ) -> None:  # fmt: skip
        now = self._clock.now()
        record(session, order, what, at=now, actor_id=actor.person_id, why=why, before=before, after=after)
        await publish(session, WorkOrderChanged(site_id=order.site_id, work_order_id=order.id))

    async def _check_concerned(self, session: AsyncSession, order: WorkOrder, actor: Actor, *, action: str) -> None:
        """The desk, the assignee, and whoever has a task of the order."""
        allowed = {Hat.DISPATCHER, Hat.MANAGER, Hat.ASSIGNEE}
        if allowed & actor.hats(site_id=order.site_id, assignee_id=order.assignee_id):
            return
        holders = {task.assignee_id for task in await repository.tasks(session, order.id)}
        if actor.person_id not in holders:
            raise NotYourOrder(action=action, who=sorted(hat.value for hat in allowed))

    async def _keep_report(
        self, session: AsyncSession, order: WorkOrder, new: NewReport, draft: Draft, *, report_id: UUID, joined: bool
    ) -> None:
        now = self._clock.now()
        session.add(
            Report(
                id=report_id, site_id=order.site_id, work_order_id=order.id, reporter_id=new.reporter_id,
                taken_by=new.taken_by, channel=new.channel.value, category=draft.category.value,
                fault_mode=new.fault_mode, text=new.text, contact_name=new.contact_name,
                contact_phone=new.contact_phone, space_id=new.space_id, place=draft.place.words or order.place,
                joined=joined, kind=draft.kind.code, kind_version=draft.kind.version, form=dict(draft.form),
                appointment_at=draft.appointment_at, is_anonymous=new.is_anonymous, source_ref=new.source_ref,
                created_at=now,
            )
        )  # fmt: skip
        await session.flush()
        if new.reporter_id is not None:
            await repository.follow(session, at=order, person_id=new.reporter_id, report_id=report_id, since=now)
        if joined:
            record(
                session, order, Entry.REPORT_JOINED, at=now, actor_id=new.shown_by,
                after={"report_id": str(report_id), "channel": new.channel.value},
            )  # fmt: skip
            await publish(
                session, WorkOrderJoined(site_id=order.site_id, work_order_id=order.id, report_id=report_id)
            )  # fmt: skip

    async def _owner_views(self, session: AsyncSession, found: Sequence[tuple[Report, WorkOrder]]) -> list[OwnerReport]:
        orders = [order for _, order in found]
        names = await self._people.names(session, {order.assignee_id for order in orders if order.assignee_id})
        sensed = await repository.first_sensed(session, [order.id for order in orders])
        return [_owner_view(report, order, names, sensed.get(order.id)) for report, order in found]


def _check_version(order: WorkOrder, version: int | None) -> None:
    if version is not None and version != order.version:
        raise StaleWorkOrder(given_version=version, version=order.version)


def _owner_view(report: Report, order: WorkOrder, names: Mapping[UUID, str], sensed_at: datetime | None) -> OwnerReport:
    state = OrderState(order.state)
    name = names.get(order.assignee_id) if order.assignee_id and state in IN_HAND else None
    return OwnerReport(
        report_id=report.id,
        work_order_id=order.id,
        site_id=order.site_id,
        number=order.number,
        category=Category(report.category),
        place=report.place,
        state=OwnerState.of(state) if report.withdrawn_at is None else OwnerState.CANCELLED,
        engineer=as_addressed(name) if name else None,
        promised_at=order.promised_at,
        known=known_before(reported_at=report.created_at, sensed_at=sensed_at, joined=report.joined),
        created_at=report.created_at,
    )
