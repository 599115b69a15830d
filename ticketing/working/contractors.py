"""A contractor's access by link: one order, to see, accept, arrive at and finish with a picture. No log-in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.ids import new_id
from notify.service import Notice, NotifyService
from people.kinds import PersonKind
from people.phones import masked
from people.service import PeopleService
from ticketing import repository as orders
from ticketing.actor import Actor
from ticketing.attaching import Attaching
from ticketing.definitions.book import Definitions
from ticketing.flow import Action
from ticketing.holding import held, seen
from ticketing.journal import Entry, record
from ticketing.kinds import ClosingCode
from ticketing.models import Attachment, Report, WorkOrder
from ticketing.moving import Moving
from ticketing.signed_links import BadLink, SignedLinks
from ticketing.words import Words
from ticketing.working import repository
from ticketing.working.arriving import Arriving, How
from ticketing.working.completing import Completing
from ticketing.working.completion import Wanted
from ticketing.working.errors import (
    ContractorLinkNotFound,
    ContractorLinkRefused,
    NotWithContractor,
    OrderIsOver,
    WorkIncomplete,
)
from ticketing.working.models import ContractorLink

# What a link's holder may do; everything else of the flow is for people with a log-in.
ACTIONS = (Action.ACCEPT, Action.ARRIVE, Action.FINISH)


class ContractorLinks(SignedLinks):
    def __init__(self, *, secret: str, clock: Clock) -> None:
        super().__init__(secret=secret, clock=clock, use="contractor", root="/o/work")


@dataclass(frozen=True)
class ContractorView:
    """An order as its contractor's link shows it: what, where, by when, whom to ask for. Nothing of other orders, no
    whole phone, no timeline."""

    number: str
    title: Mapping[str, str]
    place: str
    category: str
    state: str
    due_at: datetime
    contact_name: str | None
    contact_phone: str | None
    text: str
    facts: Mapping[str, object]
    photos: int
    actions: list[str]
    expires_at: datetime


class ContractorDesk:
    def __init__(
        self, *, people: PeopleService, notify: NotifyService, definitions: Definitions, moving: Moving,
        arriving: Arriving, completing: Completing, attaching: Attaching, links: ContractorLinks, clock: Clock,
    ) -> None:  # fmt: skip
        self._people = people
        self._notify = notify
        self._definitions = definitions
        self._moving = moving
        self._arriving = arriving
        self._completing = completing
        self._attaching = attaching
        self._links = links
        self._clock = clock

    # --- for the desk ---------------------------------------------------------------------------------------------

    async def make(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor, hours: int
    ) -> tuple[ContractorLink, str]:
        """A link for the contractor who has the order, sent to them; and its path.

        Raises WorkOrderNotFound, OrderIsOver, NotWithContractor.
        """
        order = await held(session, scope, work_order_id)
        if order.done_at is not None or order.settled_at is not None:
            raise OrderIsOver(order.number)
        if order.assignee_id is None:
            raise NotWithContractor(order.number)
        person = await self._people.person(session, Scope.of(order.site_id), order.assignee_id)
        if person.kind is not PersonKind.CONTRACTOR:
            raise NotWithContractor(order.number)
        now = self._clock.now()
        row = ContractorLink(
            id=new_id(), site_id=order.site_id, work_order_id=order.id, person_id=person.id, made_by=actor.person_id,
            made_at=now, expires_at=now + timedelta(hours=hours),
        )  # fmt: skip
        session.add(row)
        path = self._links.path(row.id, until=row.expires_at)
        after = {"person_id": str(person.id), "until": row.expires_at.isoformat()}
        record(session, order, Entry.CONTRACTOR_LINKED, at=now, actor_id=actor.person_id, after=after)
        await session.flush()
        facts = {"number": order.number, "place": order.place, "until": row.expires_at.isoformat()}
        await self._notify.tell(
            session,
            Notice(
                key=f"contractor-link/{row.id}", person_id=person.id, template="staff.contractor_link", facts=facts,
                site_id=order.site_id, link=path,
            ),
        )  # fmt: skip
        return row, path

    async def revoke(self, session: AsyncSession, scope: Scope, link_id: UUID) -> None:
        """From now on it opens nothing. Raises ContractorLinkNotFound."""
        row = await repository.contractor_link_of_site(session, scope, link_id)
        if row is None:
            raise ContractorLinkNotFound(link_id)
        row.revoked_at = row.revoked_at or self._clock.now()

    # --- for the holder of the link -------------------------------------------------------------------------------

    async def view(self, session: AsyncSession, token: str) -> ContractorView:
        """Raises ContractorLinkRefused."""
        link = await self._opened(session, token)
        order = await seen(session, Scope.of(link.site_id), link.work_order_id)
        report = next(iter(await orders.reports_of_order(session, order.id)), None)
        flow = await self._definitions.flow_of(session, order)
        hats = self._actor(link).hats(site_id=order.site_id, assignee_id=order.assignee_id)
        legal = {row.action for row in flow.legal(order.at_stage, hats)}
        name, phone = await self._contact(session, report)
        return ContractorView(
            number=order.number, title=order.title, place=order.place, category=order.category, state=order.state,
            due_at=order.promised_at, contact_name=name, contact_phone=phone, text=report.text if report else "",
            facts=order.facts, photos=len(await repository.photos(session, order.id)),
            actions=[action.value for action in ACTIONS if action in legal], expires_at=link.expires_at,
        )  # fmt: skip

    async def act(
        self, session: AsyncSession, token: str, *, action: Action, note: str | None, closing_code: ClosingCode | None
    ) -> None:
        """Accepts, arrives or finishes; finishing wants a picture of the work, whatever the kind wants.

        Raises ContractorLinkRefused, WorkIncomplete and what `Moving.move` raises.
        """
        link = await self._opened(session, token)
        scope, actor = Scope.of(link.site_id), self._actor(link)
        if action is Action.ARRIVE:
            await self._arriving.check_in(
                session, scope, link.work_order_id, actor=actor, position=None, how=How.LINK
            )  # fmt: skip
            return
        order = await held(session, scope, link.work_order_id)
        if action is Action.FINISH:
            await self._check_photo(session, order)
        words = Words(note=note, closing_code=closing_code)
        await self._moving.move(session, order, actor=actor, action=action, words=words)

    async def add_photo(self, session: AsyncSession, token: str, *, raw: bytes) -> Attachment:
        """Raises ContractorLinkRefused, PhotoRefused."""
        link = await self._opened(session, token)
        return await self._attaching.attach(
            session, Scope.of(link.site_id), link.work_order_id, raw=raw, added_by=link.person_id
        )

    # --- inside ---------------------------------------------------------------------------------------------------

    async def _opened(self, session: AsyncSession, token: str) -> ContractorLink:
        try:
            link_id = self._links.subject_of(token)
        except BadLink:
            raise ContractorLinkRefused from None
        row = await repository.contractor_link(session, link_id)
        if row is None or row.revoked_at is not None or row.expires_at <= self._clock.now():
            raise ContractorLinkRefused
        return row

    def _actor(self, link: ContractorLink) -> Actor:
        """The contractor's person without any role: whoever has the order wears a hat, nobody else."""
        return Actor(link.person_id)

    async def _check_photo(self, session: AsyncSession, order: WorkOrder) -> None:
        there, _ = await self._completing.evidence(session, order)
        if there.photos_after == 0:
            raise WorkIncomplete(missing=[Wanted.PHOTOS_AFTER.value], items=[])

    async def _contact(self, session: AsyncSession, report: Report | None) -> tuple[str | None, str | None]:
        if report is None:
            return None, None
        name, phone = report.contact_name, report.contact_phone
        if report.reporter_id is not None and not (name and phone):
            person = await self._people.contact(session, report.reporter_id)
            name, phone = name or person.name, phone or person.phone
        # The first letter is enough to ask for the right one at the door.
        return f"{name[0]}**" if name else None, masked(phone)
