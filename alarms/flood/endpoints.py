"""Floods over HTTP: groups of alarms, alarms that are a nuisance, and the load on whoever answers them."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from alarms.endpoints import ANSWERING
from alarms.flood import errors
from alarms.flood.group import GroupKind
from alarms.flood.repository import GroupFilter
from alarms.flood.schemas import AlarmGroupOut, AlarmLoadOut, ChattererOut
from alarms.flood.service import FloodService
from alarms.schemas import AcknowledgeIn, AlarmOut
from kit.access import STAFF, Principal
from kit.errors import DomainError
from kit.http import Page, Paging, Session, allow, service

STATUS: dict[type[DomainError], int] = {errors.AlarmGroupNotFound: 404, errors.LoadSpanNotPossible: 422}

router = APIRouter(prefix="/api/v1", tags=["alarms"])

Floods = Annotated[FloodService, Depends(service(FloodService))]
Reader = Annotated[Principal, Depends(allow(*STAFF))]
Answering = Annotated[Principal, Depends(allow(*ANSWERING))]
OfSite = Annotated[UUID | None, Query(description="a site's id")]
Since = Annotated[AwareDatetime | None, Query(description="at or after, with a time zone; a week before `until`")]
Until = Annotated[AwareDatetime | None, Query(description="before, with a time zone; now")]


@router.get("/alarm-groups", response_model=Page[AlarmGroupOut])
async def list_alarm_groups(
    session: Session, floods: Floods, caller: Reader, paging: Paging, site: OfSite = None,
    kind: GroupKind | None = None,
    root: Annotated[UUID | None, Query(description="the alarm that explains the others")] = None,
    lasting: Annotated[bool | None, Query(description="true: some of its alarms are not NORMAL")] = None,
    since: Annotated[AwareDatetime | None, Query(description="that grew at or after, with a time zone")] = None,
) -> Page[AlarmGroupOut]:  # fmt: skip
    """Alarms that were told together, the latest first. `GET /alarms?group=…` lists those of one."""
    wanted = GroupFilter(site, kind, root, lasting, since)
    rows, total = await floods.groups(session, caller.scope(*STAFF), wanted, limit=paging.limit, offset=paging.offset)
    counts = await floods.open_counts(session, rows)
    return Page(
        items=[AlarmGroupOut.of(row, counts) for row in rows], total=total.rows, more=total.is_more,
        limit=paging.limit, offset=paging.offset,
    )  # fmt: skip


@router.get("/alarm-groups/{group_id}", response_model=AlarmGroupOut)
async def get_alarm_group(group_id: UUID, session: Session, floods: Floods, caller: Reader) -> AlarmGroupOut:
    group = await floods.group(session, caller.scope(*STAFF), group_id)
    return AlarmGroupOut.of(group, await floods.open_counts(session, [group]))


@router.post("/alarm-groups/{group_id}/acknowledge", response_model=AlarmGroupOut)
async def acknowledge_alarm_group(
    group_id: UUID, body: AcknowledgeIn, session: Session, floods: Floods, caller: Answering
) -> AlarmGroupOut:
    """“We have seen them all.” Acknowledges every alarm of the group that nobody has, and with a family the alarm that
    explains it; each says so in its history. What joins the group afterwards asks for itself."""
    scope = caller.scope(*ANSWERING)
    group = await floods.acknowledge(session, scope, group_id, actor=caller.person_id, note=body.note)
    return AlarmGroupOut.of(group, await floods.open_counts(session, [group]))


@router.get("/alarm-views/flapping", response_model=Page[AlarmOut])
async def list_flapping_alarms(session: Session, floods: Floods, caller: Reader, paging: Paging) -> Page[AlarmOut]:
    """Open alarms that come and go: told as such once, and quiet since. Those that flap longest first."""
    rows, total = await floods.flapping(session, caller.scope(*STAFF), limit=paging.limit, offset=paging.offset)
    return Page(
        items=[AlarmOut.model_validate(row) for row in rows], total=total.rows, more=total.is_more,
        limit=paging.limit, offset=paging.offset,
    )  # fmt: skip


@router.get("/alarm-views/stale", response_model=Page[AlarmOut])
async def list_stale_alarms(
    session: Session, floods: Floods, caller: Reader, paging: Paging,
    hours: Annotated[int, Query(ge=1, le=8760, description="have lasted for longer than so many hours")] = 24,
) -> Page[AlarmOut]:  # fmt: skip
    """Alarms that last and that nobody shelved or took out of service, the oldest first. Life safety too."""
    rows, total = await floods.stale(
        session, caller.scope(*STAFF), older_than=timedelta(hours=hours), limit=paging.limit, offset=paging.offset
    )
    return Page(
        items=[AlarmOut.model_validate(row) for row in rows], total=total.rows, more=total.is_more,
        limit=paging.limit, offset=paging.offset,
    )  # fmt: skip


@router.get("/alarm-views/chattering", response_model=list[ChattererOut])
async def list_chattering_conditions(
    session: Session, floods: Floods, caller: Reader, site: OfSite = None, since: Since = None, until: Until = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[ChattererOut]:  # fmt: skip
    """Conditions that began three times within a minute or oftener, the worst first."""
    found = await floods.chattering(session, caller.scope(*STAFF), site_id=site, since=since, until=until, limit=limit)
    return [ChattererOut.model_validate(each) for each in found]


@router.get("/alarm-load", response_model=AlarmLoadOut)
async def get_alarm_load(
    session: Session, floods: Floods, caller: Reader, site: OfSite = None, since: Since = None, until: Until = None,
    operators: Annotated[int, Query(ge=1, le=1000, description="people who share the alarms at a time")] = 1,
) -> AlarmLoadOut:  # fmt: skip
    """How much is asked of whoever answers alarms (EEMUA 191), and the ten rules that ask most with a proposal each.

    Nothing is changed by it: a person tries a proposal on history and puts it into the rule.
    """
    return AlarmLoadOut.of(
        await floods.load(session, caller.scope(*STAFF), site_id=site, since=since, until=until, operators=operators)
    )
