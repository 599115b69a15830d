"""Queries of people: persons, rights, skills, homes, WeChat identities. Lists cannot be asked without a Scope."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.sorting import order_by
from kit.access import Role, Scope
from kit.ids import new_id
from kit.versions import held
from people.models import (
    Account,
    Membership,
    Person,
    PersonArea,
    PersonSkill,
    Residence,
    RoleGrant,
    WechatIdentity,
)

_SORT = {"name": Person.name, "kind": Person.kind, "created_at": Person.created_at}


@dataclass(frozen=True)
class PersonFilter:
    """What a list of people is narrowed to; None does not narrow."""

    site_id: UUID | None = None
    kind: str | None = None
    skill: str | None = None
    role: str | None = None
    space_id: UUID | None = None
    q: str | None = None
    with_inactive: bool = False


def _seen(scope: Scope) -> ColumnElement[bool]:
    """People known at a site of the scope; those known at no site at all only to who sees every site."""
    if scope.site_ids is None:
        return true()
    return select(Membership).where(Membership.person_id == Person.id, scope.where(Membership.site_id)).exists()


async def person(session: AsyncSession, scope: Scope, person_id: UUID) -> Person | None:
    return await session.scalar(select(Person).where(Person.id == person_id, _seen(scope)))


async def held_person(session: AsyncSession, scope: Scope, person_id: UUID) -> Person | None:
    return await session.scalar(held(select(Person).where(Person.id == person_id, _seen(scope))))


async def find(
    session: AsyncSession, scope: Scope, wanted: PersonFilter, *, sort: str, limit: int, offset: int
) -> tuple[Sequence[Person], int]:
    conditions = [_seen(scope), *_matching(wanted)]
    total = await session.scalar(select(func.count()).select_from(Person).where(*conditions)) or 0
    rows = select(Person).where(*conditions).order_by(order_by(sort, _SORT), Person.id)
    return (await session.scalars(rows.limit(limit).offset(offset))).all(), total


async def by_phone(session: AsyncSession, phone: str) -> Sequence[Person]:
    statement = select(Person).where(Person.phone == phone, Person.is_active)
    return (await session.scalars(statement.order_by(Person.created_at, Person.id))).all()


async def by_phones(session: AsyncSession, phones: Collection[str]) -> Sequence[Person]:
    return (await session.scalars(select(Person).where(Person.phone.in_(phones)))).all()


async def names(session: AsyncSession, person_ids: Collection[UUID]) -> dict[UUID, str]:
    rows = await session.execute(select(Person.id, Person.name).where(Person.id.in_(person_ids)))
    return {row.id: row.name for row in rows}


# --- sites, rights, skills, areas ---------------------------------------------------------------------------------


async def site_ids(session: AsyncSession, person_id: UUID) -> Sequence[UUID]:
    return (await session.scalars(select(Membership.site_id).where(Membership.person_id == person_id))).all()


async def join_site(session: AsyncSession, *, person_id: UUID, site_id: UUID) -> None:
    values = {"person_id": person_id, "site_id": site_id}
    await session.execute(insert(Membership).values(values).on_conflict_do_nothing())


async def join_site_all(session: AsyncSession, *, person_ids: Collection[UUID], site_id: UUID) -> None:
    rows = [{"person_id": person_id, "site_id": site_id} for person_id in set(person_ids)]
    if rows:
        await session.execute(insert(Membership).on_conflict_do_nothing(), rows)


async def wecom_users(session: AsyncSession, users: Collection[str]) -> dict[str, Person]:
    rows = await session.scalars(select(Person).where(Person.wecom_user_id.in_(users)))
    return {row.wecom_user_id: row for row in rows if row.wecom_user_id}


async def grants(session: AsyncSession, person_id: UUID) -> Sequence[RoleGrant]:
    statement = select(RoleGrant).where(RoleGrant.person_id == person_id).order_by(RoleGrant.role)
    return (await session.scalars(statement)).all()


async def replace_grants(
    session: AsyncSession, person_id: UUID, wanted: Collection[tuple[Role, UUID | None]], *, within: Scope
) -> None:
    """Sets the grants at the sites of `within`; those elsewhere stay."""
    here = true() if within.site_ids is None else within.where(RoleGrant.site_id)
    await session.execute(
        delete(RoleGrant).where(RoleGrant.person_id == person_id, here).execution_options(synchronize_session=False)
    )
    session.add_all(RoleGrant(person_id=person_id, role=role, site_id=site_id) for role, site_id in wanted)
    await session.flush()


async def skills(session: AsyncSession, person_ids: Collection[UUID]) -> Sequence[PersonSkill]:
    statement = select(PersonSkill).where(PersonSkill.person_id.in_(person_ids)).order_by(PersonSkill.skill)
    return (await session.scalars(statement)).all()


async def replace_skills(session: AsyncSession, person_id: UUID, rows: Sequence[PersonSkill]) -> None:
    await session.execute(delete(PersonSkill).where(PersonSkill.person_id == person_id))
    session.add_all(rows)
    await session.flush()


async def areas(session: AsyncSession, person_ids: Collection[UUID]) -> Sequence[PersonArea]:
    return (await session.scalars(select(PersonArea).where(PersonArea.person_id.in_(person_ids)))).all()


async def replace_areas(
    session: AsyncSession, person_id: UUID, buildings: Collection[tuple[UUID, UUID]], *, within: Scope
) -> None:
    """Sets the (building id, site id) pairs a person looks after at the sites of `within`; those elsewhere stay."""
    mine = (PersonArea.person_id == person_id, within.where(PersonArea.site_id))
    await session.execute(delete(PersonArea).where(*mine).execution_options(synchronize_session=False))
    session.add_all(
        PersonArea(person_id=person_id, building_id=building_id, site_id=site_id) for building_id, site_id in buildings
    )
    await session.flush()


async def holders(session: AsyncSession, site_id: UUID, role: Role) -> Sequence[Person]:
    """Active people with a role at the site: those of this very site first, then those of every site."""
    statement = (
        select(Person)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(RoleGrant.role == role, Person.is_active, or_(RoleGrant.site_id == site_id, RoleGrant.site_id.is_(None)))
        .order_by(RoleGrant.site_id.is_(None), Person.created_at, Person.id)
    )
    return (await session.scalars(statement)).all()


async def active(session: AsyncSession, person_ids: Collection[UUID]) -> frozenset[UUID]:
    return frozenset(await session.scalars(select(Person.id).where(Person.id.in_(person_ids), Person.is_active)))


async def managers(session: AsyncSession, site_id: UUID) -> Sequence[UUID]:
    """Active managers of this very site."""
    statement = select(Person.id).join(RoleGrant, RoleGrant.person_id == Person.id)
    mine = (RoleGrant.role == Role.MANAGER, RoleGrant.site_id == site_id, Person.is_active)
    return (await session.scalars(statement.where(*mine).order_by(Person.created_at, Person.id))).all()


async def account_of(session: AsyncSession, person_id: UUID) -> Account | None:
    return await session.scalar(select(Account).where(Account.person_id == person_id))


# --- homes --------------------------------------------------------------------------------------------------------


async def residences(session: AsyncSession, person_id: UUID) -> Sequence[Residence]:
    statement = select(Residence).where(Residence.person_id == person_id).order_by(Residence.id)
    return (await session.scalars(statement)).all()


async def residence(session: AsyncSession, scope: Scope, residence_id: UUID) -> Residence | None:
    mine = (Residence.id == residence_id, scope.where(Residence.site_id))
    return await session.scalar(select(Residence).where(*mine))


async def residences_of_site(session: AsyncSession, site_id: UUID) -> Sequence[Any]:
    """(person, space id, relation) of every residence of a site."""
    statement = select(Person, Residence.space_id, Residence.relation).join(Residence, Residence.person_id == Person.id)
    return (await session.execute(statement.where(Residence.site_id == site_id).order_by(Person.created_at))).all()


async def save_residence(
    session: AsyncSession, *, site_id: UUID, person_id: UUID, space_id: UUID, relation: str
) -> UUID:
    """Binds a person to a home, or changes what they are to it; the residence's id."""
    values = {"id": new_id(), "site_id": site_id, "person_id": person_id, "space_id": space_id, "relation": relation}
    statement = insert(Residence).values(values)
    statement = statement.on_conflict_do_update(
        index_elements=["person_id", "space_id"], set_={"relation": statement.excluded.relation}
    )
    found: UUID = (await session.scalars(statement.returning(Residence.id))).one()
    return found


