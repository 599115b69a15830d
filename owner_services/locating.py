"""From words to the catalog: which site, building, home and equipment a report is about, or what to ask."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from catalog.service import CatalogService
from catalog.views import BuildingView, SpaceView
from kit.access import Scope
from owner_services.understanding.meaning import Meaning
from owner_services.understanding.place import designation
from owner_services.understanding.signs import Trouble
from people.views import Home


class Question(StrEnum):
    """What we must ask before a report can be placed. The words are in `locales/`."""

    WHERE = "where"
    WHICH_HOME = "which_home"
    WHICH_UNIT = "which_unit"
    WHICH_SITE = "which_site"
    NO_SUCH_BUILDING = "no_such_building"
    NO_SUCH_UNIT = "no_such_unit"


@dataclass(frozen=True)
class Location:
    """The most exact place that is certain; ids that are None are not."""

    site_id: UUID
    building_id: UUID | None = None
    space_id: UUID | None = None
    equipment_id: UUID | None = None


# What stands outside every home, so that whoever passes by may report it.
_PUBLIC_TROUBLES = frozenset({Trouble.ELEVATOR, Trouble.ENTRAPMENT, Trouble.PUBLIC_AREA})
_ELEVATOR_TROUBLES = frozenset({Trouble.ELEVATOR, Trouble.ENTRAPMENT})
_PLACELESS_TROUBLES = frozenset({Trouble.INQUIRY, Trouble.COMPLAINT, Trouble.OTHER, Trouble.PUBLIC_AREA})


def is_public(meaning: Meaning) -> bool:
    """Whether it concerns a place outside the homes."""
    return meaning.is_public or meaning.is_shared or meaning.trouble in _PUBLIC_TROUBLES


class Locator:
    def __init__(self, catalog: CatalogService) -> None:
        self._catalog = catalog

    async def locate(self, session: AsyncSession, meaning: Meaning, *, homes: Sequence[Home]) -> Location | Question:
        """Where a report belongs; `homes` are the reporter's own, none for somebody unknown.

        Danger is never sent back with a question as long as the site is certain.
        """
        found = await self._locate(session, meaning, homes)
        if isinstance(found, Question) and meaning.trouble is not None and meaning.trouble.is_dangerous:
            return await self._somewhere(session, homes) or found
        return found

    async def _locate(self, session: AsyncSession, meaning: Meaning, homes: Sequence[Home]) -> Location | Question:
        likely = matching_homes(meaning, homes)
        building: BuildingView | Location | Question
        if meaning.place.building is not None:
            building = await self._named_building(session, meaning, homes)
        elif likely:
            building = await self._home_building(session, meaning, likely)
        else:
            building = await self._no_building(session, meaning, homes)
        if not isinstance(building, BuildingView):
            return building
        return await self._inside(session, meaning, building, likely)

    # --- the building ---------------------------------------------------------------------------------------------

    async def _named_building(
        self, session: AsyncSession, meaning: Meaning, homes: Sequence[Home]
    ) -> BuildingView | Question:
        """The building whose own mark was said: at the reporter's sites first, else at any."""
        buildings = await self._catalog.buildings(session, Scope.everywhere())
        named = [one for one in buildings if designation(one.name) == meaning.place.building]
        own_sites = {home.site_id for home in homes}
        candidates = [one for one in named if one.site_id in own_sites] or named
        if len({one.site_id for one in candidates}) > 1:
            site_names = {site.id: site.name for site in await self._catalog.sites(session, Scope.everywhere())}
            candidates = [one for one in candidates if site_names[one.site_id] in meaning.text]
            return candidates[0] if len(candidates) == 1 else Question.WHICH_SITE
        return candidates[0] if candidates else Question.NO_SUCH_BUILDING

    async def _home_building(
        self, session: AsyncSession, meaning: Meaning, likely: Sequence[Home]
    ) -> BuildingView | Location | Question:
        if meaning.trouble in (Trouble.INQUIRY, Trouble.COMPLAINT):
            return Location(likely[0].site_id, likely[0].building_id, likely[0].space_id)
        buildings = {home.building_id for home in likely}
        if len(buildings) > 1:
            return Question.WHICH_HOME
        building_id = likely[0].building_id
        if building_id is None:
            return Location(likely[0].site_id, None, likely[0].space_id)
        return await self._catalog.building(session, Scope.of(likely[0].site_id), building_id)

    async def _no_building(self, session: AsyncSession, meaning: Meaning, homes: Sequence[Home]) -> Location | Question:
        """Nothing says which building: what can do without one goes to the site."""
        if meaning.trouble in _PLACELESS_TROUBLES:
            return await self._somewhere(session, homes) or Question.WHICH_SITE
        return Question.WHERE

    async def _somewhere(self, session: AsyncSession, homes: Sequence[Home]) -> Location | None:
        """The site alone, when it is certain: the reporter's only one, or the installation's."""
        own = {home.site_id for home in homes}
        sites = own or {site.id for site in await self._catalog.sites(session, Scope.everywhere())}
        return Location(sites.pop()) if len(sites) == 1 else None

    # --- inside the building --------------------------------------------------------------------------------------

    async def _inside(
        self, session: AsyncSession, meaning: Meaning, building: BuildingView, likely: Sequence[Home]
    ) -> Location | Question:
        units = await self._catalog.unit_spaces(session, building.id)
        here = [home for home in likely if home.building_id == building.id]
        unit = unit_meant(meaning, units, here)
        if meaning.place.unit is not None and unit is None:
            return Question.NO_SUCH_UNIT
        if meaning.trouble in _ELEVATOR_TROUBLES:
            return await self._at_elevator(session, building, unit)
        home = None if is_public(meaning) else _only(here)
        if home is None and not is_public(meaning) and len(here) > 1:
            return Question.WHICH_HOME
        return Location(
            building.site_id,
            building.id,
            home.space_id if home else unit.id if unit else None,
            await self._riser(session, meaning, building),
        )

    async def _at_elevator(
        self, session: AsyncSession, building: BuildingView, unit: SpaceView | None
    ) -> Location | Question:
        lifts = await self._catalog.equipment_at(
            session,
            site_id=building.site_id,
            building_id=building.id,
            unit_name=unit.name if unit else None,
            kind=EquipmentKind.ELEVATOR,
        )
        if len(lifts) == 1:
            return Location(building.site_id, building.id, unit.id if unit else None, lifts[0].id)
        if unit is None and lifts:
            return Question.WHICH_UNIT
        # Two elevators in one unit, or none in the catalog: the engineer will see which.
        return Location(building.site_id, building.id, unit.id if unit else None)

    async def _riser(self, session: AsyncSession, meaning: Meaning, building: BuildingView) -> UUID | None:
        """No water in a home is the riser's matter, unless it is one tap's."""
        if meaning.trouble is not Trouble.NO_WATER or meaning.is_fixture:
            return None
        risers = await self._catalog.equipment_at(
            session, site_id=building.site_id, building_id=building.id, unit_name=None, kind=EquipmentKind.RISER
        )
        return risers[0].id if len(risers) == 1 else None


def matching_homes(meaning: Meaning, homes: Iterable[Home]) -> list[Home]:
    """The homes that nothing said contradicts."""
    place = meaning.place
    return [
        home
        for home in homes
        if place.building in (None, designation(home.building_name))
        and place.unit in (None, designation(home.unit_name))
        and place.room in (None, home.room_name)
    ]


def unit_meant(meaning: Meaning, units: Sequence[SpaceView], here: Sequence[Home]) -> SpaceView | None:
    """The unit that was said, else the reporter's own, else the only one."""
    if meaning.place.unit is not None:
        return next((unit for unit in units if designation(unit.name) == meaning.place.unit), None)
    own = {home.unit_name for home in here}
    if len(own) == 1:
        return next((unit for unit in units if unit.name in own), None)
    return units[0] if len(units) == 1 else None


def _only(homes: Sequence[Home]) -> Home | None:
    return homes[0] if len(homes) == 1 else None
