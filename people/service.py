"""What other rooms ask about people: who is on shift, how to reach somebody, who lives where."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Grant, Role, Scope
from kit.clock import Clock
from kit.i18n import Language
from people import repository, shift_repository
from people.errors import NobodyResponsible, PersonNotFound, SpaceIsNoHome
from people.kinds import Duty, PersonKind, Relation, Skill
from people.models import Person, PersonSkill
from people.phones import normal_phone
from people.repository import PersonFilter
from people.views import Candidate, Contact, Home, HomeView, PersonDetail, PersonView, SkillView


class PeopleService:
    def __init__(self, catalog: CatalogService, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    # --- who may be given work ------------------------------------------------------------------------------------

    async def candidates(self, session: AsyncSession, *, site_id: UUID, at: datetime) -> list[Candidate]:
        """Everybody on shift at the site at that instant, whatever their duty."""
        return await self._candidates(session, site_id, at, duty=None)

    async def on_duty(self, session: AsyncSession, *, site_id: UUID, duty: Duty | str, at: datetime) -> list[Candidate]:
        """Those on shift for one duty; who began first comes first."""
        return await self._candidates(session, site_id, at, duty=Duty(duty))

    async def duty_manager(self, session: AsyncSession, site_id: UUID) -> Candidate:
        """Who answers for the site now: the manager on shift, else any manager, else any administrator.

        Raises NobodyResponsible when the installation has neither, which the first start prevents.
        """
        now = self._clock.now()
        if on_shift := await self.on_duty(session, site_id=site_id, duty=Duty.MANAGER, at=now):
            return on_shift[0]
        for role in (Role.MANAGER, Role.ADMIN):
            if holders := await repository.holders(session, site_id, role):
                return (await self._with_skills(session, site_id, [(holders[0], Duty.MANAGER, None)], at=now))[0]
        raise NobodyResponsible(site_id)

    async def is_manager(self, session: AsyncSession, *, site_id: UUID, person_id: UUID) -> bool:
        """Whether somebody holds the site's manager role, or the installation's administrator's."""
        found = [one for role in (Role.MANAGER, Role.ADMIN) for one in await repository.holders(session, site_id, role)]
        return any(one.id == person_id for one in found)

    async def called_in(self, session: AsyncSession, *, site_id: UUID, person_id: UUID) -> Candidate:
        """Somebody as they would be were they called in from home now. Raises PersonNotFound."""
        person = await self._person(session, Scope.of(site_id), person_id)
        (found,) = await self._with_skills(session, site_id, [(person, Duty.ON_CALL, None)], at=self._clock.now())
        return found

    async def managers(self, session: AsyncSession, site_id: UUID) -> list[UUID]:
        """The managers of this very site; where it has none, whoever answers for it now. Raises NobodyResponsible."""
        found = await repository.managers(session, site_id)
        return list(found) or [(await self.duty_manager(session, site_id)).person_id]

    async def holders(self, session: AsyncSession, *, site_id: UUID, role: Role) -> list[UUID]:
        """Everybody who holds a role at the site, those of this very site first."""
        return [person.id for person in await repository.holders(session, site_id, role)]

    # --- how to reach somebody ------------------------------------------------------------------------------------

    async def contact(self, session: AsyncSession, person_id: UUID) -> Contact:
        """Raises PersonNotFound."""
        person = await self._person(session, Scope.everywhere(), person_id)
        known = await repository.identities(session, person_id)
        return Contact(
            person_id=person.id, name=person.name, phone=person.phone, openid=known[0].openid if known else None,
            follows_wechat=bool(known) and known[0].is_subscribed, wecom_user_id=person.wecom_user_id,
            language=Language(person.language),
        )  # fmt: skip

    async def active(self, session: AsyncSession, person_ids: Collection[UUID]) -> frozenset[UUID]:
        """Those of them who have not left."""
        return await repository.active(session, person_ids) if person_ids else frozenset()

    async def names(self, session: AsyncSession, person_ids: Collection[UUID]) -> dict[UUID, str]:
        """Display names by id, in one query; unknown ids are left out."""
        return await repository.names(session, person_ids) if person_ids else {}

    async def person_by_phone(self, session: AsyncSession, phone: str) -> PersonView | None:
        """The person of that number; of several (a family's one phone) the one known longest. Any way of writing it."""
        number = normal_phone(phone)
        found = await repository.by_phone(session, number) if number else []
        return person_view(found[0]) if found else None

    # --- WeChat ---------------------------------------------------------------------------------------------------

    async def person_by_openid(self, session: AsyncSession, openid: str) -> PersonView | None:
        row = await repository.person_by_openid(session, openid)
        return None if row is None else person_view(row)

    async def openids(self, session: AsyncSession, person_id: UUID) -> list[str]:
        """Who somebody is in WeChat. Raises PersonNotFound."""
        await self._person(session, Scope.everywhere(), person_id)
        return [known.openid for known in await repository.identities(session, person_id)]

    async def bind_openid(self, session: AsyncSession, *, openid: str, person_id: UUID) -> None:
        """Says whose openid it is; what it was bound to before is forgotten. Raises PersonNotFound."""
        await self._person(session, Scope.everywhere(), person_id)
        await repository.save_identity(session, openid, person_id=person_id, bound_at=self._clock.now())

    async def set_subscribed(self, session: AsyncSession, openid: str, is_subscribed: bool) -> None:
        """Notes that somebody follows the Official Account, or no longer does; the openid may be new to us."""
        await repository.save_identity(session, openid, is_subscribed=is_subscribed)

    # --- homes ----------------------------------------------------------------------------------------------------

    async def homes(self, session: AsyncSession, person_id: UUID) -> list[Home]:
        """The homes of a person, the first known first."""
        return [
            Home(home.space_id, home.site_id, home.building_id, home.building_name, home.unit_name, home.room_name)
            for home in await self._homes(session, person_id)
        ]

    async def residents(
        self, session: AsyncSession, *, building_id: UUID, unit_space_id: UUID | None = None
    ) -> list[UUID]:
        """Everybody bound to a home of the building, or of one unit of it."""
        rooms = await self._catalog.room_ids(session, building_id=building_id, unit_id=unit_space_id)
        return list(await repository.residents(session, rooms))

    async def add_resident(
        self,
        session: AsyncSession,
        *,
        space_id: UUID,
        name: str,
        phone: str | None = None,
        relation: Relation | str = Relation.FAMILY,
    ) -> PersonView:
        """Binds somebody to a home: the person of that name and number when there is one, else a new one.

        Raises SpaceIsNoHome.
        """
        home = (await self._catalog.rooms(session, [space_id])).get(space_id)
        if home is None:
            raise SpaceIsNoHome(space_id)
        phone = normal_phone(phone or "")
        known = await repository.by_phone(session, phone) if phone else []
        person = next((row for row in known if row.name == name), None)
        if person is None:
            person = Person(kind=PersonKind.OWNER, name=name, phone=phone, language=Language.ZH)
            session.add(person)
            await session.flush()
        await repository.join_site(session, person_id=person.id, site_id=home.site_id)
        await repository.save_residence(
            session, site_id=home.site_id, person_id=person.id, space_id=space_id, relation=Relation(relation)
        )
        return person_view(person)

    # --- lists and pages ------------------------------------------------------------------------------------------

    async def find(
        self, session: AsyncSession, scope: Scope, wanted: PersonFilter, *, sort: str, limit: int, offset: int
    ) -> tuple[list[PersonView], int]:
        """One page and how many match in all. Raises UnknownSortField."""
        rows, total = await repository.find(session, scope, wanted, sort=sort, limit=limit, offset=offset)
        return [person_view(row) for row in rows], total

    async def person(self, session: AsyncSession, scope: Scope, person_id: UUID) -> PersonView:
        return person_view(await self._person(session, scope, person_id))

    async def sites_of(self, session: AsyncSession, person_id: UUID, /) -> Sequence[UUID]:
        """Every site at which somebody is known, whoever asks."""
        return await repository.site_ids(session, person_id)

    async def detail(self, session: AsyncSession, scope: Scope, person_id: UUID) -> PersonDetail:
        """Everything about somebody, save what belongs to sites outside the scope. Raises PersonNotFound."""
        person = await self._person(session, scope, person_id)
        account = await repository.account_of(session, person_id)
        grants = [Grant(Role(row.role), row.site_id) for row in await repository.grants(session, person_id)]
        known = await repository.identities(session, person_id)
        return PersonDetail(
            person=person_view(person),
            site_ids=[one for one in await repository.site_ids(session, person_id) if scope.allows(one)],
            username=account.username if account else None,
            is_login_enabled=bool(account and account.is_enabled),
            grants=[grant for grant in grants if grant.site_id is None or scope.allows(grant.site_id)],
            skills=[skill_view(row) for row in await repository.skills(session, [person_id])],
            building_ids=[
                a.building_id for a in await repository.areas(session, [person_id]) if scope.allows(a.site_id)
            ],
            homes=[home for home in await self._homes(session, person_id) if scope.allows(home.site_id)],
            follows_wechat=any(identity.is_subscribed for identity in known),
        )

    # --- private --------------------------------------------------------------------------------------------------

    async def _person(self, session: AsyncSession, scope: Scope, person_id: UUID) -> Person:
        row = await repository.person(session, scope, person_id)
        if row is None:
            raise PersonNotFound(person_id)
        return row

    async def _homes(self, session: AsyncSession, person_id: UUID) -> list[HomeView]:
        residences = await repository.residences(session, person_id)
        rooms = await self._catalog.rooms(session, [row.space_id for row in residences]) if residences else {}
        return [
            HomeView(
                row.id, room.space_id, room.site_id, room.building_id, room.building_name, room.unit_name,
                room.room_name, Relation(row.relation),
            )
            for row in residences
            if (room := rooms.get(row.space_id)) is not None
        ]  # fmt: skip

    async def _candidates(
        self, session: AsyncSession, site_id: UUID, at: datetime, *, duty: Duty | None
    ) -> list[Candidate]:
        rows = await shift_repository.on_shift(session, site_id=site_id, at=at, duty=duty)
        people = [(person, Duty(on), ends_at) for person, on, ends_at in rows]
        return await self._with_skills(session, site_id, people, at=at)

    async def _with_skills(
        self, session: AsyncSession, site_id: UUID, people: Sequence[tuple[Person, Duty, datetime | None]], *,
        at: datetime,
    ) -> list[Candidate]:  # fmt: skip
        if not people:
            return []
        ids = [person.id for person, _, _ in people]
        skills: Mapping[UUID, list[PersonSkill]] = _by_person(await repository.skills(session, ids))
        areas = _by_person([a for a in await repository.areas(session, ids) if a.site_id == site_id])
        site = await self._catalog.site(session, Scope.of(site_id), site_id)
        today = at.astimezone(ZoneInfo(site.timezone)).date()
        return [
            Candidate(
                person_id=person.id, name=person.name, kind=PersonKind(person.kind),
                skills=frozenset(Skill(row.skill) for row in skills[person.id]),
                certified_skills=frozenset(Skill(row.skill) for row in skills[person.id] if is_certified(row, today)),
                building_ids=frozenset(area.building_id for area in areas[person.id]), duty=duty,
                shift_ends_at=ends_at,
            )
            for person, duty, ends_at in people
        ]  # fmt: skip


def is_certified(skill: PersonSkill, today: date) -> bool:
    """Whether a certificate backs the skill today; one without an end never runs out."""
    return bool(skill.certificate_no) and (skill.valid_until is None or skill.valid_until >= today)


def person_view(row: Person) -> PersonView:
    return PersonView(
        row.id, PersonKind(row.kind), row.name, row.phone, row.wecom_user_id, Language(row.language), row.is_active,
        row.version,
    )  # fmt: skip


def skill_view(row: PersonSkill) -> SkillView:
    return SkillView(Skill(row.skill), row.certificate_no, row.valid_until)


def _by_person(rows: Sequence[Any]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.person_id].append(row)
    return found
