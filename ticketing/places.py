"""Where an order is, checked against its site and put into words."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.errors import BuildingNotFound, EquipmentNotFound, SpaceNotFound
from catalog.service import CatalogService
from catalog.views import EquipmentView
from kit.access import Scope
from ticketing.errors import PlaceNotFound


@dataclass(frozen=True)
class Place:
    """`words` as people of the site say it: 3栋2单元502. Empty when nobody said where."""

    site_id: UUID
    words: str
    building_id: UUID | None = None
    space_id: UUID | None = None
    equipment: EquipmentView | None = None


async def find_place(
    session: AsyncSession,
    catalog: CatalogService,
    *,
    site_id: UUID,
    equipment_id: UUID | None,
    space_id: UUID | None,
    building_id: UUID | None,
) -> Place:
    """The most exact place that the given ids name. Raises PlaceNotFound for an id of another site."""
    scope = Scope.of(site_id)
    try:
        if equipment_id is not None:
            return _at_equipment(await catalog.equipment(session, scope, equipment_id))
        if space_id is not None:
            return await _at_space(session, catalog, scope, space_id)
        if building_id is not None:
            building = await catalog.building(session, scope, building_id)
            return Place(site_id, building.name, building_id)
    except (EquipmentNotFound, SpaceNotFound, BuildingNotFound):
        raise PlaceNotFound(place_id=equipment_id or space_id or building_id or site_id) from None
    return Place(site_id, "")


def _at_equipment(equipment: EquipmentView) -> Place:
    names = "".join(name for name in (equipment.building_name, equipment.unit_name or equipment.space_name) if name)
    words = equipment.location or names or equipment.name
    return Place(equipment.site_id, words, equipment.building_id, equipment.space_id, equipment)


async def _at_space(session: AsyncSession, catalog: CatalogService, scope: Scope, space_id: UUID) -> Place:
    space = await catalog.space(session, scope, space_id)
    room = (await catalog.rooms(session, [space_id])).get(space_id)
    if room is not None:
        words = f"{room.building_name}{room.unit_name}{room.room_name}"
        return Place(space.site_id, words, space.building_id, space.id)
    building = await catalog.building(session, scope, space.building_id) if space.building_id else None
    words = f"{building.name if building else ''}{space.name}"
    return Place(space.site_id, words, space.building_id, space.id)
