"""People of a demonstration, from a table: staff with rights, skills and rotas, owners with homes and WeChat."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from building.series import expand
from catalog.service import CatalogService
from catalog.views import SiteView
from kit.access import Grant, Role, Scope
from people import login_repository, repository
from people.editing import PeopleEditor
from people.kinds import Duty, PersonKind, Relation, Skill
from people.rostering import NewRota, Rostering
from people.service import PeopleService
from people.views import SkillView


@dataclass(frozen=True)
class DemoAccount:
    """A login to print. `is_main`: one of each role, enough for a first look."""

    username: str
    password: str
    name: str
    role: Role
    duty: Duty | None
    is_main: bool


class DemoPeople:
    """`password_of(username)` gives the generated password, the same at every start; only its hash is stored."""

    def __init__(
        self,
        *,
        catalog: CatalogService,
        people: PeopleService,
        editor: PeopleEditor,
        rostering: Rostering,
        password_of: Callable[[str], str],
    ) -> None:
        self._catalog = catalog
        self._people = people
        self._editor = editor
        self._rostering = rostering
        self._password_of = password_of

    async def load(self, session: AsyncSession, raw: Mapping[str, Any], site_code: str) -> list[DemoAccount]:
        """Makes whom the table names and who is not there yet; every account."""
        everywhere = Scope.everywhere()
        site = next(site for site in await self._catalog.sites(session, everywhere) if site.code == site_code)
        accounts = [await self._staff(session, site, row, raw["rotas"]) for row in _rows(raw["staff"])]
        await self._owners(session, site, list(_rows(raw["owners"])), raw["owner_names"]["names"])
        return accounts

    async def _staff(
        self, session: AsyncSession, site: SiteView, row: Mapping[str, Any], rotas: Mapping[str, Any]
    ) -> DemoAccount:
        role = Role(row["roles"][0])
        duty = Duty(row["duty"]) if "duty" in row else None
        password = self._password_of(row["username"])
        if await login_repository.account_by_name(session, row["username"]) is None:
            person_id = await self._new_staff(session, site, row, password)
            if duty is not None:
                await self._rostering.add_rota(
                    session, Scope.everywhere(), _rota(rotas[row["rota"]], site.id, person_id, duty)
                )
        return DemoAccount(row["username"], password, row["name"], role, duty, row.get("main", False))

    async def _new_staff(self, session: AsyncSession, site: SiteView, row: Mapping[str, Any], password: str) -> UUID:
        everywhere = Scope.everywhere()
        person_id = await self._editor.create(
            session, everywhere, site_id=site.id, kind=PersonKind(row.get("kind", PersonKind.STAFF)), name=row["name"],
            phone=row["phone"], wecom_user_id=row["username"],
        )  # fmt: skip
        where = None if row.get("everywhere") else site.id
        await self._editor.set_grants(
            session, everywhere, person_id, [Grant(Role(role), where) for role in row["roles"]]
        )
        skills = [
            SkillView(Skill(skill["skill"]), skill.get("certificate_no"), skill.get("valid_until"))
            for skill in row.get("skills", [])
        ]
        await self._editor.set_skills(session, everywhere, person_id, skills)
        buildings = {building.code: building.id for building in await self._catalog.find_buildings(session, site.id)}
        areas = [buildings[code] for code in row.get("areas", [])]
        await self._editor.set_areas(session, everywhere, person_id, areas)
        await self._editor.set_account(session, everywhere, person_id, username=row["username"], password=password)
        return person_id

    async def _owners(
        self, session: AsyncSession, site: SiteView, rows: list[dict[str, Any]], names: list[str]
    ) -> None:
        homes = {room.code: room.space_id for room in await self._catalog.rooms_of_site(session, site.id)}
        known = {person.phone for person in await repository.by_phones(session, [row["phone"] for row in rows])}
        for row, name in zip(rows, names, strict=True):
            if row["phone"] in known:
                continue
            owner = await self._people.add_resident(
                session, space_id=homes[row["home"]], name=name, phone=row["phone"], relation=Relation(row["relation"])
            )
            if "openid" in row:
                await self._people.bind_openid(session, openid=row["openid"], person_id=owner.id)


def _rows(entries: list[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        yield from expand(entry)


def _rota(raw: Mapping[str, Any], site_id: UUID, person_id: UUID, duty: Duty) -> NewRota:
    hour, minute = raw["starts_at"].split(":")
    first_day: date = raw["first_day"]
    return NewRota(
        site_id=site_id, person_id=person_id, duty=duty, first_day=first_day, every_days=raw["every_days"],
        starts_minute=int(hour) * 60 + int(minute), hours=raw["hours"],
    )  # fmt: skip
