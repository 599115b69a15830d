"""HTTP of contractors and of the equipment they maintain."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from kit.access import STAFF, Principal, Role
from kit.errors import DomainError
from kit.http import SeenVersion, Session, allow, service
from people.contractors import errors
from people.contractors.schemas import (
    ContactsBody,
    ContractIn,
    ContractorIn,
    ContractorOut,
    ContractorPatch,
    ContractorPeopleBody,
    ContractOut,
    ContractPatch,
)
from people.contractors.service import ContractorService
from people.contractors.views import ContractorView

router = APIRouter(prefix="/api/v1", tags=["contractors"])

STATUS: dict[type[DomainError], int] = {
    errors.ContractorNotFound: 404,
    errors.ContractNotFound: 404,
    errors.ContractorNameTaken: 409,
    errors.AlreadyMaintained: 409,
    errors.NoContractorsPerson: 422,
    errors.ContractEndsEarly: 422,
}

Contractors = Annotated[ContractorService, Depends(service(ContractorService))]
Reader = Annotated[Principal, Depends(allow(*STAFF))]
Manager = Annotated[Principal, Depends(allow(Role.MANAGER))]
SEES_PHONES = (Role.DISPATCHER, Role.MANAGER)


@router.get("/contractors", response_model=list[ContractorOut])
async def list_contractors(
    session: Session, contractors: Contractors, caller: Reader, site_id: Annotated[UUID | None, Query()] = None
) -> list[ContractorOut]:
    """Companies with their contacts and people, by name."""
    return [_shown(one, caller) for one in await contractors.contractors(session, caller.scope(*STAFF), site_id)]


@router.post("/contractors", response_model=ContractorOut, status_code=201)
async def create_contractor(
    body: ContractorIn, session: Session, contractors: Contractors, caller: Manager
) -> ContractorOut:
    """A company that maintains equipment of a site."""
    scope = caller.scope(Role.MANAGER)
    contractor_id = await contractors.create(session, scope, **dict(body))
    return _shown(await contractors.contractor(session, scope, contractor_id), caller)


@router.get("/contractors/{contractor_id}", response_model=ContractorOut)
async def get_contractor(
    contractor_id: UUID, session: Session, contractors: Contractors, caller: Reader
) -> ContractorOut:
    """A company with its contacts and people."""
    return _shown(await contractors.contractor(session, caller.scope(*STAFF), contractor_id), caller)


@router.patch("/contractors/{contractor_id}", response_model=ContractorOut)
async def change_contractor(
    contractor_id: UUID, body: ContractorPatch, session: Session, contractors: Contractors, caller: Manager
) -> ContractorOut:
    """Changes a company; one that is made inactive gets no work any more."""
    scope = caller.scope(Role.MANAGER)
    await contractors.change(session, scope, contractor_id, body.sent(), version=body.version)
    return _shown(await contractors.contractor(session, scope, contractor_id), caller)


@router.put("/contractors/{contractor_id}/contacts", response_model=ContractorOut)
async def set_contractor_contacts(
    contractor_id: UUID, body: ContactsBody, session: Session, contractors: Contractors, caller: Manager,
    version: SeenVersion = None,
) -> ContractorOut:  # fmt: skip
    """Whom to call there, first one first."""
    scope = caller.scope(Role.MANAGER)
    await contractors.set_contacts(session, scope, contractor_id, body.views(), version=version)
    return _shown(await contractors.contractor(session, scope, contractor_id), caller)


@router.put("/contractors/{contractor_id}/people", response_model=ContractorOut)
async def set_contractor_people(
    contractor_id: UUID, body: ContractorPeopleBody, session: Session, contractors: Contractors, caller: Manager,
    version: SeenVersion = None,
) -> ContractorOut:  # fmt: skip
    """Who works for them at this site: people of kind contractor. Skills and shifts are those of people."""
    scope = caller.scope(Role.MANAGER)
    await contractors.set_people(session, scope, contractor_id, body.person_ids, version=version)
    return _shown(await contractors.contractor(session, scope, contractor_id), caller)


@router.get("/maintenance-contracts", response_model=list[ContractOut])
async def list_maintenance_contracts(
    session: Session,
    contractors: Contractors,
    caller: Reader,
    site_id: Annotated[UUID | None, Query()] = None,
    contractor_id: Annotated[UUID | None, Query()] = None,
    equipment_id: Annotated[UUID | None, Query()] = None,
    on: Annotated[date | None, Query(description="those in force on this day")] = None,
) -> object:
    """Who maintains which equipment, by equipment."""
    return await contractors.contracts(
        session, caller.scope(*STAFF), site_id=site_id, contractor_id=contractor_id, equipment_id=equipment_id, on=on
    )


@router.post("/maintenance-contracts", response_model=list[ContractOut], status_code=201)
async def add_maintenance_contracts(
    body: ContractIn, session: Session, contractors: Contractors, caller: Manager
) -> object:
    """Says who maintains some equipment from when to when: all of it, or none when one is maintained already."""
    return await contractors.add_contracts(session, caller.scope(Role.MANAGER), body.to_contract())


@router.patch("/maintenance-contracts/{contract_id}", response_model=ContractOut)
async def change_maintenance_contract(
    contract_id: UUID, body: ContractPatch, session: Session, contractors: Contractors, caller: Manager
) -> object:
    """Prolongs or ends a contract, or changes how soon they come."""
    scope = caller.scope(Role.MANAGER)
    return await contractors.change_contract(session, scope, contract_id, body.sent(), version=body.version)


@router.delete("/maintenance-contracts/{contract_id}", status_code=204, response_model=None)
async def remove_maintenance_contract(
    contract_id: UUID, session: Session, contractors: Contractors, caller: Manager, version: SeenVersion = None
) -> None:
    """Takes back one that was entered by mistake."""
    await contractors.remove_contract(session, caller.scope(Role.MANAGER), contract_id, version=version)


def _shown(view: ContractorView, caller: Principal) -> ContractorOut:
    return ContractorOut.of(view, whole_phone=caller.scope(*SEES_PHONES).allows(view.site_id))
