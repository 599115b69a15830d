"""Alarms over HTTP."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from alarms.errors import (
    AlarmNotFound,
    AlarmNotShelved,
    AnswersEarlierEpisode,
    LifeSafetyNotShelved,
    NothingToShelve,
    UnknownAlarmSort,
    UnknownEquipment,
)
from alarms.lifecycle import AlarmActionNotPossible, AlarmState, AlarmStillPresent
from alarms.repository import AlarmFilter
from alarms.schemas import AcknowledgeIn, AlarmOut, ClearIn, ShelveIn, TransitionOut, UnshelveIn
from alarms.service import AlarmService
from building.severity import Severity
from catalog.foreign_text import Line
from kit.access import STAFF, Role
from kit.errors import DomainError
from kit.http import Caller, Page, Paging, Session, allow, service

STATUS: dict[type[DomainError], int] = {
    AlarmNotFound: 404,
    UnknownEquipment: 404,
    UnknownAlarmSort: 422,
    AlarmActionNotPossible: 409,
    AlarmStillPresent: 409,
    LifeSafetyNotShelved: 409,
    NothingToShelve: 409,
    AlarmNotShelved: 409,
    AnswersEarlierEpisode: 409,
}

router = APIRouter(prefix="/api/v1", tags=["alarms"], dependencies=[Depends(allow(*STAFF))])

Alarms = Annotated[AlarmService, Depends(service(AlarmService))]

# Who answers for an alarm on shift. A tester looks on.
ANSWERING = (Role.ENGINEER, Role.DISPATCHER, Role.MANAGER)


def alarm_filter(
    state: Annotated[list[AlarmState] | None, Query(description="one or more states")] = None,
    severity: Annotated[list[Severity] | None, Query(description="one or more severities")] = None,
    equipment: Annotated[UUID | None, Query(description="an equipment's id")] = None,
    site: Annotated[UUID | None, Query(description="a site's id")] = None,
    building: Annotated[UUID | None, Query(description="a building's id")] = None,
    fault_mode: Line | None = None,
    life_safety: bool | None = None,
    suppressed: Annotated[
        bool | None,
        Query(description="held back: by an open order, a lock-out or maintenance, shelved, out of service"),
    ] = None,
    test: Annotated[bool | None, Query(description="true: only alarms of devices on test; false: none of them")] = None,
    assignee: Annotated[UUID | None, Query(description="the id of whoever looks after it")] = None,
    active: Annotated[bool | None, Query(description="true: not NORMAL; false: history")] = None,
    root: Annotated[UUID | None, Query(description="what this alarm explains")] = None,
    group: Annotated[UUID | None, Query(description="told together, by the group's id")] = None,
    since: Annotated[AwareDatetime | None, Query(description="onset at or after, with a time zone")] = None,
    until: Annotated[AwareDatetime | None, Query(description="onset before, with a time zone")] = None,
) -> AlarmFilter:
    return AlarmFilter(
        states=state or (),
        severities=severity or (),
        equipment_id=equipment,
        site_id=site,
        building_id=building,
        fault_mode=fault_mode,
        life_safety=life_safety,
        suppressed=suppressed,
        test=test,
        assignee_id=assignee,
        active=active,
        root_id=root,
        group_id=group,
        since=since,
        until=until,
    )


@router.get("/alarms", response_model=Page[AlarmOut])
async def list_alarms(
    session: Session,
    caller: Caller,
    alarms: Alarms,
    paging: Paging,
    wanted: Annotated[AlarmFilter, Depends(alarm_filter)],
    sort: Annotated[str, Query(description="onset_at, raised_at, severity, state or equipment; - for descending")] = (
        "-onset_at"
    ),
) -> Page[AlarmOut]:
    """Alarms of the caller's sites; the newest first unless told otherwise."""
    scope = caller.scope(*STAFF)
    rows, total = await alarms.find(session, scope, wanted, sort=sort, limit=paging.limit, offset=paging.offset)
    return Page(
        items=[AlarmOut.model_validate(row) for row in rows], total=total.rows, more=total.is_more,
        limit=paging.limit, offset=paging.offset,
    )  # fmt: skip


@router.get("/alarms/{alarm_id}", response_model=AlarmOut)
async def get_alarm(alarm_id: UUID, session: Session, caller: Caller, alarms: Alarms) -> AlarmOut:
    return AlarmOut.model_validate(await alarms.get(session, caller.scope(*STAFF), alarm_id))


@router.get("/alarms/{alarm_id}/history", response_model=list[TransitionOut])
async def get_alarm_history(alarm_id: UUID, session: Session, caller: Caller, alarms: Alarms) -> list[TransitionOut]:
    """Every transition with who and why, oldest first."""
    rows = await alarms.history(session, caller.scope(*STAFF), alarm_id)
    return [TransitionOut.model_validate(row) for row in rows]


@router.post(
    "/alarms/{alarm_id}/acknowledge", response_model=AlarmOut, dependencies=[Depends(allow(*ANSWERING))]
)  # fmt: skip
async def acknowledge_alarm(
    alarm_id: UUID, body: AcknowledgeIn, session: Session, caller: Caller, alarms: Alarms
) -> AlarmOut:
    """“I have seen it.” An alarm whose condition is gone becomes NORMAL by this. One that was raised again since
    `episode_onset_at` is refused: that has not been seen."""
    scope = caller.scope(*ANSWERING)
    return AlarmOut.model_validate(
        await alarms.acknowledge(
            session, scope, alarm_id, actor=caller.person_id, note=body.note, episode_onset_at=body.episode_onset_at
        )
    )


@router.post("/alarms/{alarm_id}/clear", response_model=AlarmOut, dependencies=[Depends(allow(*ANSWERING))])
async def clear_alarm(alarm_id: UUID, body: ClearIn, session: Session, caller: Caller, alarms: Alarms) -> AlarmOut:
    """Ends an acknowledged alarm by hand, with a reason. Life-safety alarms only after their condition is gone."""
    scope = caller.scope(*ANSWERING)
    return AlarmOut.model_validate(await alarms.clear(session, scope, alarm_id, actor=caller.person_id, note=body.note))


@router.post("/alarms/{alarm_id}/shelve", response_model=AlarmOut, dependencies=[Depends(allow(*ANSWERING))])
async def shelve_alarm(alarm_id: UUID, body: ShelveIn, session: Session, caller: Caller, alarms: Alarms) -> AlarmOut:
    """Puts a nuisance away for a while: recorded, not announced. It comes back by itself. Never life safety."""
    scope, span = caller.scope(*ANSWERING), timedelta(minutes=body.minutes)
    return AlarmOut.model_validate(
        await alarms.shelve(session, scope, alarm_id, span=span, actor=caller.person_id, note=body.note)
    )


@router.post("/alarms/{alarm_id}/unshelve", response_model=AlarmOut, dependencies=[Depends(allow(*ANSWERING))])
async def unshelve_alarm(
    alarm_id: UUID, body: UnshelveIn, session: Session, caller: Caller, alarms: Alarms
) -> AlarmOut:
    """Takes it off the shelf before its time; an alarm that still lasts is announced."""
    scope = caller.scope(*ANSWERING)
    return AlarmOut.model_validate(
        await alarms.unshelve(session, scope, alarm_id, actor=caller.person_id, note=body.note)
    )
