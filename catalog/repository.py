"""Queries of sites, buildings, spaces, equipment and points. None can be asked without a Scope."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from building.equipment import EquipmentKind
from building.space import SpaceKind
from catalog.models import Building, Equipment, Point, Site, Space
from catalog.sorting import order_by
from kit.access import Scope
from kit.versions import held

# How far a chain of parents is followed: longer than any plant's, and an end where rows already hold a circle.
DEEPEST = 20

Unit = aliased(Space, name="unit")
Floor = aliased(Space, name="floor")

_EQUIPMENT_SORT = {
    "code": Equipment.code,
    "name": Equipment.name,
    "kind": Equipment.kind,
    "link_changed_at": Equipment.link_changed_at,
}
_SPACE_SORT = {"code": Space.code, "name": Space.name, "kind": Space.kind}


@dataclass(frozen=True)
class EquipmentFilter:
    """What a list of equipment is narrowed to; None does not narrow. `link`: "up", "down" or "unknown"."""

    site_id: UUID | None = None
    building_id: UUID | None = None
    space_id: UUID | None = None
    parent_id: UUID | None = None
    kind: str | None = None
    profile_key: str | None = None
    link: str | None = None
    q: str | None = None
    with_retired: bool = False


@dataclass(frozen=True)
class SpaceFilter:
    site_id: UUID | None = None
    building_id: UUID | None = None
    parent_id: UUID | None = None
    unit_id: UUID | None = None
    kind: str | None = None
    q: str | None = None


# --- sites and buildings -----------------------------------------------------------------------------------------


async def sites(session: AsyncSession, scope: Scope) -> Sequence[Site]:
    return (await session.scalars(select(Site).where(scope.where(Site.id)).order_by(Site.code))).all()


async def site(session: AsyncSession, scope: Scope, site_id: UUID) -> Site | None:
    return await session.scalar(select(Site).where(Site.id == site_id, scope.where(Site.id)))


async def locked_site(session: AsyncSession, scope: Scope, site_id: UUID) -> Site | None:
    """The site's row, held until the transaction ends and read anew: edits of one site take turns."""
    statement = select(Site).where(Site.id == site_id, scope.where(Site.id)).with_for_update()
    return await session.scalar(statement.execution_options(populate_existing=True))


async def buildings(session: AsyncSession, scope: Scope, site_id: UUID | None = None) -> Sequence[Building]:
    mine = true() if site_id is None else Building.site_id == site_id
    statement = select(Building).where(scope.where(Building.site_id), mine)
    return (await session.scalars(statement.order_by(Building.site_id, Building.number))).all()


async def building(session: AsyncSession, scope: Scope, building_id: UUID) -> Building | None:
    return await session.scalar(select(Building).where(Building.id == building_id, scope.where(Building.site_id)))


async def held_building(session: AsyncSession, scope: Scope, building_id: UUID) -> Building | None:
    wanted = select(Building).where(Building.id == building_id, scope.where(Building.site_id))
    return await session.scalar(held(wanted))


async def last_building_number(session: AsyncSession, site_id: UUID) -> int:
    return await session.scalar(select(func.max(Building.number)).where(Building.site_id == site_id)) or 0


# --- spaces ------------------------------------------------------------------------------------------------------


async def space(session: AsyncSession, scope: Scope, space_id: UUID) -> Space | None:
    return await session.scalar(select(Space).where(Space.id == space_id, scope.where(Space.site_id)))


async def held_space(session: AsyncSession, scope: Scope, space_id: UUID) -> Space | None:
    return await session.scalar(held(select(Space).where(Space.id == space_id, scope.where(Space.site_id))))


async def space_by_qr(session: AsyncSession, token: str) -> Space | None:
    return await session.scalar(select(Space).where(Space.qr_token == token))


async def find_spaces(
    session: AsyncSession, scope: Scope, wanted: SpaceFilter, *, sort: str, limit: int, offset: int
) -> tuple[Sequence[Space], int]:
    conditions = [scope.where(Space.site_id), *_equal(Space, wanted, "site_id", "building_id", "parent_id", "unit_id")]
    conditions += _equal(Space, wanted, "kind")
    if wanted.q:
        conditions.append(or_(Space.code.icontains(wanted.q, autoescape=True), Space.name == wanted.q))
    total = await session.scalar(select(func.count()).select_from(Space).where(*conditions)) or 0
    rows = select(Space).where(*conditions).order_by(order_by(sort, _SPACE_SORT), Space.id)
    return (await session.scalars(rows.limit(limit).offset(offset))).all(), total


