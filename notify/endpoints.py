"""Staff see what was told, what waits and what failed."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from catalog.foreign_text import Line
from kit.access import Role
from kit.errors import DomainError
from kit.http import Caller, Page, Paging, RequestLanguage, Session, allow, service
from notify.board import NotificationBoard
from notify.policy import NotifyChannel, State, Urgency
from notify.repository import Filter
from notify.schemas import NotificationOut

router = APIRouter(prefix="/api/v1", tags=["notifications"])

STATUS: dict[type[DomainError], int] = {}

READERS = (Role.DISPATCHER, Role.MANAGER, Role.TESTER)

Board = Annotated[NotificationBoard, Depends(service(NotificationBoard))]
Sort = Annotated[str, Query(pattern="^-?(created_at|due_at|state)$", description="field, `-` before it: descending")]


@router.get("/notifications", response_model=Page[NotificationOut], dependencies=[Depends(allow(*READERS))])
async def list_notifications(
    session: Session,
    caller: Caller,
    board: Board,
    paging: Paging,
    language: RequestLanguage,
    site_id: UUID | None = None,
    person_id: UUID | None = None,
    key: Line | None = None,
    channel: NotifyChannel | None = None,
    state: State | None = None,
    urgency: Urgency | None = None,
    template: Line | None = None,
    sort: Sort = "-created_at",
) -> Page[NotificationOut]:
    """What people were told, newest first; `state=failed` shows whom nothing reached."""
    wanted = Filter(
        site_id=site_id, person_id=person_id, key=key, channel=channel, state=state, urgency=urgency, template=template
    )
    return await board.page(session, caller.scope(*READERS), filter=wanted, sort=sort, paging=paging, language=language)
