"""Contractors' links: made for whoever has the order, sent to them, taken back. `contractor_work`: what they open."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.ids import new_id
from notify.service import Notice, NotifyService
from people.kinds import PersonKind
from people.service import PeopleService
from ticketing.actor import Actor
from ticketing.holding import held
from ticketing.journal import Entry, record
from ticketing.signed_links import SignedLinks
from ticketing.working import repository
from ticketing.working.errors import ContractorLinkNotFound, NotWithContractor, OrderIsOver
from ticketing.working.models import ContractorLink


class ContractorLinks(SignedLinks):
    def __init__(self, *, secret: str, clock: Clock) -> None:
        super().__init__(secret=secret, clock=clock, use="contractor", root="/o/work")


class ContractorDesk:
    def __init__(self, *, people: PeopleService, notify: NotifyService, links: ContractorLinks, clock: Clock) -> None:
        self._people = people
        self._notify = notify
        self._links = links
        self._clock = clock

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
