"""Figures with names to their groups, reliability of equipment, and the orders behind each figure."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.repository import EquipmentFilter
from catalog.service import CatalogService
from insight.errors import SpanTooLong, SpanTurnedRound
from insight.reckoning import Reliability, counts_all_failures, has_reliability, reliability
from kit.access import Scope
from kit.clock import Clock
from kit.i18n import Language, Texts
from people.service import PeopleService
from ticketing.definitions.book import Definitions
from ticketing.figures import Dimension, Drill, FigureFilter, FigureOrder, Group
from ticketing.figuring import Figuring

LONGEST = timedelta(days=366)
# Over every site at once: what lies further back is asked site by site.
LONGEST_EVERYWHERE = timedelta(days=31)
# Groups of a dimension that are shown, and that a file has, the largest first. Whoever gets them is told of the others.
MOST_GROUPS = 500
MOST_GROUPS_IN_FILE = 5_000


@dataclass(frozen=True)
class NamedGroup:
    """A group with the name people know it by; `reliability` where it is of equipment."""

    group: Group
    name: str
    reliability: Reliability | None


@dataclass(frozen=True)
class NamedGroups:
    """The largest groups. `in_all`: how many there are."""

    groups: Sequence[NamedGroup]
    in_all: int

    @property
    def left_out(self) -> int:
        return self.in_all - len(self.groups)


@dataclass(frozen=True)
class NamedOrder:
    order: FigureOrder
    assignee_name: str | None


class InsightService:
    def __init__(
        self, *, figuring: Figuring, definitions: Definitions, catalog: CatalogService, people: PeopleService,
        texts: Texts, clock: Clock,
    ) -> None:  # fmt: skip
        self._figuring = figuring
        self._definitions = definitions
        self._catalog = catalog
        self._people = people
        self._texts = texts
        self._clock = clock

    async def figures(
        self, session: AsyncSession, scope: Scope, wanted: FigureFilter, *, by: Dimension | None, language: Language,
        limit: int = MOST_GROUPS,
    ) -> NamedGroups:  # fmt: skip
        """Raises what `check` raises."""
        await self.check(session, scope, wanted)
        now = self._clock.now()
        found = await self._figuring.figures(session, scope, wanted, by=by, limit=limit)
        names = await self._names(session, scope, by, found.groups, language)
        named = [
            NamedGroup(
                group, names.get(group.key or "") or group.key or "",
                await self._reliability(session, scope, wanted, by, group, now),
            )
            for group in found.groups
        ]  # fmt: skip
        return NamedGroups(named, found.in_all)

    async def orders(
        self, session: AsyncSession, scope: Scope, drill: Drill, *, limit: int, offset: int
    ) -> tuple[list[NamedOrder], int]:
        """A page of the orders a figure counts, the newest first, and how many they are: as many as the figure says.

        Raises what `check` raises.
        """
        await self.check(session, scope, drill.wanted)
        found, total = await self._figuring.orders(session, scope, drill, limit=limit, offset=offset)
        return await self._named(session, found), total

    async def all_orders(
        self, session: AsyncSession, scope: Scope, drill: Drill
    ) -> AsyncIterator[Sequence[NamedOrder]]:  # fmt: skip
        """All of them, some at a time. The span has been checked."""
        async for some in self._figuring.all_orders(session, scope, drill):
            yield await self._named(session, some)

    async def check(self, session: AsyncSession, scope: Scope, wanted: FigureFilter) -> None:
        """Raises SiteNotFound, BuildingNotFound, EquipmentNotFound, PersonNotFound, SpanTooLong, SpanTurnedRound."""
        if wanted.site_id is not None:
            await self._catalog.site(session, scope, wanted.site_id)
        if wanted.building_id is not None:
            await self._catalog.building(session, scope, wanted.building_id)
        if wanted.equipment_id is not None:
            await self._catalog.equipment(session, scope, wanted.equipment_id)
        if wanted.assignee_id is not None:
            await self._check_technician(session, scope, wanted.assignee_id)
        if wanted.until < wanted.since:
            raise SpanTurnedRound
        is_of_one_site = wanted.site_id is not None or (scope.site_ids is not None and len(scope.site_ids) == 1)
        longest = LONGEST if is_of_one_site else LONGEST_EVERYWHERE
        if wanted.until - wanted.since > longest:
            raise SpanTooLong(longest.days)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _check_technician(self, session: AsyncSession, scope: Scope, person_id: UUID) -> None:
        """Somebody who left the site is known there by the orders they had."""
        if not await self._figuring.has_held(session, scope, person_id):
            await self._people.person(session, scope, person_id)

    async def _named(self, session: AsyncSession, orders: Sequence[FigureOrder]) -> list[NamedOrder]:
        names = await self._people.names(session, {one.assignee_id for one in orders if one.assignee_id})
        return [NamedOrder(one, names.get(one.assignee_id) if one.assignee_id else None) for one in orders]

    async def _reliability(
        self, session: AsyncSession, scope: Scope, wanted: FigureFilter, by: Dimension | None, group: Group,
        now: datetime,
    ) -> Reliability | None:  # fmt: skip
        if not has_reliability(by) or group.key is None or not counts_all_failures(wanted):
            return None
        is_one = by is Dimension.EQUIPMENT or wanted.equipment_id is not None
        units = 1 if is_one else await self._units(session, scope, wanted, group.key)
        return reliability(group, units=units, since=wanted.since, until=wanted.until, now=now)

    async def _units(self, session: AsyncSession, scope: Scope, wanted: FigureFilter, kind: str) -> int:
        """How many equipments of a kind there are where the figures look."""
        narrowed = EquipmentFilter(site_id=wanted.site_id, building_id=wanted.building_id, kind=kind)
        _, total = await self._catalog.find_equipment(session, scope, narrowed, sort="code", limit=1, offset=0)
        return total

    async def _names(
        self, session: AsyncSession, scope: Scope, by: Dimension | None, groups: Sequence[Group], language: Language
    ) -> Mapping[str, str]:
        known = [group.key for group in groups if group.key is not None]
        match by:
            case None:
                return {}
            case Dimension.PRIORITY:
                return {key: f"P{key}" for key in known}
            case Dimension.TECHNICIAN:
                names = await self._people.names(session, {UUID(key) for key in known})
                return {str(person_id): name for person_id, name in names.items()}
            case Dimension.SITE:
                return {str(site.id): site.name for site in await self._catalog.sites(session, scope)}
            case Dimension.BUILDING:
                return {str(one.id): one.name for one in await self._catalog.buildings(session, scope)}
            case Dimension.EQUIPMENT:
                return {group.key: group.code or group.key for group in groups if group.key is not None}
            case Dimension.KIND:
                kinds = [saved.meaning for saved in await self._definitions.kinds.all(session)]
                return {kind.code: kind.names[language] for kind in kinds}
            case Dimension.CATEGORY:
                return {key: self._worded(f"ticketing.category.{key}", key, language) for key in known}
            case Dimension.EQUIPMENT_KIND:
                return {key: self._worded(f"equipment_kind.{key}", key, language) for key in known}
            case _:
                assert_never(by)

    def _worded(self, key: str, otherwise: str, language: Language) -> str:
        """The text of a code; of one that a company made itself, the code."""
        return self._texts.text(key, language) if key in self._texts.keys(language) else otherwise
