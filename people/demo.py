"""People of a demonstration, from a table: staff with rights, skills and rotas, owners with homes and WeChat."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from building.series import expand
from catalog.repository import EquipmentFilter
from catalog.service import CatalogService
from catalog.views import SiteView
from kit.access import Grant, Role, Scope
from people import login_repository, repository
from people.contractors.service import ContractorService, NewContract
from people.contractors.views import ContactView
from people.editing import PeopleEditor
from people.kinds import Duty, PersonKind, Relation, Skill
from people.rostering import NewRota, Rostering
from people.service import PeopleService
from people.views import SkillView

# Of one kind at the demo site there are fewer.
_MOST = 2_000


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
        contractors: ContractorService,
        password_of: Callable[[str], str],
    ) -> None:
        self._catalog = catalog
        self._people = people
        self._editor = editor
        self._rostering = rostering
        self._contractors = contractors
        self._password_of = password_of

    async def load(self, session: AsyncSession, raw: Mapping[str, Any], site_code: str) -> list[DemoAccount]:
        """Makes whom the table names and who is not there yet; every account."""
        everywhere = Scope.everywhere()
        site = next(site for site in await self._catalog.sites(session, everywhere) if site.code == site_code)
        accounts = [await self._staff(session, site, row, raw["rotas"]) for row in _rows(raw["staff"])]
        await self._owners(session, site, list(_rows(raw["owners"])), raw["owner_names"]["names"])
        for row in _rows(raw.get("contractors", [])):
            await self._contractor(session, site, row)
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

    async def _contractor(self, session: AsyncSession, site: SiteView, row: Mapping[str, Any]) -> None:
        """A company with its people, and a contract over each equipment of the kinds that it maintains."""
        here = Scope.of(site.id)
        if any(one.name == row["name"] for one in await self._contractors.contractors(session, here, site.id)):
            return
        company = await self._contractors.create(
            session, here, site_id=site.id, name=row["name"], license_no=row["license_no"], hotline=row["hotline"]
        )
        contacts = [ContactView(one["name"], one["title"], one["phone"]) for one in row["contacts"]]
        await self._contractors.set_contacts(session, here, company, contacts)
        accounts = [await login_repository.account_by_name(session, username) for username in row["people"]]
        people = [account.person_id for account in accounts if account is not None]
        await self._contractors.set_people(session, here, company, people)
        maintained = [
            one.id
            for kind in row["maintains"]
            for one in (
                await self._catalog.find_equipment(
                    session, here, EquipmentFilter(kind=EquipmentKind(kind)), sort="code", limit=_MOST, offset=0
                )
            )[0]
        ]
        terms = row["contract"]
        await self._contractors.add_contracts(
            session, here,
            NewContract(
                company, tuple(maintained), terms["number"], terms["starts_on"], terms.get("ends_on"),
                terms["arrival_min"],
            ),
        )  # fmt: skip


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
