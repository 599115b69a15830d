"""What owners do over HTTP, and the invitations that staff give them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status
from fastapi.responses import JSONResponse

from kit.access import Role
from kit.errors import DomainError
from kit.http import Caller, RequestLanguage, Session, allow, service
from knowledge.schemas import ArticleLineOut
from owner_services.binding import Binding
from owner_services.errors import (
    CallbackNotSetUp,
    HomeNotFound,
    MessageTooLarge,
    MessageUnreadable,
    MoreNeeded,
    WrongSignature,
)
from owner_services.schemas import InvitationIn, InvitationOut, MyReportIn, MyReportOut, OfferedOut
from owner_services.webform import Offered, WebForm

router = APIRouter(prefix="/api/v1", tags=["owners"])

STATUS: dict[type[DomainError], int] = {
    WrongSignature: 403,
    CallbackNotSetUp: 503,
    MessageUnreadable: 400,
    MessageTooLarge: 413,
    HomeNotFound: 404,
    MoreNeeded: 422,
}

INVITERS = (Role.DISPATCHER, Role.MANAGER)

Form = Annotated[WebForm, Depends(service(WebForm))]
Bindings = Annotated[Binding, Depends(service(Binding))]


@router.post(
    "/my/reports",
    response_model=MyReportOut,
    status_code=status.HTTP_201_CREATED,
    responses={200: {"model": OfferedOut, "description": "articles may answer it; nothing was filed"}},
    dependencies=[Depends(allow(Role.OWNER))],
)
async def report_as_owner(
    body: MyReportIn, session: Session, caller: Caller, form: Form, language: RequestLanguage
) -> MyReportOut | JSONResponse:
    """Report something in one's own words; 422 `more_needed` says what is missing.

    A question that articles of the knowledge base may answer is not filed: 200 names them, and `send_anyway` files it.
    """
    done = await form.report(
        session,
        caller.person_id,
        text=body.text,
        space_id=body.space_id,
        client_key=body.client_key,
        send_anyway=body.send_anyway,
        language=language,
    )
    if isinstance(done, Offered):
        articles = [ArticleLineOut.of_found(one, language) for one in done.found]
        return JSONResponse(OfferedOut(articles=articles, answer=done.answer).model_dump(mode="json"))
    return MyReportOut.of(done.reported, done.answer)


@router.post(
    "/homes/{space_id}/invitations",
    response_model=InvitationOut,
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(allow(*INVITERS))],
)
async def invite_resident(
    space_id: UUID, body: InvitationIn, session: Session, caller: Caller, binding: Bindings
) -> InvitationOut:
    """A code that binds one resident's WeChat to this home."""
    issued = await binding.invite(
        session,
        caller.scope(*INVITERS),
        space_id,
        name=body.name,
        relation=body.relation,
        issued_by=caller.person_id,
    )
    return InvitationOut.of(issued)
