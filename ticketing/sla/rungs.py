"""Who fills a rung of the chain at this moment."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Role
from kit.clock import Clock
from people.errors import NobodyResponsible
from people.kinds import Duty
from people.service import PeopleService
from ticketing.models import WorkOrder
from ticketing.sla.levels import Rung


class Rungs:
    def __init__(self, people: PeopleService, clock: Clock) -> None:
        self._people = people
        self._clock = clock

    async def all(self, session: AsyncSession, order: WorkOrder, rungs: Iterable[Rung]) -> list[UUID]:
        """Everybody on these rungs, each once, the lowest first."""
        found: dict[UUID, None] = {}
        for who in rungs:
            people = await self.people(session, site_id=order.site_id, assignee_id=order.assignee_id, who=who)
            found |= dict.fromkeys(people)
        return list(found)

    async def people(self, session: AsyncSession, *, site_id: UUID, assignee_id: UUID | None, who: Rung) -> list[UUID]:
        """Those on a rung. Nobody there: whoever comes next, in the end who answers for the site; empty only where a
        site has no manager and the company no administrator."""
        match who:
            case Rung.ASSIGNEE:
                found = [assignee_id] if assignee_id is not None else await self._dispatchers(session, site_id)
            case Rung.DISPATCHER:
                found = await self._dispatchers(session, site_id)
            case Rung.DUTY_MANAGER:
                found = []
            case Rung.MANAGER:
                found = await self._people.holders(session, site_id=site_id, role=Role.MANAGER)
            case Rung.ADMIN:
                found = await self._people.holders(session, site_id=site_id, role=Role.ADMIN)
        return found or await self._duty_manager(session, site_id)

    async def _dispatchers(self, session: AsyncSession, site_id: UUID) -> list[UUID]:
        on_duty = await self._people.on_duty(session, site_id=site_id, duty=Duty.DISPATCHER, at=self._clock.now())
        return [candidate.person_id for candidate in on_duty]

    async def _duty_manager(self, session: AsyncSession, site_id: UUID) -> list[UUID]:
        try:
            return [(await self._people.duty_manager(session, site_id)).person_id]
        except NobodyResponsible:
            return []