async def save_residences(
    session: AsyncSession, *, site_id: UUID, residences: Collection[tuple[UUID, UUID, str]]
) -> None:
    """Binds (person id, space id, relation), or changes what they are to each other."""
    rows = [
        {"id": new_id(), "site_id": site_id, "person_id": person_id, "space_id": space_id, "relation": relation}
        for person_id, space_id, relation in residences
    ]
    if not rows:
        return
    statement = insert(Residence)
    fresh = {"relation": statement.excluded.relation}
    await session.execute(statement.on_conflict_do_update(index_elements=["person_id", "space_id"], set_=fresh), rows)


async def residents(session: AsyncSession, space_ids: Collection[UUID]) -> Sequence[UUID]:
    statement = select(Residence.person_id).join(Person, Person.id == Residence.person_id)
    mine = (Residence.space_id.in_(space_ids), Person.is_active)
    return (await session.scalars(statement.where(*mine).distinct().order_by(Residence.person_id))).all()


# --- WeChat -------------------------------------------------------------------------------------------------------


async def identity(session: AsyncSession, openid: str) -> WechatIdentity | None:
    return await session.get(WechatIdentity, openid)


async def identities(session: AsyncSession, person_id: UUID) -> Sequence[WechatIdentity]:
    """Followed ones first, the newest first."""
    statement = select(WechatIdentity).where(WechatIdentity.person_id == person_id)
    order = (WechatIdentity.is_subscribed.desc(), WechatIdentity.bound_at.desc().nulls_last(), WechatIdentity.openid)
    return (await session.scalars(statement.order_by(*order))).all()


