"""A small neighbourhood in a real database: 3栋 and 5栋 with two units each, an elevator a unit, five homes."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from building.declaration import parse_site
from building.equipment import EquipmentKind
from building.profile import DeviceProfile
from catalog.loader import apply_declaration
from catalog.repository import EquipmentFilter, SpaceFilter
from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.db import Database
from people.kinds import PersonKind
from people.models import Person
from people.service import PeopleService

ROOMS = (("3", "2", "502"), ("3", "2", "602"), ("3", "1", "501"), ("5", "1", "101"), ("5", "2", "301"))


def declaration(code: str = "huayuan", name: str = "花园") -> dict[str, Any]:
    """The site as a declaration file would say it."""
    spaces: list[dict[str, str]] = []
    equipment: list[dict[str, str]] = []
    for b in ("3", "5"):
        equipment.append(
            {"code": f"RISER-{b}", "name": f"{b}栋给水立管", "kind": "riser", "building": f"B{b}", "location": f"{b}栋"}
        )
        for u in ("1", "2"):
            unit = f"{b}-{u}"
            spaces.append({"kind": "unit", "code": unit, "name": f"{u}单元", "building": f"B{b}"})
            equipment.append(
                {
                    "code": f"LIFT-{b}{u}", "name": f"{b}栋{u}单元电梯", "kind": "elevator", "building": f"B{b}",
                    "space": unit, "location": f"{b}栋{u}单元", "rescue_code": f"3301{b}{u}",
                }
            )  # fmt: skip
    spaces += [
        {"kind": "room", "code": f"{b}-{u}-{room}", "name": room, "building": f"B{b}", "parent": f"{b}-{u}"}
        for b, u, room in ROOMS
    ]
    return {
        "site": {"code": code, "name": name, "city": "杭州", "timezone": "Asia/Shanghai"},
        "buildings": [{"code": "B3", "name": "3栋"}, {"code": "B5", "name": "5栋"}],
        "spaces": spaces,
        "equipment": equipment,
    }


@dataclass(frozen=True)
class SmallSite:
    """Ids by the names people use: `rooms["3-2-502"]`, `lifts["LIFT-32"]`."""

    database: Database
    catalog: CatalogService
    people: PeopleService
    site_id: UUID
    rooms: dict[str, UUID]
    equipment: dict[str, UUID]

    async def resident(
        self, room: str, *, name: str = "王女士", phone: str | None = "13800001111", openid: str | None = None
    ) -> UUID:
        """An owner of that home who, with an openid, is bound and follows."""
        async with self.database.transaction() as session:
            person = await self.people.add_resident(session, space_id=self.rooms[room], name=name, phone=phone)
            if openid is not None:
                await self.people.bind_openid(session, openid=openid, person_id=person.id)
                await self.people.set_subscribed(session, openid, True)
        return person.id

    async def staff(
        self, name: str = "张师傅", *, phone: str | None = "13900002222", wecom: str | None = "zhang"
    ) -> UUID:
        async with self.database.transaction() as session:
            person = Person(kind=PersonKind.STAFF, name=name, phone=phone, wecom_user_id=wecom, language="zh-CN")
            session.add(person)
            await session.flush()
            return person.id


async def settle(
    database: Database, clock: Clock, *, profiles: dict[str, DeviceProfile] | None = None, code: str = "huayuan",
    name: str = "花园",
) -> SmallSite:  # fmt: skip
    """Writes the site into the database."""
    catalog = CatalogService(profiles or {})
    async with database.transaction() as session:
        await apply_declaration(session, parse_site(declaration(code, name)), profiles or {})
        site = next(site for site in await catalog.sites(session, Scope.everywhere()) if site.code == code)
        scope = Scope.of(site.id)
        spaces, _ = await catalog.find_spaces(session, scope, SpaceFilter(), sort="code", limit=100, offset=0)
        things, _ = await catalog.find_equipment(session, scope, EquipmentFilter(), sort="code", limit=100, offset=0)
    assert {thing.kind for thing in things} == {EquipmentKind.ELEVATOR, EquipmentKind.RISER}
    return SmallSite(
        database, catalog, PeopleService(catalog, clock), site.id,
        rooms={space.code: space.id for space in spaces if space.kind == "room"},
        equipment={thing.code: thing.id for thing in things},
    )  # fmt: skip
