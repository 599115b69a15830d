"""Locks on equipment over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from alarms.endpoints import ANSWERING
from alarms.lockouts import errors
from alarms.lockouts.schemas import LockoutIn, LockoutOut
from alarms.lockouts.service import LockoutService, NewLockout
from alarms.models import Inhibition
from kit.access import STAFF, Principal
from kit.errors import DomainError
from kit.http import Page, Paging, Session, allow, service

STATUS: dict[type[DomainError], int] = {
    errors.LockoutNotFound: 404,
    errors.LockoutOver: 409,
    errors.LockIsAnothers: 409,
    errors.LockoutEndsEarlier: 422,
}

router = APIRouter(prefix="/api/v1", tags=["alarms"])

Lockouts = Annotated[LockoutService, Depends(service(LockoutService))]
Reader = Annotated[Principal, Depends(allow(*STAFF))]
Answerer = Annotated[Principal, Depends(allow(*ANSWERING))]


@router.get("/lockouts", response_model=Page[LockoutOut])
async def list_lockouts(
    session: Session, lockouts: Lockouts, caller: Reader, paging: Paging,
    site_id: Annotated[UUID | None, Query(description="a site's id")] = None,
    equipment_id: Annotated[UUID | None, Query(description="an equipment's id")] = None,
    standing: Annotated[bool, Query(description="only those that are on")] = True,
) -> Page[LockoutOut]:  # fmt: skip
    """Locks on equipment at the caller's sites, the newest first."""
    rows, total = await lockouts.find(
        session, caller.scope(*STAFF), site_id=site_id, equipment_id=equipment_id, standing=standing,
        limit=paging.limit, offset=paging.offset,
    )  # fmt: skip
    return Page(items=[_out(lockouts, row) for row in rows], total=total, limit=paging.limit, offset=paging.offset)


@router.post("/lockouts", response_model=LockoutOut, status_code=201)
async def lock_equipment_out(body: LockoutIn, session: Session, lockouts: Lockouts, caller: Answerer) -> LockoutOut:
    """“I work on it.” Its nuisance alarms are recorded and held back until the last lock is off; life safety never."""
    wanted = NewLockout(body.equipment_id, body.reason, body.until)
    return _out(lockouts, await lockouts.lock(session, caller.scope(*ANSWERING), wanted, actor=caller.person_id))


@router.post("/lockouts/{lockout_id}/take-off", response_model=LockoutOut)
async def take_lockout_off(lockout_id: UUID, session: Session, lockouts: Lockouts, caller: Answerer) -> LockoutOut:
    """Takes one's own lock off; a manager takes off anybody's. What still lasts is announced once the last is off."""
    scope = caller.scope(*ANSWERING)
    return _out(lockouts, await lockouts.take_off(session, scope, lockout_id, actor=caller.person_id))


def _out(lockouts: LockoutService, lockout: Inhibition) -> LockoutOut:
    return LockoutOut.of(lockout, is_on=lockouts.is_on(lockout))
