"""The audit over HTTP."""

from typing import Annotated, Protocol
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime
from sqlalchemy.ext.asyncio import AsyncSession

from audit import repository
from audit.repository import AuditFilter
from audit.schemas import AuditRecordOut
from kit.access import Principal, Role
from kit.http import Page, Paging, Session, allow, service

router = APIRouter(prefix="/api/v1", tags=["audit"])

READING = (Role.MANAGER,)


class Names(Protocol):
    """Who the actors are; the people room knows."""

    async def names(self, session: AsyncSession, person_ids: set[UUID], /) -> dict[UUID, str]: ...


class Withheld(Protocol):
    """What is kept from somebody wherever it stands; the room that keeps it from them knows."""

    async def from_person(self, session: AsyncSession, person_id: UUID, /) -> set[UUID]: ...


Reader = Annotated[Principal, Depends(allow(*READING))]
Word = Annotated[str, Query(max_length=100, pattern=r"^[\w.:+-]+$")]


@router.get("/audit", response_model=Page[AuditRecordOut])
async def list_audit_records(
    session: Session,
    names: Annotated[Names, Depends(service(Names))],
    withheld: Annotated[Withheld, Depends(service(Withheld))],
    caller: Reader,
    paging: Paging,
    object_id: Annotated[Word | None, Query(description="an id: of an order, a person, a site, …")] = None,
    object_kind: Annotated[Word | None, Query(description="work_order, person, site, …")] = None,
    action: Annotated[Word | None, Query(description="as people.set_roles")] = None,
    actor_id: Annotated[UUID | None, Query(description="who did it")] = None,
    site_id: Annotated[UUID | None, Query(description="a site's id")] = None,
    since: Annotated[AwareDatetime | None, Query(description="at or after, with a time zone")] = None,
    until: Annotated[AwareDatetime | None, Query(description="before, with a time zone")] = None,
) -> Page[AuditRecordOut]:
    """Who did what at the caller's sites, newest first, before and after. What belongs to no site is for
    administrators of all; a complaint is not there for whom it is about."""
    wanted = AuditFilter(
        about=object_id, kind=object_kind, action=action, actor_id=actor_id, site_id=site_id, since=since, until=until
    )
    scope = caller.scope(*READING)
    without = await withheld.from_person(session, caller.person_id)
    found, total = await repository.find(
        session, scope, wanted, without=without, limit=paging.limit, offset=paging.offset
    )
    known = await names.names(session, {record.actor_id for record, _, _ in found if record.actor_id})
    items = [
        AuditRecordOut.of(
            record, detail, position, actor_name=known.get(record.actor_id) if record.actor_id else None, scope=scope
        )
        for record, detail, position in found
    ]
    more = total >= repository.MOST_COUNTED
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset, more=more)
