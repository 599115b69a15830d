"""Whom a complaint is about: noted when it comes in, kept off it ever after."""

import re
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from people.kinds import PersonKind
from people.repository import PersonFilter
from people.service import PeopleService
from ticketing import repository as orders
from ticketing.actor import Actor
from ticketing.errors import NotEmployed, WorkOrderNotFound
from ticketing.feedback import repository
from ticketing.feedback.errors import AboutThem, NoComplaint
from ticketing.feedback.subjects import people_meant
from ticketing.following import Step
from ticketing.journal import Entry, record
from ticketing.kinds import SETTLED, Category, OrderState, Procedure
from ticketing.models import WorkOrder
from ticketing.moving import Moving
from ticketing.reports import NewReport

# More staff than any site has.
MOST_STAFF = 5000
_NUMBER = re.compile(r"WO-\d{8}-\d{4,}")


class Protection:
    def __init__(self, *, people: PeopleService, moving: Moving, clock: Clock) -> None:
        self._people = people
        self._moving = moving
        self._clock = clock

    async def note(self, session: AsyncSession, order: WorkOrder, new: NewReport) -> None:
        """Keeps those off a new complaint whom it names, or who did the work it names by number."""
        if order.category != Category.COMPLAINT:
            return
        meant = people_meant(new.text, await self._staff(session, order.site_id))
        for number in _NUMBER.findall(new.text):
            meant |= await repository.who_worked_on(session, site_id=order.site_id, number=number)
        await repository.add_subjects(session, order, meant, named_by=None, at=self._clock.now())

    async def name(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor, person_ids: Collection[UUID]
    ) -> set[UUID]:
        """The desk says whom a complaint is about; who had it loses it. All of them then.

        Raises WorkOrderNotFound, NoComplaint, PersonNotFound, NotEmployed.
        """
        order = await orders.lock_order(session, scope, work_order_id)
        if order is None:
            raise WorkOrderNotFound(work_order_id)
        if order.category != Category.COMPLAINT:
            raise NoComplaint(work_order_id)
        for person_id in person_ids:
            person = await self._people.person(session, Scope.of(order.site_id), person_id)
            if person.kind is PersonKind.OWNER:
                raise NotEmployed(person_id)
        now = self._clock.now()
        await repository.add_subjects(session, order, person_ids, named_by=actor.person_id, at=now)
        kept_off = await repository.subjects(session, order.id)
        # Not their names: the timeline is read by everybody at the desk.
        record(session, order, Entry.SUBJECT_NAMED, at=now, actor_id=actor.person_id, after={"people": len(kept_off)})
        await self.take_away(session, order)
        return kept_off

    async def take_along(self, session: AsyncSession, source: WorkOrder, target: WorkOrder) -> list[UUID]:
        """Whom `source` is about `target` is about, too, as far as both are what owners say; whom it had not been."""
        if {source.procedure, target.procedure} != {Procedure.FEEDBACK}:
            return []
        return await repository.copy_subjects(session, source=source, target=target)

    async def give_back(
        self, session: AsyncSession, source: WorkOrder, target: WorkOrder, *, came_along: Collection[UUID],
        since: datetime,
    ) -> None:  # fmt: skip
        """Undoes `take_along`. Whom the desk named meanwhile either may be about: they are kept off both."""
        await repository.copy_subjects(session, source=target, target=source, since=since)
        await repository.drop_subjects(session, target.id, came_along, until=since)

    async def check_not_meant(self, session: AsyncSession, person_id: UUID | None, order: WorkOrder) -> None:
        """Whom an order is about does not make it: they would see it. Raises AboutThem."""
        if person_id is not None and person_id in await repository.subjects(session, order.id):
            raise AboutThem(person_id)

    async def take_away(self, session: AsyncSession, order: WorkOrder) -> None:
        """Gives an order that somebody has who is kept off it to somebody else."""
        if order.assignee_id is None or OrderState(order.state) in {OrderState.DONE, *SETTLED}:
            return
        if order.assignee_id in await repository.subjects(session, order.id):
            await self._moving.dispatch_next(session, order)

    async def _staff(self, session: AsyncSession, site_id: UUID) -> dict[UUID, str]:
        found: dict[UUID, str] = {}
        for kind in (PersonKind.STAFF, PersonKind.CONTRACTOR):
            wanted = PersonFilter(site_id=site_id, kind=kind)
            people, _ = await self._people.find(
                session, Scope.of(site_id), wanted, sort="name", limit=MOST_STAFF, offset=0
            )  # fmt: skip
            found |= {person.id: person.name for person in people}
        return found


async def check_step(session: AsyncSession, step: Step) -> None:
    """Before any transition: a complaint neither becomes the work of whom it is about, nor is moved by them.

    Raises AboutThem, WorkOrderNotFound.
    """
    order = step.order
    if order.procedure != Procedure.FEEDBACK:
        return
    kept_off = await repository.subjects(session, order.id)
    if step.words.assignee_id in kept_off:
        raise AboutThem(step.words.assignee_id)
    if step.actor.person_id in kept_off and not step.actor.is_reporter:
        raise WorkOrderNotFound(order.id)


async def check_not_about(session: AsyncSession, person_id: UUID | None, work_order_id: UUID) -> None:
    """Raises WorkOrderNotFound to whom the complaint is about: for them there is no such order."""
    if person_id in await repository.subjects(session, work_order_id):
        raise WorkOrderNotFound(work_order_id)
