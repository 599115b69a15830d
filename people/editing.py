"""Changes of people: who they are, what they may, what they can, where they live."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.errors import ReferenceUnknown
from catalog.service import CatalogService
from kit.access import Grant, Scope
from kit.clock import Clock
from kit.i18n import Language
from kit.versions import check_version, touch
from people import repository, shift_repository
from people.errors import (
    GrantRefused,
    NoAccount,
    PersonNotFound,
    ResidenceNotFound,
    SpaceIsNoHome,
    UsernameTaken,
    WecomUserTaken,
)
from people.kinds import PersonKind, Relation
from people.login import check_password
from people.models import Account, Person, PersonSkill
from people.passwords import Passwords, generated_password
from people.views import SkillView


class PeopleEditor:
    """Rows outside the scope are not found. `scope` is where the caller may do such a thing."""

    def __init__(self, catalog: CatalogService, passwords: Passwords, clock: Clock) -> None:
        self._catalog = catalog
        self._passwords = passwords
        self._clock = clock

    async def create(
        self,
        session: AsyncSession,
        scope: Scope,
        *,
        site_id: UUID,
        kind: PersonKind,
        name: str,
        phone: str | None = None,
        wecom_user_id: str | None = None,
        language: Language = Language.ZH,
    ) -> UUID:
        """Somebody new at a site. `phone` as `people.phones` keeps it. Raises SiteNotFound, WecomUserTaken."""
        await self._catalog.site(session, scope, site_id)
        person = Person(kind=kind, name=name, phone=phone, wecom_user_id=wecom_user_id, language=language)
        await self._save(session, person, wecom_user_id)
        await repository.join_site(session, person_id=person.id, site_id=site_id)
        return person.id

    async def change(
        self, session: AsyncSession, scope: Scope, person_id: UUID, changes: Mapping[str, Any],
        *, version: int | None = None,
    ) -> None:  # fmt: skip
        """Sets the columns named in `changes`. Raises PersonNotFound, StaleEdit, WecomUserTaken."""
        person = await self._held(session, scope, person_id, version)
        for name, value in changes.items():
            setattr(person, name, value)
        await self._save(session, person, changes.get("wecom_user_id"))

    async def deactivate(
        self, session: AsyncSession, scope: Scope, person_id: UUID, *, version: int | None = None
    ) -> None:
        """Somebody left: their login, tokens and coming shifts go. Raises PersonNotFound, StaleEdit, GrantRefused."""
        person = await self._held(session, scope, person_id, version)
        await self._refuse_rights_outside(session, scope, person_id)
        person.is_active = False
        account = await repository.account_of(session, person_id)
        if account is not None:
            account.is_enabled = False
            account.token_epoch += 1
        await shift_repository.delete_shifts_of(session, person_id=person_id, after=self._clock.now())

    # --- login and rights -----------------------------------------------------------------------------------------

    async def set_account(
        self, session: AsyncSession, scope: Scope, person_id: UUID, *, username: str, password: str | None,
        version: int | None = None,
    ) -> str:  # fmt: skip
        """Gives a person a login, or a new name and password; every token is revoked. The password, to be told once.

        Raises PersonNotFound, StaleEdit, WeakPassword, UsernameTaken, and GrantRefused when the person has rights
        elsewhere: setting a password is becoming that person.
        """
        touch(await self._held(session, scope, person_id, version))
        await self._refuse_rights_outside(session, scope, person_id)
        if password is not None:
            check_password(password)
        password = password or generated_password()
        account = await repository.account_of(session, person_id) or Account(person_id=person_id, token_epoch=-1)
        password_hash = await self._passwords.hash(password)
        try:
            async with session.begin_nested():
                account.username, account.password_hash = username.lower(), password_hash
                account.is_enabled, account.token_epoch = True, account.token_epoch + 1
                session.add(account)
        except IntegrityError:
            raise UsernameTaken(username) from None
        return password

    async def disable_account(self, session: AsyncSession, scope: Scope, person_id: UUID) -> None:
        """Takes the login away and revokes every token. Raises PersonNotFound, NoAccount, GrantRefused."""
        touch(await self._held(session, scope, person_id, None))
        await self._refuse_rights_outside(session, scope, person_id)
        account = await repository.account_of(session, person_id)
        if account is None:
            raise NoAccount(person_id)
        account.is_enabled = False
        account.token_epoch += 1

    async def set_grants(
        self, session: AsyncSession, scope: Scope, person_id: UUID, grants: Collection[Grant],
        *, version: int | None = None,
    ) -> None:  # fmt: skip
        """Sets a person's roles within the scope; those elsewhere stay.

        Raises PersonNotFound, StaleEdit, GrantRefused.
        """
        touch(await self._held(session, scope, person_id, version))
        for grant in grants:
            if grant.site_id is None and scope.site_ids is not None:
                raise GrantRefused
            if grant.site_id is not None:
                await self._catalog.site(session, scope, grant.site_id)
                await repository.join_site(session, person_id=person_id, site_id=grant.site_id)
        wanted = {(grant.role, grant.site_id) for grant in grants}
        await repository.replace_grants(session, person_id, wanted, within=scope)

    async def _refuse_rights_outside(self, session: AsyncSession, scope: Scope, person_id: UUID) -> None:
        if scope.site_ids is None:
            return
        for grant in await repository.grants(session, person_id):
            if grant.site_id is None or not scope.allows(grant.site_id):
                raise GrantRefused

    # --- skills and areas -----------------------------------------------------------------------------------------

    async def set_skills(
        self, session: AsyncSession, scope: Scope, person_id: UUID, skills: Sequence[SkillView],
        *, version: int | None = None,
    ) -> None:  # fmt: skip
        """These skills and no others. Raises PersonNotFound, StaleEdit."""
        touch(await self._held(session, scope, person_id, version))
        rows = {skill.skill: PersonSkill(person_id=person_id, **vars(skill)) for skill in skills}
        await repository.replace_skills(session, person_id, list(rows.values()))

    async def set_areas(
        self, session: AsyncSession, scope: Scope, person_id: UUID, building_ids: Collection[UUID],
        *, version: int | None = None,
    ) -> None:  # fmt: skip
        """The buildings of the scope somebody looks after; none: all.

        Raises PersonNotFound, StaleEdit, ReferenceUnknown.
        """
        touch(await self._held(session, scope, person_id, version))
        known = {building.id: building.site_id for building in await self._catalog.buildings(session, scope)}
        for building_id in building_ids:
            if building_id not in known:
                raise ReferenceUnknown("building_ids", str(building_id))
        buildings = [(one, known[one]) for one in set(building_ids)]
        await repository.replace_areas(session, person_id, buildings, within=scope)

    # --- homes ----------------------------------------------------------------------------------------------------

    async def add_residence(
        self, session: AsyncSession, scope: Scope, person_id: UUID, *, space_id: UUID, relation: Relation
    ) -> UUID:
        """Binds a person to a home of the scope. Raises PersonNotFound, SpaceIsNoHome."""
        await self._person(session, scope, person_id)
        home = (await self._catalog.rooms(session, [space_id])).get(space_id)
        if home is None or not scope.allows(home.site_id):
            raise SpaceIsNoHome(space_id)
        await repository.join_site(session, person_id=person_id, site_id=home.site_id)
        return await repository.save_residence(
            session, site_id=home.site_id, person_id=person_id, space_id=space_id, relation=relation
        )

    async def remove_residence(self, session: AsyncSession, scope: Scope, residence_id: UUID) -> None:
        row = await repository.residence(session, scope, residence_id)
        if row is None:
            raise ResidenceNotFound(residence_id)
        await session.delete(row)

    # --- private --------------------------------------------------------------------------------------------------

    async def _person(self, session: AsyncSession, scope: Scope, person_id: UUID) -> Person:
        person = await repository.person(session, scope, person_id)
        if person is None:
            raise PersonNotFound(person_id)
        return person

    async def _held(self, session: AsyncSession, scope: Scope, person_id: UUID, version: int | None) -> Person:
        """The row, kept for this edit. Raises PersonNotFound, and StaleEdit when it is not the version seen."""
        person = await repository.held_person(session, scope, person_id)
        if person is None:
            raise PersonNotFound(person_id)
        check_version(person, version)
        return person

    async def _save(self, session: AsyncSession, person: Person, wecom_user_id: str | None) -> None:
        try:
            async with session.begin_nested():
                session.add(person)
        except IntegrityError:
            raise WecomUserTaken(wecom_user_id or "") from None