async def person_by_openid(session: AsyncSession, openid: str) -> Person | None:
    statement = select(Person).join(WechatIdentity, WechatIdentity.person_id == Person.id)
    return await session.scalar(statement.where(WechatIdentity.openid == openid, Person.is_active))


async def save_identity(session: AsyncSession, openid: str, **values: Any) -> None:
    """Makes or changes the named columns of an identity."""
    statement = insert(WechatIdentity).values({"openid": openid, "is_subscribed": True} | values)
    await session.execute(statement.on_conflict_do_update(index_elements=["openid"], set_=values))


def _matching(wanted: PersonFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [] if wanted.with_inactive else [Person.is_active.is_(True)]
    links: list[tuple[object, Any, Any, Any]] = [
        (wanted.site_id, Membership, Membership.person_id, Membership.site_id),
        (wanted.skill, PersonSkill, PersonSkill.person_id, PersonSkill.skill),
        (wanted.role, RoleGrant, RoleGrant.person_id, RoleGrant.role),
        (wanted.space_id, Residence, Residence.person_id, Residence.space_id),
    ]
    for value, model, person_id, column in links:
        if value is not None:
            conditions.append(select(model).where(person_id == Person.id, column == value).exists())
    if wanted.kind is not None:
        conditions.append(Person.kind == wanted.kind)
    if wanted.q:
        conditions.append(or_(Person.name.icontains(wanted.q, autoescape=True), Person.phone == wanted.q))
    return conditions


async def staff_roles(session: AsyncSession, person_id: UUID) -> list[str]:
    """The roles that somebody holds as a member of staff, anywhere."""
    found = await session.scalars(
        select(RoleGrant.role).where(RoleGrant.person_id == person_id, RoleGrant.role != Role.OWNER).distinct()
    )
    return sorted(found)