async def units(session: AsyncSession, building_id: UUID) -> Sequence[Space]:
    statement = select(Space).where(Space.building_id == building_id, Space.kind == SpaceKind.UNIT)
    return (await session.scalars(statement.order_by(Space.code))).all()


async def spaces_of_site(session: AsyncSession, site_id: UUID) -> Sequence[Space]:
    return (await session.scalars(select(Space).where(Space.site_id == site_id))).all()


async def rooms(session: AsyncSession, *conditions: ColumnElement[bool]) -> Sequence[Any]:
    """Homes with the names of their building, unit and floor, in the order people count them."""
    statement = (
        select(
            Space.id, Space.site_id, Space.building_id, Space.code, Space.name, Space.unit_id,
            Building.name.label("building_name"), Unit.name.label("unit_name"), Floor.name.label("floor_name"),
        )
        .outerjoin(Building, Building.id == Space.building_id)
        .outerjoin(Unit, Unit.id == Space.unit_id)
        .outerjoin(Floor, (Floor.id == Space.parent_id) & (Floor.kind == SpaceKind.FLOOR))
        .where(Space.kind == SpaceKind.ROOM, *conditions)
        .order_by(Building.number, Unit.code, func.length(Space.name), Space.name)
    )  # fmt: skip
    return (await session.execute(statement)).all()


async def rooms_by_id(session: AsyncSession, space_ids: Collection[UUID]) -> Sequence[Any]:
    return await rooms(session, Space.id.in_(space_ids))


async def rooms_of_site(session: AsyncSession, site_id: UUID) -> Sequence[Any]:
    return await rooms(session, Space.site_id == site_id)


async def room_ids(session: AsyncSession, building_id: UUID, unit_id: UUID | None) -> Sequence[UUID]:
    here = true() if unit_id is None else Space.unit_id == unit_id
    statement = select(Space.id).where(Space.building_id == building_id, Space.kind == SpaceKind.ROOM, here)
    return (await session.scalars(statement)).all()


# --- equipment ---------------------------------------------------------------------------------------------------


def _with_places() -> Any:
    statement: Any = (
        select(Equipment, Building.name, Space.name, Unit.id, Unit.name)
        .outerjoin(Building, Building.id == Equipment.building_id)
        .outerjoin(Space, Space.id == Equipment.space_id)
        .outerjoin(Unit, Unit.id == Space.unit_id)
    )
    return statement


async def equipment(session: AsyncSession, scope: Scope, equipment_id: UUID) -> Any | None:
    """(equipment, building name, space name, unit id, unit name), or None."""
    statement = _with_places().where(Equipment.id == equipment_id, scope.where(Equipment.site_id))
    return (await session.execute(statement)).one_or_none()


async def equipment_row(session: AsyncSession, scope: Scope, equipment_id: UUID) -> Equipment | None:
    statement = select(Equipment).where(Equipment.id == equipment_id, scope.where(Equipment.site_id))
    return await session.scalar(statement)


async def equipment_by_qr(session: AsyncSession, token: str) -> Any | None:
    statement = _with_places().where(Equipment.qr_token == token, Equipment.retired_at.is_(None))
    return (await session.execute(statement)).one_or_none()


async def find_equipment(
    session: AsyncSession, scope: Scope, wanted: EquipmentFilter, *, sort: str, limit: int, offset: int
) -> tuple[Sequence[Any], int]:
    conditions = [scope.where(Equipment.site_id), *_matching(wanted)]
    total = await session.scalar(select(func.count()).select_from(Equipment).where(*conditions)) or 0
    rows = _with_places().where(*conditions).order_by(order_by(sort, _EQUIPMENT_SORT), Equipment.id)
    return (await session.execute(rows.limit(limit).offset(offset))).all(), total


async def equipment_at(
    session: AsyncSession, *, site_id: UUID, building_id: UUID, unit_name: str | None, kind: str
) -> Sequence[Any]:
    statement = _with_places().where(
        Equipment.site_id == site_id,
        Equipment.building_id == building_id,
        Equipment.kind == kind,
        Equipment.retired_at.is_(None),
        true() if unit_name is None else Unit.name == unit_name,
    )
    return (await session.execute(statement.order_by(Equipment.code))).all()


async def equipment_codes(session: AsyncSession, equipment_ids: Collection[UUID]) -> dict[UUID, str]:
    rows = await session.execute(select(Equipment.id, Equipment.code).where(Equipment.id.in_(equipment_ids)))
    return {row.id: row.code for row in rows}


def equipment_ids(*, site_id: UUID, kinds: Collection[EquipmentKind], building_id: UUID | None) -> Select[UUID]:
    """Ids of such equipment in use, of a building or of the whole site, for a query to be narrowed by."""
    conditions = [
        Equipment.site_id == site_id, Equipment.kind.in_([kind.value for kind in kinds]),
        Equipment.retired_at.is_(None),
    ]  # fmt: skip
    conditions += [] if building_id is None else [Equipment.building_id == building_id]
    return select(Equipment.id).where(*conditions)


