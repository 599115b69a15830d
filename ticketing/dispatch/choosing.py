"""Finds the person for an order or a task, out of who is on shift or on call now, and remembers why."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Role, Scope
from kit.clock import Clock
from kit.events import publish
from kit.ids import new_id
from kit.logs import logger
from people.errors import NobodyResponsible
from people.kinds import PersonKind
from people.service import PeopleService
from ticketing import repository as orders_repository
from ticketing.actor import Actor
from ticketing.definitions.book import Definitions
from ticketing.dispatch import repository
from ticketing.dispatch.candidates import Candidates, is_special
from ticketing.dispatch.errors import NotQualified
from ticketing.dispatch.events import OrderWaits
from ticketing.dispatch.models import DispatchWait
from ticketing.dispatch.modes import Choice, DispatchMode, Wait, mode_of, next_step
from ticketing.dispatch.scoring import Ranking, Reason, Refusal, least_loaded, rank
from ticketing.errors import NotEmployed
from ticketing.feedback import repository as feedback_repository
from ticketing.flow import Action, Hat
from ticketing.journal import Entry, record
from ticketing.kinds import FREE, Procedure
from ticketing.models import WorkOrder
from ticketing.order_kind import Distribution

log = logger(__name__)

OFF_SHIFT = "off_shift"


class Dispatching:
    def __init__(
        self, *, people: PeopleService, catalog: CatalogService, candidates: Candidates, definitions: Definitions,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._people = people
        self._catalog = catalog
        self._candidates = candidates
        self._definitions = definitions
        self._clock = clock

    async def choose(self, session: AsyncSession, order: WorkOrder) -> Choice | Wait | None:
        """Who is asked next: the best candidate not asked in this round, at last the duty manager; or nobody by name,
        where orders of its kind wait to be taken.

        None where a site has not even a manager. Of a Wait it is the caller's to begin it (`begin_wait`), with the
        order in nobody's hands.
        """
        ranking = await self.ranking(session, order)
        people = [one.bidder.person_id for one in ranking.scored]
        mode = await self._mode(session, order)
        turns = mode is Distribution.ROTATE
        return next_step(
            mode, ranking, manager_id=None if people else await self.manager_of(session, order),
            has_waited=await repository.has_waited(session, order) or not await self._may_be_free(session, order),
            last_offered=await repository.last_offers(session, site_id=order.site_id, person_ids=people)
            if turns
            else {},
        )  # fmt: skip

    async def ranking(
        self, session: AsyncSession, order: WorkOrder, *, asked: Collection[UUID] | None = None
    ) -> Ranking:
        """Everybody on shift or on call at the order's site, best first, with the reasons.

        `asked`: who is left out; without it, whoever was asked in this round. The order remembers the contractor that
        was found to maintain its equipment.
        """
        need = await self._candidates.need(session, order)
        if order.contractor_id != need.contractor_id:
            order.contractor_id = need.contractor_id
        asked = await orders_repository.asked_in_round(session, order) if asked is None else asked
        left_out = {*asked, *await self.kept_off(session, order)}
        return rank(need, await self._candidates.here(session, order.site_id), asked=left_out)

    async def by_hand(self, session: AsyncSession, order: WorkOrder, person_id: UUID) -> Choice:
        """A person chose: the explanation says what the scorer would have said of that choice.

        Raises PersonNotFound, NotEmployed; NotQualified where the law wants a certificate that they have not (a
        manager may have anything: the chain ends there).
        """
        person = await self._people.person(session, Scope.of(order.site_id), person_id)
        if person.kind is PersonKind.OWNER or not person.is_active:
            raise NotEmployed(person_id)
        ranking = await self.ranking(session, order, asked=())
        scored = ranking.of(person_id)
        if scored is not None:
            return Choice(person_id, DispatchMode.MANUAL, scored.score, scored.reasons)
        refusal = ranking.refusal_of(person_id)
        if is_special(order) and not await self._may_have_anything(session, order, person_id):
            refusal = refusal or await self._refusal_at_home(session, order, person_id)
            if refusal is Refusal.NO_CERTIFICATE:
                raise NotQualified(number=order.number, person=person.name, why=refusal)
        return Choice(person_id, DispatchMode.MANUAL, reasons=(Reason(refusal or OFF_SHIFT, 0),))

    async def check_taking(self, session: AsyncSession, order: WorkOrder, actor: Actor) -> None:
        """Whoever helps themselves to an order that nobody was asked for must be able to do it, and be here.

        A manager may take anything, customer service whatever the law wants no certificate for. Raises NotQualified.
        """
        hats = actor.hats(site_id=order.site_id, assignee_id=order.assignee_id)
        if actor.person_id is None or Hat.MANAGER in hats:
            return
        ranking = await self.ranking(session, order, asked=())
        if ranking.of(actor.person_id) is not None:
            return
        why = ranking.refusal_of(actor.person_id) or OFF_SHIFT
        if Hat.DISPATCHER in hats and not is_special(order):
            return
        raise NotQualified(number=order.number, person=await self.name(session, actor.person_id), why=why)

    async def begin_wait(self, session: AsyncSession, order: WorkOrder, wait: Wait) -> None:
        """The order, which nobody has, waits from now on; whoever may take it or give it out is told."""
        now = self._clock.now()
        row = DispatchWait(
            id=new_id(), site_id=order.site_id, work_order_id=order.id, round=order.dispatch_round,
            mode=wait.mode.value, person_ids=[str(one) for one in wait.person_ids], began_at=now,
            ends_at=now + timedelta(minutes=order.answer_min),
        )  # fmt: skip
        session.add(row)
        after = {"mode": wait.mode.value, "people": len(wait.person_ids), "until": row.ends_at.isoformat()}
        record(session, order, Entry.WAITING, at=now, after=after)
        event = OrderWaits(site_id=order.site_id, work_order_id=order.id, wait_id=row.id, mode=row.mode)
        await publish(session, event)

    async def end_wait(self, session: AsyncSession, order: WorkOrder) -> None:
        """Somebody has the order, or nobody needs it any more: it waits no longer."""
        await repository.end_wait(session, order.id, "over", at=self._clock.now())

    async def on_duty(
        self, session: AsyncSession, *, site_id: UUID, duty: str, without: Collection[UUID] = ()
    ) -> UUID | None:
        """The least loaded person with that duty now, else the duty manager, or another; none of `without`."""
        on_duty = await self._people.on_duty(session, site_id=site_id, duty=duty, at=self._clock.now())
        on_duty = [one for one in on_duty if one.person_id not in without]
        chosen = least_loaded(await self._candidates.bidders(session, site_id, on_duty))
        if chosen is not None:
            return chosen.person_id
        return await self._manager(session, site_id, without=without)

    async def promised_arrival_min(self, session: AsyncSession, order: WorkOrder) -> float | None:
        """Within how many minutes the contractor of the order's equipment promised to be there; None: nobody did."""
        contract = await self._candidates.contract(session, order)
        return contract.arrival_min if contract else None

    async def duty_manager(self, session: AsyncSession, site_id: UUID) -> UUID | None:
        """Whom everything ends with; None only where a site has no manager and the company no administrator."""
        try:
            return (await self._people.duty_manager(session, site_id)).person_id
        except NobodyResponsible:
            log.error("nobody is responsible for a site", site_id=str(site_id))
            return None

    async def manager_of(self, session: AsyncSession, order: WorkOrder) -> UUID | None:
        """The manager on duty, unless the order is a complaint about them: then another, at last an administrator."""
        return await self._manager(session, order.site_id, without=await self.kept_off(session, order))

    async def kept_off(self, session: AsyncSession, order: WorkOrder) -> set[UUID]:
        """Whom a complaint is about: they neither get nor hear of it. Nobody for most orders."""
        if order.procedure != Procedure.FEEDBACK:
            return set()
        return await feedback_repository.subjects(session, order.id)

    async def name(self, session: AsyncSession, person_id: UUID) -> str:
        return (await self._people.names(session, [person_id])).get(person_id, "—")

    # --- private ---------------------------------------------------------------------------------------------------

    async def _manager(self, session: AsyncSession, site_id: UUID, *, without: Collection[UUID]) -> UUID | None:
        on_duty = await self.duty_manager(session, site_id)
        if on_duty not in without:
            return on_duty
        others = [
            person
            for role in (Role.MANAGER, Role.ADMIN)
            for person in await self._people.holders(session, site_id=site_id, role=role)
        ]
        return next((person for person in others if person not in without), None)

    async def _mode(self, session: AsyncSession, order: WorkOrder) -> Distribution:
        # Life safety waits for nobody to help themselves.
        if Procedure(order.procedure).is_life_safety:
            return Distribution.AUTO
        kind = await self._definitions.kind_of(session, order)
        settings = await self._catalog.site_settings(session, order.site_id)
        return mode_of(settings, kind=order.kind, shipped=kind.dispatch)

    async def _may_be_free(self, session: AsyncSession, order: WorkOrder) -> bool:
        """Whether nobody has the order, or the hub may take it from whoever did not answer. Flows of former releases,
        and those of a site's own, may know no such way: then the next is asked by name."""
        if order.state in FREE:
            return True
        row = (await self._definitions.flow_of(session, order)).find(order.at_stage, Action.LAPSE)
        return row is not None

    async def _may_have_anything(self, session: AsyncSession, order: WorkOrder, person_id: UUID) -> bool:
        return person_id == await self.duty_manager(session, order.site_id) or await self._people.is_manager(
            session, site_id=order.site_id, person_id=person_id
        )

    async def _refusal_at_home(self, session: AsyncSession, order: WorkOrder, person_id: UUID) -> Refusal | None:
        """What would keep somebody who is not on shift from the order, were they called in."""
        candidate = await self._people.called_in(session, site_id=order.site_id, person_id=person_id)
        bidders = await self._candidates.bidders(session, order.site_id, [candidate])
        return rank(await self._candidates.need(session, order), bidders).refusal_of(person_id)
