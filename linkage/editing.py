"""The list of points that may be switched, and the rules."""

from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.ids import new_id
from kit.versions import check_version
from linkage import repository
from linkage.checking import Checking, Hindered
from linkage.errors import (
    ActionRefused,
    ConditionTooWide,
    LinkagePointNotFound,
    LinkageRuleNotFound,
    PointListed,
    TargetProtected,
)
from linkage.models import LinkagePoint, LinkageRule
from linkage.rule import Said


class LinkageEditor:
    """A rule is saved only when each of its actions could be done now; one that is changed is off again."""

    def __init__(self, *, checking: Checking, catalog: CatalogService, clock: Clock) -> None:
        self._checking = checking
        self._catalog = catalog
        self._clock = clock

    # --- points ------------------------------------------------------------------------------------------------------

    async def list_point(
        self, session: AsyncSession, scope: Scope, *, equipment_id: UUID, key: str, low: float, high: float,
        needs_two: bool, timeout_s: float, by: UUID,
    ) -> LinkagePoint:  # fmt: skip
        """Raises EquipmentNotFound, TargetProtected, ActionRefused, PointListed."""
        equipment = await self._catalog.equipment(session, scope, equipment_id)
        found = self._checking.look(equipment_id, key, site_id=equipment.site_id)
        if isinstance(found, Hindered):
            raise _refusal(found, field="point", equipment=equipment.code)
        row = await repository.add_point(
            session, id=new_id(), site_id=equipment.site_id, equipment_id=equipment_id, point_key=key, low=low,
            high=high, needs_two=needs_two, timeout_s=timeout_s, created_at=self._clock.now(), created_by=by,
        )  # fmt: skip
        if row is None:
            raise PointListed(equipment.code, key)
        return row

    async def strike_point(self, session: AsyncSession, scope: Scope, point_id: UUID) -> None:
        """Rules that name it stay, and their actions are not done any more. Raises LinkagePointNotFound."""
        row = await repository.point(session, scope, point_id)
        if row is None:
            raise LinkagePointNotFound(point_id)
        await repository.remove_point(session, row)

    # --- rules -------------------------------------------------------------------------------------------------------

    async def rule(self, session: AsyncSession, scope: Scope, rule_id: UUID) -> LinkageRule:
        """Raises LinkageRuleNotFound."""
        found = await repository.rule(session, scope, rule_id)
        if found is None:
            raise LinkageRuleNotFound(rule_id)
        return found

    async def add(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID, name: str, said: Said, by: UUID
    ) -> LinkageRule:
        """A new rule, switched off. Raises SiteNotFound, ConditionTooWide, TargetProtected, ActionRefused."""
        await self._catalog.site(session, scope, site_id)
        await self._check(session, said, site_id=site_id)
        now = self._clock.now()
        row = LinkageRule(
            id=new_id(), site_id=site_id, name=name, is_enabled=False, condition=msgspec.to_builtins(said.condition),
            actions=msgspec.to_builtins(said.actions), created_at=now, changed_at=now, changed_by=by,
        )  # fmt: skip
        session.add(row)
        await session.flush()
        return row

    async def change(
        self, session: AsyncSession, scope: Scope, rule_id: UUID, *, name: str, said: Said, version: int, by: UUID
    ) -> LinkageRule:
        """Raises as `add`, LinkageRuleNotFound, StaleEdit. It is off then: somebody looks before it acts."""
        row = await self.rule(session, scope, rule_id)
        check_version(row, version)
        await self._check(session, said, site_id=row.site_id)
        row.name, row.is_enabled = name, False
        row.condition, row.actions = msgspec.to_builtins(said.condition), msgspec.to_builtins(said.actions)
        row.changed_at, row.changed_by = self._clock.now(), by
        await session.flush()
        return row

    async def switch(
        self, session: AsyncSession, scope: Scope, rule_id: UUID, *, is_enabled: bool, version: int | None, by: UUID
    ) -> LinkageRule:
        """Switching on looks at every action again. Raises as `change`."""
        row = await self.rule(session, scope, rule_id)
        check_version(row, version)
        if is_enabled:
            await self._check(session, Said.of(condition=row.condition, actions=row.actions), site_id=row.site_id)
        row.is_enabled, row.changed_at, row.changed_by = is_enabled, self._clock.now(), by
        await session.flush()
        return row

    async def _check(self, session: AsyncSession, said: Said, *, site_id: UUID) -> None:
        if not said.condition.is_narrow:
            raise ConditionTooWide
        for number, action in enumerate(said.actions):
            found = await self._checking.target(session, action, site_id=site_id)
            if isinstance(found, Hindered):
                raise _refusal(found, field=f"actions.{number}", equipment=str(action.equipment_id))


def _refusal(found: Hindered, *, field: str, equipment: str) -> TargetProtected | ActionRefused:
    if found.refused is not None:
        return TargetProtected(equipment, found.refused.because.code, found.refused.protection)
    return ActionRefused(field, found.hindrance, found.detail)
