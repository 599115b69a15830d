"""The table of houses: buildings, units, floors and rooms come into being as rows name them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from building.space import SpaceKind
from catalog import line_repository, repository
from catalog.events import CatalogChanged
from catalog.imports import Column, Plan, Row
from catalog.models import Space
from catalog.sheets import Cell
from kit.access import Role, Scope
from kit.events import publish
from kit.i18n import Language
from kit.ids import new_id


class HouseSheet:
    kind = "houses"
    columns: tuple[Column, ...] = (
        Column("building", True),
        Column("unit"),
        Column("floor"),
        Column("room", True),
        Column("code"),
    )
    importers: tuple[Role, ...] = (Role.MANAGER,)
    exporters: tuple[Role, ...] = (Role.MANAGER, Role.DISPATCHER, Role.ENGINEER)

    async def check(self, session: AsyncSession, site_id: UUID, rows: Sequence[Row]) -> Plan:
        plan = Plan()
        places = await _Places.of(session, site_id)
        seen: dict[tuple[str, str, str], int] = {}
        for row in rows:
            house = (row.get("building"), row.get("unit"), row.get("room"))
            if not (house[0] and house[2]):
                continue
            if (first := seen.setdefault(house, row.line)) != row.line:
                plan.refuse(row.line, "room", "twice", line=first)
                continue
            created = places.house(row, plan)
            plan.created += created
        plan.changes = places
        return plan

    async def apply(self, session: AsyncSession, site_id: UUID, plan: Plan) -> None:
        places: _Places = plan.changes
        await line_repository.save_buildings(session, places.new_buildings)
        await line_repository.save_spaces(session, places.new_spaces)
        await line_repository.bump_revision(session, site_id)
        await publish(session, CatalogChanged(site_id=site_id))

    async def export(self, session: AsyncSession, site_id: UUID, language: Language) -> list[Mapping[str, Cell]]:
        return [
            {
                "building": room.building_name, "unit": room.unit_name, "floor": room.floor_name, "room": room.name,
                "code": room.code,
            }
            for room in await repository.rooms_of_site(session, site_id)
        ]  # fmt: skip


class _Places:
    """The places of a site as they are, and those that rows add. A place is found by its name in its parent."""

    def __init__(self, site_id: UUID) -> None:
        self._site_id = site_id
        self._buildings: dict[str, dict[str, Any]] = {}
        self._inside: dict[tuple[UUID, SpaceKind, str], dict[str, Any]] = {}
        self._codes: set[str] = set()
        self._last_number = 0
        self.new_buildings: list[dict[str, Any]] = []
        self.new_spaces: list[dict[str, Any]] = []

    @classmethod
    async def of(cls, session: AsyncSession, site_id: UUID) -> "_Places":
        places = cls(site_id)
        buildings = await repository.buildings(session, Scope.of(site_id), site_id)
        # By code and by name; the name is what people write, so no code hides another building's name.
        for row in buildings:
            places._buildings[row.code] = {"id": row.id, "code": row.code}
            places._last_number = max(places._last_number, row.number)
        for row in buildings:
            places._buildings[row.name] = {"id": row.id, "code": row.code}
        for space in await repository.spaces_of_site(session, site_id):
            places._know(space)
        return places

    def house(self, row: Row, plan: Plan) -> bool:
        """Makes what a row names and is not there yet; whether the room itself is new."""
        building = self._building(row.get("building"))
        within, unit_id, stem = building["id"], None, building["code"]
        if row.get("unit"):
            unit = self._space(
                SpaceKind.UNIT, row.get("unit"), building["id"], within, None, f"{stem}-{row.get('unit')}"
            )
            within, unit_id, stem = unit["id"], unit["id"], unit["code"]
        holder = within
        if row.get("floor"):
            floor_code = f"{stem}-{row.get('floor')}"
            holder = self._space(SpaceKind.FLOOR, row.get("floor"), building["id"], within, unit_id, floor_code)["id"]
        # Rooms are told apart in their unit: the same number on two floors of one unit is a slip.
        key = (unit_id or building["id"], SpaceKind.ROOM, row.get("room"))
        if key in self._inside:
            return False
        code = row.get("code") or f"{stem}-{row.get('room')}"
        if code in self._codes:
            plan.refuse(row.line, "code" if row.get("code") else "room", "code_taken", code=code)
            return False
        self._add(key, SpaceKind.ROOM, row.get("room"), building["id"], holder, unit_id, code)
        return True

    def _know(self, space: Space) -> None:
        self._codes.add(space.code)
        kind = SpaceKind(space.kind)
        within = space.unit_id if kind is SpaceKind.ROOM else space.parent_id
        within = within or space.building_id
        if within is not None:
            self._inside[within, kind, space.name] = {"id": space.id, "code": space.code}

    def _building(self, name: str) -> dict[str, Any]:
        if name not in self._buildings:
            self._last_number += 1
            row = {
                "id": new_id(), "site_id": self._site_id, "number": self._last_number, "code": name, "name": name,
            }  # fmt: skip
            self.new_buildings.append(row)
            self._buildings[name] = row
        return self._buildings[name]

    def _space(
        self, kind: SpaceKind, name: str, building_id: UUID, within: UUID, unit_id: UUID | None, code: str
    ) -> dict[str, Any]:
        key = (within, kind, name)
        if key not in self._inside:
            while code in self._codes:
                code += "′"  # a room may already be called what the floor would be
            self._add(key, kind, name, building_id, None if within == building_id else within, unit_id, code)
        return self._inside[key]

    def _add(
        self,
        key: tuple[UUID, SpaceKind, str],
        kind: SpaceKind,
        name: str,
        building_id: UUID,
        parent_id: UUID | None,
        unit_id: UUID | None,
        code: str,
    ) -> None:
        space_id = new_id()
        row = {
            "id": space_id, "site_id": self._site_id, "building_id": building_id,
            "parent_id": None if parent_id == building_id else parent_id,
            "unit_id": space_id if kind is SpaceKind.UNIT else unit_id, "kind": kind.value, "code": code, "name": name,
        }  # fmt: skip
        self._codes.add(code)
        self._inside[key] = row
        self.new_spaces.append(row)
