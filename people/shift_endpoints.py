"""HTTP of shifts and rotas."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from kit.access import STAFF, Principal, Role
from kit.http import Page, Paging, Session, allow, service
from people.kinds import Duty
from people.rostering import NewRota, Rostering
from people.schemas import RotaIn, RotaOut, ShiftIn, ShiftOut

router = APIRouter()

Roster = Annotated[Rostering, Depends(service(Rostering))]
Reader = Annotated[Principal, Depends(allow(*STAFF))]
Planner = Annotated[Principal, Depends(allow(Role.MANAGER, Role.DISPATCHER))]
_PLANNERS = (Role.MANAGER, Role.DISPATCHER)


@router.get("/shifts", response_model=Page[ShiftOut])
async def list_shifts(
    session: Session,
    roster: Roster,
    caller: Reader,
    paging: Paging,
    site_id: Annotated[UUID | None, Query()] = None,
    person_id: Annotated[UUID | None, Query()] = None,
    duty: Annotated[Duty | None, Query()] = None,
    start: Annotated[AwareDatetime | None, Query(description="shifts that end after this")] = None,
    end: Annotated[AwareDatetime | None, Query(description="shifts that begin before this")] = None,
    sort: Annotated[str, Query(description="starts_at, ends_at, person or duty; - turns it round")] = "starts_at",
) -> Page[ShiftOut]:
    found, total = await roster.shifts(
        session, caller.scope(*STAFF), site_id=site_id, person_id=person_id, duty=duty, start=start, end=end,
        sort=sort, limit=paging.limit, offset=paging.offset,
    )  # fmt: skip
    items = [ShiftOut.model_validate(shift) for shift in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.post("/shifts", response_model=ShiftOut, status_code=201)
async def add_shift(body: ShiftIn, session: Session, roster: Roster, caller: Planner) -> object:
    """Plans one shift. Nobody can be on two at once."""
    return await roster.add_shift(session, caller.scope(*_PLANNERS), **dict(body))


@router.delete("/shifts/{shift_id}", status_code=204, response_model=None)
async def remove_shift(shift_id: UUID, session: Session, roster: Roster, caller: Planner) -> None:
    await roster.remove_shift(session, caller.scope(*_PLANNERS), shift_id)


@router.get("/rotas", response_model=list[RotaOut])
async def list_rotas(
    session: Session, roster: Roster, caller: Reader, site_id: Annotated[UUID | None, Query()] = None
) -> list[RotaOut]:
    """Shifts that come again."""
    return [RotaOut.of(rota) for rota in await roster.rotas(session, caller.scope(*STAFF), site_id)]


@router.post("/rotas", response_model=RotaOut, status_code=201)
async def add_rota(body: RotaIn, session: Session, roster: Roster, caller: Planner) -> RotaOut:
    """Plans a shift that comes again; the coming fortnight is filled at once, and kept filled."""
    new = NewRota(
        site_id=body.site_id, person_id=body.person_id, duty=body.duty, first_day=body.first_day,
        every_days=body.every_days, starts_minute=body.starts_minute, hours=body.hours,
    )  # fmt: skip
    return RotaOut.of(await roster.add_rota(session, caller.scope(*_PLANNERS), new))


@router.delete("/rotas/{rota_id}", status_code=204, response_model=None)
async def remove_rota(rota_id: UUID, session: Session, roster: Roster, caller: Planner) -> None:
    """Ends a rota; the shifts it made stay."""
    await roster.remove_rota(session, caller.scope(*_PLANNERS), rota_id)
