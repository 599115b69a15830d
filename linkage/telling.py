"""Who answers for a site hears that an action waits for two persons, and that one was not done."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.logs import logger
from linkage import repository
from linkage.models import LinkageRule, LinkageRun
from linkage.rule import Action
from notify.service import Notice, NotifyService
from people.errors import NobodyResponsible
from people.service import PeopleService

log = logger(__name__)


class LinkageTelling:
    def __init__(self, *, notify: NotifyService, people: PeopleService, catalog: CatalogService) -> None:
        self._notify = notify
        self._people = people
        self._catalog = catalog

    async def waits(self, session: AsyncSession, rule: LinkageRule, run_id: UUID, action: Action) -> None:
        facts = {
            "rule": rule.name, "equipment": await self._name(session, action.equipment_id), "point": action.point,
            "value": f"{action.value:g}",
        }  # fmt: skip
        await self._tell(session, f"linkage/{run_id}/waits", "staff.linkage_waits", facts, site_id=rule.site_id)

    async def not_done(self, session: AsyncSession, run: LinkageRun) -> None:
        rule = await repository.rule(session, Scope.everywhere(), run.rule_id)
        assert rule is not None  # the foreign key's word
        facts = {
            "rule": rule.name, "equipment": await self._name(session, run.equipment_id), "point": run.point_key,
            "state": f"text:linkage.state.{run.state}",
        }  # fmt: skip
        await self._tell(session, f"linkage/{run.id}/ended", "staff.linkage_not_done", facts, site_id=run.site_id)

    async def _name(self, session: AsyncSession, equipment_id: UUID) -> str:
        equipment = await self._catalog.equipment(session, Scope.everywhere(), equipment_id)
        return f"{equipment.name}（{equipment.code}）" if equipment.name != equipment.code else equipment.code

    async def _tell(
        self, session: AsyncSession, key: str, template: str, facts: dict[str, str], *, site_id: UUID
    ) -> None:
        try:
            manager = await self._people.duty_manager(session, site_id)
        except NobodyResponsible:
            log.warning("nobody to tell of a linkage run", key=key)
            return
        notice = Notice(key=key, person_id=manager.person_id, template=template, facts=facts, site_id=site_id)
        await self._notify.tell(session, notice)