async def equipment_of_site(session: AsyncSession, site_id: UUID) -> Sequence[Equipment]:
    statement = select(Equipment).where(Equipment.site_id == site_id).order_by(Equipment.code)
    return (await session.scalars(statement)).all()


async def counts_by_place(session: AsyncSession, site_id: UUID) -> dict[tuple[UUID | None, UUID | None], int]:
    """(building id, space id) → how many pieces of equipment stand right there."""
    place = (Equipment.building_id, Equipment.space_id)
    statement = select(*place, func.count()).where(Equipment.site_id == site_id, Equipment.retired_at.is_(None))
    rows = await session.execute(statement.group_by(*place))
    return {(building_id, space_id): count for building_id, space_id, count in rows}


async def ancestors(session: AsyncSession, equipment_id: UUID) -> Sequence[UUID]:
    """The equipment itself and all its parents; ends even if the rows already hold a cycle."""
    chain = select(Equipment.id, Equipment.parent_id).where(Equipment.id == equipment_id).cte("chain", recursive=True)
    above = select(Equipment.id, Equipment.parent_id).join(chain, Equipment.id == chain.c.parent_id)
    found: Sequence[UUID] = (await session.scalars(select(chain.union(above).c.id))).all()
    return found


async def above(session: AsyncSession, equipment_id: UUID) -> Sequence[Any]:
    """(id, kind, steps) of all its parents, the nearest first; ends even if the rows already hold a cycle."""
    start = select(Equipment.parent_id, literal(1).label("steps")).where(Equipment.id == equipment_id)
    chain = start.cte("chain", recursive=True)
    further = (
        select(Equipment.parent_id, chain.c.steps + 1)
        .join(chain, Equipment.id == chain.c.parent_id)
        .where(chain.c.steps < DEEPEST)
    )
    chain = chain.union_all(further)
    rows = select(Equipment.id, Equipment.kind, chain.c.steps).join(chain, Equipment.id == chain.c.parent_id)
    return (await session.execute(rows.order_by(chain.c.steps))).all()


async def below(session: AsyncSession, equipment_id: UUID) -> Sequence[Any]:
    """(id, steps) of what hangs on it, directly or through others."""
    start = select(Equipment.id, literal(1).label("steps")).where(Equipment.parent_id == equipment_id)
    tree = start.cte("tree", recursive=True)
    further = (
        select(Equipment.id, tree.c.steps + 1)
        .join(tree, Equipment.parent_id == tree.c.id)
        .where(tree.c.steps < DEEPEST)
    )  # fmt: skip
    tree = tree.union_all(further)
    return (await session.execute(select(tree.c.id, tree.c.steps))).all()


async def lock_links(session: AsyncSession, equipment_ids: Sequence[UUID]) -> Sequence[Equipment]:
    """Locked in one order, so that two who note links cannot wait for each other."""
    statement = select(Equipment).where(Equipment.id.in_(equipment_ids)).order_by(Equipment.id).with_for_update()
    return (await session.scalars(statement.execution_options(populate_existing=True))).all()


# --- points ------------------------------------------------------------------------------------------------------


async def points(session: AsyncSession, equipment_id: UUID) -> Sequence[Point]:
    statement = select(Point).where(Point.equipment_id == equipment_id).order_by(Point.point_no)
    return (await session.scalars(statement)).all()


async def point(session: AsyncSession, scope: Scope, point_no: int) -> Point | None:
    return await session.scalar(select(Point).where(Point.point_no == point_no, scope.where(Point.site_id)))


def _matching(wanted: EquipmentFilter) -> list[ColumnElement[bool]]:
    conditions = _equal(Equipment, wanted, "site_id", "building_id", "space_id", "parent_id", "kind", "profile_key")
    if wanted.link is not None:
        state = {"up": True, "down": False}.get(wanted.link)
        conditions.append(Equipment.link_up.is_(state))
    if wanted.q:
        found = (
            column.icontains(wanted.q, autoescape=True)
            for column in (Equipment.code, Equipment.name, Equipment.location, Equipment.external_id)
        )
        conditions.append(or_(*found))
    if not wanted.with_retired:
        conditions.append(Equipment.retired_at.is_(None))
    return conditions


def _equal(model: Any, wanted: object, *names: str) -> list[ColumnElement[bool]]:
    values = {name: getattr(wanted, name) for name in names}
    return [getattr(model, name) == value for name, value in values.items() if value is not None]
