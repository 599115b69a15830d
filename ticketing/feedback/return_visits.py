"""Return visits (回访): customer service calls an owner who was not content."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.clock import Clock
from people.kinds import Duty
from ticketing.actor import Actor
from ticketing.definitions.book import Definitions
from ticketing.dispatch.choosing import Dispatching
from ticketing.dispatch.modes import Choice, DispatchMode
from ticketing.draft import Draft
from ticketing.feedback import repository
from ticketing.feedback.verdict import Stars
from ticketing.flow import Action
from ticketing.journal import Entry, record
from ticketing.kinds import Category, Channel
from ticketing.models import Report, WorkOrder
from ticketing.moving import Moving
from ticketing.opening import Opening
from ticketing.places import find_place
from ticketing.words import Words

KIND = "return_visit"


class ReturnVisits:
    def __init__(
        self, *, catalog: CatalogService, definitions: Definitions, opening: Opening, moving: Moving,
        dispatching: Dispatching, clock: Clock,
    ) -> None:  # fmt: skip
        self._catalog = catalog
        self._definitions = definitions
        self._opening = opening
        self._moving = moving
        self._dispatching = dispatching
        self._clock = clock

    async def open(
        self, session: AsyncSession, about: WorkOrder, report: Report, *, why: str | None, stars: Stars | None = None
    ) -> UUID:
        """An order for customer service, child of the one it is about; its timeline says what the owner said.

        One call a reporter and attempt is enough: where there is one already, it is that. Whoever calls holds the row
        of `about`.
        """
        standing = await repository.return_visit(session, about, report)
        if standing is not None:
            return standing
        kind, flow = await self._definitions.for_new(session, KIND)
        place = await find_place(
            session, self._catalog, site_id=about.site_id, equipment_id=None, space_id=about.space_id,
            building_id=about.building_id,
        )  # fmt: skip
        draft = Draft(
            place=place, kind=kind, flow=flow, category=Category.OTHER, channel=Channel.PLAN, key=None,
            priority=kind.priority or about.priority, title=dict(kind.names),
        )  # fmt: skip
        visit, _ = await self._opening.open_or_join(session, draft)
        visit.parent_id = about.id
        marks = {"speed": stars.speed, "attitude": stars.attitude, "quality": stars.quality} if stars else {}
        record(
            session, visit, Entry.COMMENTED, at=self._clock.now(), why=why,
            after={
                "about": about.number, "work_order_id": str(about.id), "report_id": str(report.id),
                "attempt": about.attempt, **marks,
            },
        )  # fmt: skip
        await self._give_out(session, visit, about)
        return visit.id

    async def _give_out(self, session: AsyncSession, visit: WorkOrder, about: WorkOrder) -> None:
        """To customer service on duty: who did the work does not ask how it was, nor whom a complaint is about."""
        subjects = await self._dispatching.kept_off(session, about)
        await repository.add_subjects(session, visit, subjects, named_by=None, at=self._clock.now())
        person_id = await self._dispatching.on_duty(
            session, site_id=visit.site_id, duty=Duty.DISPATCHER,
            without=subjects if about.assignee_id is None else subjects | {about.assignee_id},
        )  # fmt: skip
        if person_id is None:
            await self._opening.start(session, visit)
            return
        choice = Choice(person_id, DispatchMode.AUTO)
        await self._moving.move(
            session, visit, actor=Actor.system(), action=Action.DISPATCH, words=Words(assignee_id=person_id),
            choice=choice,
        )  # fmt: skip
