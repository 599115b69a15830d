"""What a contractor's link opens: one order, to see, accept, arrive at, enter what its kind wants of the work, and
finish with a picture. No log-in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from people.errors import PersonNotFound
from people.phones import masked
from people.service import PeopleService
from stock.repository import LevelFilter
from stock.service import StockService
from stock.views import LevelView
from ticketing import repository as orders
from ticketing.actor import Actor
from ticketing.attaching import Attaching
from ticketing.definitions.book import Definitions
from ticketing.flow import Action
from ticketing.form_filling import FormFilling
from ticketing.holding import held, seen
from ticketing.models import Attachment, Report, WorkOrder
from ticketing.moving import Moving
from ticketing.signed_links import BadLink
from ticketing.words import Words
from ticketing.working import repository
from ticketing.working.arriving import Arriving, How
from ticketing.working.checking import Checking, GivenAnswer
from ticketing.working.completing import Completing
from ticketing.working.completion import Wanted, asked_for
from ticketing.working.contractors import ContractorLinks
from ticketing.working.errors import ContractorLinkRefused, PartsNotWanted, WorkIncomplete
from ticketing.working.jobs import Jobs, PartMove
from ticketing.working.labour import Spent
from ticketing.working.linked_form import ROLES, LinkedField, asked_fields, option_of, writable
from ticketing.working.models import ContractorLink
from ticketing.working.purposes import PhotoPurpose
from ticketing.working.sheet import WorkSheet, WorkSheets
from ticketing.working.signatures import clean_signature

# What a link's holder may do; everything else of the flow is for people with a log-in.
ACTIONS = (Action.ACCEPT, Action.ARRIVE, Action.FINISH)
MOST_STOCK_SHOWN = 50


@dataclass(frozen=True)
class ContractorView:
    """An order as its contractor's link shows it: what, where, by when, whom to ask for. Nothing of other orders, no
    whole phone, no timeline, no prices; of an order that is over neither the contact nor what they said.

    `wanted`: all that finishing takes of this kind besides its form, `missing`: what of it is not there yet; `fields`:
    what of its form.
    """

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
    wanted: list[Wanted]
    missing: list[Wanted]
    fields: list[LinkedField]
    sheet: WorkSheet


class ContractorWork:
    """Each method raises ContractorLinkRefused where the link opens nothing (any more): it expired, was taken back, or
    its contractor has the order no longer."""

    def __init__(
        self, *, people: PeopleService, stock: StockService, definitions: Definitions, moving: Moving,
        filling: FormFilling, arriving: Arriving, completing: Completing, checking: Checking, jobs: Jobs,
        sheets: WorkSheets,
        attaching: Attaching, links: ContractorLinks, clock: Clock,
    ) -> None:  # fmt: skip
        self._people = people
        self._stock = stock
        self._definitions = definitions
        self._moving = moving
        self._filling = filling
        self._arriving = arriving
        self._completing = completing
        self._checking = checking
        self._jobs = jobs
        self._sheets = sheets
        self._attaching = attaching
        self._links = links
        self._clock = clock

    # --- looking --------------------------------------------------------------------------------------------------

    async def view(self, session: AsyncSession, token: str) -> ContractorView:
        link = await self._link(session, token)
        here = Scope.of(link.site_id)
        order = self._theirs(link, await seen(session, here, link.work_order_id))
        is_over = order.settled_at is not None
        report = None if is_over else next(iter(await orders.reports_of_order(session, order.id)), None)
        flow = await self._definitions.flow_of(session, order)
        hats = self._actor(link).hats(site_id=order.site_id, assignee_id=order.assignee_id)
        legal = {row.action for row in flow.legal(order.at_stage, hats)}
        name, phone = await self._contact(session, report)
        sheet = await self._sheets.of(session, here, order.id)
        there, _ = await self._completing.evidence(session, order)
        return ContractorView(
            number=order.number, title=order.title, place=order.place, category=order.category, state=order.state,
            due_at=order.promised_at, contact_name=name, contact_phone=phone, text=report.text if report else "",
            facts=order.facts, photos=len(await repository.photos(session, order.id)),
            actions=[action.value for action in ACTIONS if action in legal], expires_at=link.expires_at,
            wanted=_with_picture(_asked(sheet), is_there=False),
            missing=_with_picture(sheet.missing, is_there=there.photos_after > 0),
            fields=[] if is_over else await self._fields(session, order), sheet=sheet,
        )  # fmt: skip

    async def stock(self, session: AsyncSession, token: str, *, words: str | None) -> list[LevelView]:
        """The parts of the site's storehouses, by part of a name or code. Raises PartsNotWanted."""
        link = await self._link(session, token)
        order = self._theirs(link, await seen(session, Scope.of(link.site_id), link.work_order_id))
        await self._check_parts_wanted(session, order)
        wanted = LevelFilter(site_id=order.site_id, words=words)
        found, _ = await self._stock.find_levels(
            session, Scope.of(order.site_id), wanted, limit=MOST_STOCK_SHOWN, offset=0
        )
        return found

    # --- working --------------------------------------------------------------------------------------------------

    async def act(self, session: AsyncSession, token: str, *, action: Action, words: Words) -> None:
        """Accepts, arrives or finishes; finishing wants a picture of the work, whatever the kind wants.

        Raises WorkIncomplete and what `FormFilling.fill` and `Moving.move` raise.
        """
        link, order = await self._held(session, token)
        actor = self._actor(link)
        if action is Action.ARRIVE:
            await self._arriving.check_in(
                session, Scope.of(link.site_id), link.work_order_id, actor=actor, position=None, how=How.LINK
            )
            return
        if action is Action.FINISH:
            await self._check_photo(session, order)
            await self._fill_in(session, order, words.form)
        await self._moving.move(session, order, actor=actor, action=action, words=replace(words, form={}))

    async def add_photo(
        self, session: AsyncSession, token: str, *, raw: bytes, purpose: PhotoPurpose
    ) -> Attachment:  # fmt: skip
        """Raises OrderIsOver, PhotoRefused."""
        link, order = await self._on_the_job(session, token, may_be_done=True)
        return await self._attaching.attach(
            session, Scope.of(link.site_id), order.id, raw=raw, added_by=link.person_id, purpose=purpose
        )

    async def add_video(
        self, session: AsyncSession, token: str, *, raw: bytes, purpose: PhotoPurpose
    ) -> Attachment:  # fmt: skip
        """Raises OrderIsOver, PhotoRefused, VideoRefused."""
        link, order = await self._on_the_job(session, token, may_be_done=True)
        return await self._attaching.attach_video(
            session, Scope.of(link.site_id), order.id, raw=raw, added_by=link.person_id, purpose=purpose
        )

    async def sign(self, session: AsyncSession, token: str, *, raw: bytes) -> Attachment:
        """The owner's strokes. Raises OrderIsOver, PhotoRefused, SignatureRefused."""
        link, order = await self._on_the_job(session, token)
        return await self._attaching.attach(
            session, Scope.of(link.site_id), order.id, raw=raw, added_by=link.person_id,
            purpose=PhotoPurpose.SIGNATURE, clean=clean_signature,
        )  # fmt: skip

    async def answer(self, session: AsyncSession, token: str, *, item: str, given: GivenAnswer) -> None:
        """Raises what `Checking.answer` raises."""
        link, order = await self._held(session, token)
        await self._checking.answer(
            session, Scope.of(link.site_id), order.id, actor=self._actor(link), item=item, given=given
        )

    async def enter_labour(self, session: AsyncSession, token: str, *, spent: Spent, note: str) -> None:
        """Their own time. Raises OrderIsOver, LabourInvalid."""
        link, order = await self._held(session, token)
        await self._jobs.enter_labour(
            session, Scope.of(link.site_id), order.id, actor=self._actor(link), person_id=None, spent=spent, note=note
        )

    async def move_part(self, session: AsyncSession, token: str, *, move: PartMove) -> None:
        """Raises PartsNotWanted and what `Jobs.move_part` raises."""
        link, order = await self._held(session, token)
        await self._check_parts_wanted(session, order)
        await self._jobs.move_part(
            session, Scope.of(link.site_id), order.id, actor=self._actor(link), move=move
        )  # fmt: skip

    # --- inside ---------------------------------------------------------------------------------------------------

    async def _link(self, session: AsyncSession, token: str) -> ContractorLink:
        try:
            link_id = self._links.subject_of(token)
        except BadLink:
            raise ContractorLinkRefused from None
        row = await repository.contractor_link(session, link_id)
        if row is None or row.revoked_at is not None or row.expires_at <= self._clock.now():
            raise ContractorLinkRefused
        try:
            person = await self._people.person(session, Scope.of(row.site_id), row.person_id)
        except PersonNotFound:
            raise ContractorLinkRefused from None
        if not person.is_active:
            raise ContractorLinkRefused
        return row

    async def _held(self, session: AsyncSession, token: str) -> tuple[ContractorLink, WorkOrder]:
        """The link, and its order with the row locked: who has it does not change meanwhile."""
        link = await self._link(session, token)
        return link, self._theirs(link, await held(session, Scope.of(link.site_id), link.work_order_id))

    async def _on_the_job(
        self, session: AsyncSession, token: str, *, may_be_done: bool = False
    ) -> tuple[ContractorLink, WorkOrder]:
        link, order = await self._held(session, token)
        here, actor = Scope.of(link.site_id), self._actor(link)
        return link, await self._jobs.on_the_job(session, here, order.id, actor, may_be_done=may_be_done)

    def _theirs(self, link: ContractorLink, order: WorkOrder) -> WorkOrder:
        """Who was sent the link has lost it with the order; whoever has it now is sent one of their own."""
        if order.assignee_id != link.person_id:
            raise ContractorLinkRefused
        return order

    def _actor(self, link: ContractorLink) -> Actor:
        """The contractor's person without any role: whoever has the order wears a hat, nobody else."""
        return Actor(link.person_id)

    async def _check_photo(self, session: AsyncSession, order: WorkOrder) -> None:
        there, _ = await self._completing.evidence(session, order)
        if there.photos_after == 0:
            raise WorkIncomplete(missing=[Wanted.PHOTOS_AFTER.value], items=[])

    async def _fields(self, session: AsyncSession, order: WorkOrder) -> list[LinkedField]:
        form = (await self._definitions.kind_of(session, order)).form
        return asked_fields(
            form, order.form, place=option_of(order.space_id, order.place),
            equipment=option_of(order.equipment_id, order.equipment_code),
        )  # fmt: skip

    async def _fill_in(self, session: AsyncSession, order: WorkOrder, given: Mapping[str, Any]) -> None:
        form = writable((await self._definitions.kind_of(session, order)).form, order.form)
        order.form = await self._filling.fill(
            session, form, order.form, given, roles=ROLES, site_id=order.site_id, work_order_id=order.id
        )  # fmt: skip

    async def _check_parts_wanted(self, session: AsyncSession, order: WorkOrder) -> None:
        """What lies in the company's storehouses is the business of those alone who are to use it."""
        if not (await self._completing.wanted(session, order)).parts:
            raise PartsNotWanted(order.number)

    async def _contact(self, session: AsyncSession, report: Report | None) -> tuple[str | None, str | None]:
        if report is None:
            return None, None
        name, phone = report.contact_name, report.contact_phone
        if report.reporter_id is not None and not (name and phone):
            person = await self._people.contact(session, report.reporter_id)
            name, phone = name or person.name, phone or person.phone
        # The first letter is enough to ask for the right one at the door.
        return f"{name[0]}**" if name else None, masked(phone)


def _asked(sheet: WorkSheet) -> list[Wanted]:
    """A kind's checklist may be for other equipment than this order's."""
    return [one for one in asked_for(sheet.wanted) if one is not Wanted.CHECKLIST or sheet.checklist is not None]


def _with_picture(wanted: Sequence[Wanted], *, is_there: bool) -> list[Wanted]:
    """By a link a picture of the work is wanted whatever the kind says."""
    if is_there or Wanted.PHOTOS_AFTER in wanted:
        return list(wanted)
    return [one for one in Wanted if one in {*wanted, Wanted.PHOTOS_AFTER}]
