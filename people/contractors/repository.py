"""Queries of contractors. Lists cannot be asked without a Scope."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.versions import held
from people.contractors.models import Contractor, ContractorContact, ContractorPerson, MaintenanceContract
from people.models import Person


async def find(session: AsyncSession, scope: Scope, site_id: UUID | None) -> Sequence[Contractor]:
    conditions = [scope.where(Contractor.site_id)]
    conditions += [] if site_id is None else [Contractor.site_id == site_id]
    rows = select(Contractor).where(*conditions).order_by(Contractor.name, Contractor.id)
    return (await session.scalars(rows)).all()


async def contractor(session: AsyncSession, scope: Scope, contractor_id: UUID) -> Contractor | None:
    mine = (Contractor.id == contractor_id, scope.where(Contractor.site_id))
    return await session.scalar(select(Contractor).where(*mine))


async def held_contractor(session: AsyncSession, scope: Scope, contractor_id: UUID) -> Contractor | None:
    mine = (Contractor.id == contractor_id, scope.where(Contractor.site_id))
    return await session.scalar(held(select(Contractor).where(*mine)))


async def contacts(session: AsyncSession, contractor_ids: Collection[UUID]) -> Sequence[ContractorContact]:
    rows = select(ContractorContact).where(ContractorContact.contractor_id.in_(contractor_ids))
    return (await session.scalars(rows.order_by(ContractorContact.position))).all()


async def replace_contacts(session: AsyncSession, contractor_id: UUID, rows: Sequence[ContractorContact]) -> None:
    await session.execute(delete(ContractorContact).where(ContractorContact.contractor_id == contractor_id))
    session.add_all(rows)
    await session.flush()


async def people(session: AsyncSession, contractor_ids: Collection[UUID]) -> Sequence[Any]:
    """(contractor id, person id, name) of active people."""
    rows = (
        select(ContractorPerson.contractor_id, Person.id, Person.name)
        .join(Person, Person.id == ContractorPerson.person_id)
        .where(ContractorPerson.contractor_id.in_(contractor_ids), Person.is_active)
    )
    return (await session.execute(rows.order_by(Person.name, Person.id))).all()


async def replace_people(
    session: AsyncSession, *, site_id: UUID, contractor_id: UUID, person_ids: Collection[UUID]
) -> None:
    """Whoever worked for another contractor of the site works for this one now."""
    await session.execute(delete(ContractorPerson).where(ContractorPerson.contractor_id == contractor_id))
    await add_people(session, site_id=site_id, contractor_id=contractor_id, person_ids=person_ids)


async def add_people(
    session: AsyncSession, *, site_id: UUID, contractor_id: UUID, person_ids: Collection[UUID]
) -> None:
    rows = [{"site_id": site_id, "person_id": one, "contractor_id": contractor_id} for one in set(person_ids)]
    if not rows:
        return
    statement = insert(ContractorPerson)
    fresh = {"contractor_id": statement.excluded.contractor_id}
    await session.execute(statement.on_conflict_do_update(index_elements=["site_id", "person_id"], set_=fresh), rows)


async def employers(session: AsyncSession, *, site_id: UUID, person_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Contractor ids by person id; of a company that works here no more nobody is left."""
    rows = await session.execute(
        select(ContractorPerson.person_id, ContractorPerson.contractor_id)
        .join(Contractor, Contractor.id == ContractorPerson.contractor_id)
        .where(ContractorPerson.site_id == site_id, ContractorPerson.person_id.in_(person_ids), Contractor.is_active)
    )
    return {row.person_id: row.contractor_id for row in rows}


# --- contracts ----------------------------------------------------------------------------------------------------


def _contracts(*conditions: ColumnElement[bool]) -> Any:
    return (
        select(MaintenanceContract, Contractor.name)
        .join(Contractor, Contractor.id == MaintenanceContract.contractor_id)
        .where(*conditions)
        .order_by(MaintenanceContract.starts_on, MaintenanceContract.id)
    )


def _on(day: date) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    ends_on = MaintenanceContract.ends_on
    return MaintenanceContract.starts_on <= day, or_(ends_on.is_(None), ends_on >= day)


async def contracts(
    session: AsyncSession,
    scope: Scope,
    *,
    site_id: UUID | None = None,
    contractor_id: UUID | None = None,
    equipment_id: UUID | None = None,
    on: date | None = None,
) -> Sequence[Any]:
    """(contract, contractor's name), the earliest first."""
    conditions: list[ColumnElement[bool]] = [scope.where(MaintenanceContract.site_id)]
    conditions += [] if site_id is None else [MaintenanceContract.site_id == site_id]
    conditions += [] if contractor_id is None else [MaintenanceContract.contractor_id == contractor_id]
    conditions += [] if equipment_id is None else [MaintenanceContract.equipment_id == equipment_id]
    conditions += [] if on is None else list(_on(on))
    return (await session.execute(_contracts(*conditions))).all()


async def contract(session: AsyncSession, scope: Scope, contract_id: UUID) -> Any | None:
    mine = (MaintenanceContract.id == contract_id, scope.where(MaintenanceContract.site_id))
    return (await session.execute(_contracts(*mine))).one_or_none()


async def held_contract(session: AsyncSession, scope: Scope, contract_id: UUID) -> Any | None:
    mine = (MaintenanceContract.id == contract_id, scope.where(MaintenanceContract.site_id))
    return (await session.execute(held(_contracts(*mine), MaintenanceContract))).one_or_none()


async def maintains_most(session: AsyncSession, *, among: Select[UUID], on: date) -> UUID | None:
    """Who maintains most of the equipment with the ids `among` that day; of two alike always the same one."""
    how_many = func.count()
    rows = (
        select(MaintenanceContract.contractor_id)
        .join(Contractor, Contractor.id == MaintenanceContract.contractor_id)
        .where(MaintenanceContract.equipment_id.in_(among), Contractor.is_active.is_(True), *_on(on))
        .group_by(MaintenanceContract.contractor_id)
        .order_by(how_many.desc(), MaintenanceContract.contractor_id)
    )
    return await session.scalar(rows.limit(1))


async def in_force(session: AsyncSession, *, equipment_ids: Collection[UUID], on: date) -> Sequence[Any]:
    """(contract, contractor's name) of each equipment that somebody maintains that day."""
    mine = (MaintenanceContract.equipment_id.in_(equipment_ids), Contractor.is_active.is_(True), *_on(on))
    return (await session.execute(_contracts(*mine))).all()
