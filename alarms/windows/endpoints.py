"""Maintenance windows over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from alarms.models import MaintenanceWindow
from alarms.windows import errors
from alarms.windows.schemas import MaintenanceWindowIn, MaintenanceWindowOut
from alarms.windows.service import MaintenanceWindowService
from kit.access import STAFF, Principal, Role
from kit.errors import DomainError
from kit.http import Page, Paging, Session, allow, service

STATUS: dict[type[DomainError], int] = {
    errors.MaintenanceWindowNotFound: 404,
    errors.NotOfTheSite: 404,
    errors.MaintenanceWindowEnded: 409,
    errors.WindowNeverHolds: 422,
}

router = APIRouter(prefix="/api/v1", tags=["alarms"])

# A window silences a whole building: whoever answers for the shift agrees to it.
AGREEING = (Role.DISPATCHER, Role.MANAGER)

Windows = Annotated[MaintenanceWindowService, Depends(service(MaintenanceWindowService))]
Reader = Annotated[Principal, Depends(allow(*STAFF))]
Agreeing = Annotated[Principal, Depends(allow(*AGREEING))]


@router.get("/maintenance-windows", response_model=Page[MaintenanceWindowOut])
async def list_maintenance_windows(
    session: Session, windows: Windows, caller: Reader, paging: Paging,
    site_id: Annotated[UUID | None, Query(description="a site's id")] = None,
    standing: Annotated[bool, Query(description="only those that are not over")] = True,
) -> Page[MaintenanceWindowOut]:  # fmt: skip
    """Maintenance windows of the caller's sites, the newest first."""
    rows, total = await windows.find(
        session, caller.scope(*STAFF), site_id=site_id, standing=standing, limit=paging.limit, offset=paging.offset
    )
    return Page(items=[_out(windows, row) for row in rows], total=total, limit=paging.limit, offset=paging.offset)


@router.post("/maintenance-windows", response_model=MaintenanceWindowOut, status_code=201)
async def agree_maintenance_window(
    body: MaintenanceWindowIn, session: Session, windows: Windows, caller: Agreeing
) -> MaintenanceWindowOut:
    """Nuisance alarms in it are recorded and not announced; what lasts when it ends is. Life safety is never held."""
    scope = caller.scope(*AGREEING)
    return _out(windows, await windows.agree(session, scope, body.to_window(), actor=caller.person_id))


@router.get("/maintenance-windows/{maintenance_window_id}", response_model=MaintenanceWindowOut)
async def get_maintenance_window(
    maintenance_window_id: UUID, session: Session, windows: Windows, caller: Reader
) -> MaintenanceWindowOut:
    return _out(windows, await windows.get(session, caller.scope(*STAFF), maintenance_window_id))


@router.post("/maintenance-windows/{maintenance_window_id}/end", response_model=MaintenanceWindowOut)
async def end_maintenance_window(
    maintenance_window_id: UUID, session: Session, windows: Windows, caller: Agreeing
) -> MaintenanceWindowOut:
    """Ends it for good; what it held back and still lasts is announced within seconds."""
    scope = caller.scope(*AGREEING)
    return _out(windows, await windows.end(session, scope, maintenance_window_id, actor=caller.person_id))


def _out(windows: MaintenanceWindowService, window: MaintenanceWindow) -> MaintenanceWindowOut:
    return MaintenanceWindowOut.of(window, windows.next_of(window), is_holding=windows.is_holding(window))
