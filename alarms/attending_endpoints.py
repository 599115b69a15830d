"""Words on alarms, whose they are, and out of service, over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from alarms import errors
from alarms.attending import AlarmAttending, TakingOut
from alarms.endpoints import ANSWERING
from alarms.models import InhibitionKind
from alarms.schemas import AlarmAssignIn, AlarmCommentIn, AlarmInhibitionOut, AlarmOut, InServiceIn, OutOfServiceIn
from kit.access import STAFF, Principal, Role
from kit.errors import DomainError
from kit.http import Page, Paging, Session, allow, service

STATUS: dict[type[DomainError], int] = {
    errors.AlarmOver: 409,
    errors.AlarmInService: 409,
    errors.AssigneeNotStaff: 422,
    errors.OutOfServiceEndsEarlier: 422,
}

router = APIRouter(prefix="/api/v1", tags=["alarms"])

Attending = Annotated[AlarmAttending, Depends(service(AlarmAttending))]
Reader = Annotated[Principal, Depends(allow(*STAFF))]
Answerer = Annotated[Principal, Depends(allow(*ANSWERING))]
# It has no end of its own: a manager answers for it.
Manager = Annotated[Principal, Depends(allow(Role.MANAGER))]


@router.post("/alarms/{alarm_id}/comment", response_model=AlarmOut)
async def comment_on_alarm(
    alarm_id: UUID, body: AlarmCommentIn, session: Session, attending: Attending, caller: Reader
) -> object:
    """Words that stay in the alarm's history, also when it is over."""
    return await attending.comment(session, caller.scope(*STAFF), alarm_id, actor=caller.person_id, note=body.note)


@router.post("/alarms/{alarm_id}/assign", response_model=AlarmOut)
async def assign_alarm(
    alarm_id: UUID, body: AlarmAssignIn, session: Session, attending: Attending, caller: Answerer
) -> object:
    """Says who looks after it. That acknowledges nothing."""
    scope = caller.scope(*ANSWERING)
    return await attending.assign(
        session, scope, alarm_id, assignee=body.person_id, actor=caller.person_id, note=body.note
    )


@router.post("/alarms/{alarm_id}/out-of-service", response_model=AlarmOut)
async def take_alarm_out_of_service(
    alarm_id: UUID, body: OutOfServiceIn, session: Session, attending: Attending, caller: Manager
) -> object:
    """Recorded and not announced until it is put back: for a sensor that waits for its spare part."""
    taking = TakingOut(body.whole_equipment, body.until, body.note)
    scope = caller.scope(Role.MANAGER)
    return await attending.take_out_of_service(session, scope, alarm_id, taking, actor=caller.person_id)


@router.post("/alarms/{alarm_id}/in-service", response_model=AlarmOut)
async def put_alarm_in_service(
    alarm_id: UUID, body: InServiceIn, session: Session, attending: Attending, caller: Manager
) -> object:
    """Puts the condition, or its whole equipment, back; what still lasts is announced."""
    scope = caller.scope(Role.MANAGER)
    return await attending.put_in_service(session, scope, alarm_id, actor=caller.person_id, note=body.note)


@router.get("/alarm-inhibitions", response_model=Page[AlarmInhibitionOut])
async def list_alarm_inhibitions(
    session: Session, attending: Attending, caller: Reader, paging: Paging,
    kind: Annotated[InhibitionKind | None, Query(description="one kind only")] = None,
    site_id: Annotated[UUID | None, Query(description="a site's id")] = None,
) -> Page[AlarmInhibitionOut]:  # fmt: skip
    """Everything that holds alarms back now, with who and why: nothing is hidden."""
    rows, total = await attending.inhibitions(
        session, caller.scope(*STAFF), kind=kind, site_id=site_id, limit=paging.limit, offset=paging.offset
    )
    items = [AlarmInhibitionOut.model_validate(row) for row in rows]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)
