"""The table of owners: one line a home and person. A person is who has that name and number."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.imports import Column, Plan, Row
from catalog.service import CatalogService
from catalog.sheets import Cell
from catalog.views import RoomView
from catalog.words import Words
from kit.access import Role
from kit.i18n import Language, Texts
from people import repository
from people.kinds import PersonKind, Relation
from people.models import Person
from people.phones import normal_phone

_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+")


@dataclass
class _Changes:
    """People to be made by (name, phone), and who lives where."""

    new: dict[tuple[str, str], Person] = field(default_factory=dict)
    residences: list[tuple[Person, UUID, Relation]] = field(default_factory=list)


class OwnerSheet:
    kind = "owners"
    columns: tuple[Column, ...] = (
        Column("name", True), Column("phone", True), Column("building", True), Column("unit"), Column("room", True),
        Column("relation"),
    )  # fmt: skip
    importers: tuple[Role, ...] = (Role.MANAGER,)
    exporters: tuple[Role, ...] = (Role.MANAGER, Role.DISPATCHER)

    def __init__(self, catalog: CatalogService, texts: Texts) -> None:
        self._catalog = catalog
        self._relations = Words(Relation, "relation", texts)

    async def check(self, session: AsyncSession, site_id: UUID, rows: Sequence[Row]) -> Plan:
        plan, changes = Plan(), _Changes()
        homes = Homes(
            await self._catalog.rooms_of_site(session, site_id),
            {row.code: row.name for row in await self._catalog.find_buildings(session, site_id)},
        )
        phones = {phone for row in rows if (phone := normal_phone(row.get("phone")))}
        known = {(row.name, row.phone or ""): row for row in await repository.by_phones(session, phones)}
        seen: dict[tuple[str, str, UUID], int] = {}
        for row in rows:
            phone = phone_of(row, plan)
            home = homes.find(row, plan)
            relation = self._relation(row, plan)
            if not (phone and home and relation and row.get("name")):
                continue
            key = (row.get("name"), phone)
            if (first := seen.setdefault((*key, home), row.line)) != row.line:
                plan.refuse(row.line, "name", "twice", line=first)
                continue
            plan.created += key not in known and key not in changes.new
            plan.updated += key in known
            changes.residences.append((known.get(key) or _new(changes, key), home, relation))
        plan.changes = changes
        return plan

    async def apply(self, session: AsyncSession, site_id: UUID, plan: Plan) -> None:
        changes: _Changes = plan.changes
        session.add_all(changes.new.values())
        await session.flush()
        people = {person.id for person, _, _ in changes.residences}
        await repository.join_site_all(session, person_ids=people, site_id=site_id)
        residences = [(person.id, space_id, relation) for person, space_id, relation in changes.residences]
        await repository.save_residences(session, site_id=site_id, residences=residences)

    async def export(self, session: AsyncSession, site_id: UUID, language: Language) -> list[Mapping[str, Cell]]:
        rooms = {room.space_id: room for room in await self._catalog.rooms_of_site(session, site_id)}
        order = {space_id: index for index, space_id in enumerate(rooms)}
        rows = [row for row in await repository.residences_of_site(session, site_id) if row[1] in rooms]
        return [
            {
                "name": person.name, "phone": person.phone, "building": rooms[space_id].building_name,
                "unit": rooms[space_id].unit_name, "room": rooms[space_id].room_name,
                "relation": self._relations.write(Relation(relation), language),
            }
            for person, space_id, relation in sorted(rows, key=lambda row: order[row[1]])
            if person.is_active
        ]  # fmt: skip

    def _relation(self, row: Row, plan: Plan) -> Relation | None:
        if not row.get("relation"):
            return Relation.OWNER
        relation = self._relations.read(row.get("relation"))
        if relation is None:
            plan.refuse(row.line, "relation", "unknown_word", value=row.get("relation"), known=self._relations.known)
        return relation


class Homes:
    """Homes by what people write: building (name or code), unit and room."""

    def __init__(self, rooms: Sequence[RoomView], building_names: Mapping[str, str]) -> None:
        self._building_names = building_names
        self._homes: dict[tuple[str, str], dict[str, UUID]] = defaultdict(dict)
        for room in rooms:
            self._homes[room.building_name, room.room_name][room.unit_name] = room.space_id

    def find(self, row: Row, plan: Plan) -> UUID | None:
        """The home a row names; without a unit only where the room's number is found once in the building."""
        building, unit, room = row.get("building"), row.get("unit"), row.get("room")
        if not (building and room):
            return None
        found = self._homes.get((self._building_names.get(building, building), room), {})
        if not unit and len(found) > 1:
            plan.refuse(row.line, "unit", "unit_needed", building=building, room=room)
            return None
        home = found.get(unit) if unit else next(iter(found.values()), None)
        if home is None:
            plan.refuse(row.line, "room", "unknown_home", value=f"{building}{unit}{room}")
        return home


def phone_of(row: Row, plan: Plan) -> str | None:
    """The row's phone number as we keep it; what is none is refused, with a word on what Excel does to numbers."""
    written = row.get("phone")
    if not written:
        return None
    phone = normal_phone(written)
    if phone is None:
        plan.refuse(row.line, "phone", "phone_scientific" if _SCIENTIFIC.fullmatch(written) else "phone", value=written)
    return phone


def _new(changes: _Changes, key: tuple[str, str]) -> Person:
    if key not in changes.new:
        changes.new[key] = Person(kind=PersonKind.OWNER, name=key[0], phone=key[1], language=Language.ZH)
    return changes.new[key]
