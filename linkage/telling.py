"""Who is on duty hears that an action waits for two persons; who answers for the site, that one was not done."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.logs import logger
from linkage import repository
from linkage.models import LinkageRule, LinkageRun
from linkage.rule import Action, Hindrance
from notify.service import Notice, NotifyService
from people.errors import NobodyResponsible
from people.kinds import Duty
from people.service import PeopleService

log = logger(__name__)


class LinkageTelling:
    def __init__(
        self, *, notify: NotifyService, people: PeopleService, catalog: CatalogService, clock: Clock
    ) -> None:  # fmt: skip
        self._notify = notify
        self._people = people
        self._catalog = catalog
        self._clock = clock

    async def waits(self, session: AsyncSession, rule: LinkageRule, run_id: UUID, action: Action) -> None:
        facts = {
            "rule": rule.name, "equipment": await self._name(session, action.equipment_id), "point": action.point,
            "value": f"{action.value:g}",
        }  # fmt: skip
        key, site_id = f"linkage/{run_id}/waits", rule.site_id
        for person_id in await self._who_confirms(session, site_id):
            notice = Notice(key=key, person_id=person_id, template="staff.linkage_waits", facts=facts, site_id=site_id)
            await self._notify.tell(session, notice)

    async def not_done(self, session: AsyncSession, run: LinkageRun) -> None:
        rule = await repository.rule(session, Scope.everywhere(), run.rule_id)
        assert rule is not None  # the foreign key's word
        facts = {
            "rule": rule.name, "equipment": await self._name(session, run.equipment_id), "point": run.point_key,
            "state": f"text:linkage.state.{run.state}",
        }  # fmt: skip
        key = f"linkage/{run.id}/ended"
        if run.reason == Hindrance.TOO_OFTEN:
            # An alarm that comes and goes would say so every time.
            hour = f"{run.ended_at or run.created_at:%Y-%m-%dT%H}"
            key = f"linkage/{run.rule_id}/{run.equipment_id}/{run.point_key}/too-often/{hour}"
        manager = await self._manager(session, run.site_id)
        if manager is None:
            return
        notice = Notice(
            key=key, person_id=manager, template="staff.linkage_not_done", facts=facts, site_id=run.site_id
        )  # fmt: skip
        await self._notify.tell(session, notice)

    async def _name(self, session: AsyncSession, equipment_id: UUID) -> str:
        equipment = await self._catalog.equipment(session, Scope.everywhere(), equipment_id)
        return f"{equipment.name}（{equipment.code}）" if equipment.name != equipment.code else equipment.code

    async def _who_confirms(self, session: AsyncSession, site_id: UUID) -> list[UUID]:
        """The duty manager, and of dispatchers and engineers on shift one each: it takes two."""
        found = [await self._manager(session, site_id)]
        for duty in (Duty.DISPATCHER, Duty.ENGINEER):
            on_shift = await self._people.on_duty(session, site_id=site_id, duty=duty, at=self._clock.now())
            found += [one.person_id for one in on_shift[:1]]
        return list(dict.fromkeys(one for one in found if one is not None))

    async def _manager(self, session: AsyncSession, site_id: UUID) -> UUID | None:
        try:
            return (await self._people.duty_manager(session, site_id)).person_id
        except NobodyResponsible:
            log.warning("nobody answers for the site of a linkage run", site_id=str(site_id))
            return None
