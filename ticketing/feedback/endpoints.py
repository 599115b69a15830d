"""What owners say of their reports, logged in or by the signed link of a message; what the desk sees of it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from kit.access import STAFF, Authenticator
from kit.errors import DomainError
from kit.http import Caller, Session, service
from ticketing.actor import Actor
from ticketing.callers import AT_THE_DESK, DeskClerk, Reader
from ticketing.feedback import errors, repository
from ticketing.feedback.board import FeedbackBoard
from ticketing.feedback.protection import Protection, check_not_about
from ticketing.feedback.schemas import (
    CancelIn,
    ConfirmIn,
    FeedbackOut,
    OrderFeedbackOut,
    RateIn,
    RejectIn,
    SubjectsIn,
)
from ticketing.feedback.service import FeedbackService
from ticketing.report_links import ReportLinks

router = APIRouter(prefix="/api/v1", tags=["owners' verdict"])

STATUS: dict[type[DomainError], int] = {
    errors.NothingToConfirm: 409,
    errors.NothingToRate: 409,
    errors.NothingToUrge: 409,
    errors.CancelTooLate: 409,
    errors.AlreadyRated: 409,
    errors.ReportWithdrawn: 409,
    errors.UrgedTooOften: 429,
    errors.AboutThem: 409,
    errors.NoComplaint: 409,
}


Feedback = Annotated[FeedbackService, Depends(service(FeedbackService))]
Board = Annotated[FeedbackBoard, Depends(service(FeedbackBoard))]
Protecting = Annotated[Protection, Depends(service(Protection))]
Links = Annotated[ReportLinks, Depends(service(ReportLinks))]


async def not_about_caller(request: Request, session: Session) -> None:
    """For every route of one order, whichever part of the hub has it: a complaint does not exist for whom it is about.

    The hub's application puts it before them all. Who is not logged in is the route's own business.
    """
    about, token = request.path_params.get("work_order_id"), _bearer_of(request)
    if about is None or token is None:
        return
    try:
        work_order_id = UUID(str(about))
    except ValueError:
        return  # the route says what is wrong with it
    if not await repository.subjects(session, work_order_id):
        return  # as nearly always
    authenticator: Authenticator = request.app.state.services[Authenticator]
    caller = await authenticator.authenticate(session, token)
    await check_not_about(session, caller.person_id, work_order_id)


def _bearer_of(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


# --- owners, logged in ---------------------------------------------------------------------------------------------


@router.get("/my/reports/{report_id}/feedback", response_model=FeedbackOut)
async def get_my_feedback(report_id: UUID, session: Session, feedback: Feedback, caller: Caller) -> FeedbackOut:
    """What became of a report of the caller's, and what they may say of it now."""
    return FeedbackOut.of(await feedback.of_report(session, report_id, reporter_id=caller.person_id))


@router.post("/my/reports/{report_id}/confirm", response_model=FeedbackOut)
async def confirm_my_report(
    report_id: UUID, body: ConfirmIn, session: Session, feedback: Feedback, caller: Caller
) -> FeedbackOut:
    """The work, or the answer, is good. The order is closed once everybody who reported it says so."""
    return FeedbackOut.of(
        await feedback.confirm(
            session, report_id, reporter_id=caller.person_id, satisfaction=body.satisfaction, words=body.words
        )
    )


@router.post("/my/reports/{report_id}/reject", response_model=FeedbackOut)
async def reject_my_report(
    report_id: UUID, body: RejectIn, session: Session, feedback: Feedback, caller: Caller
) -> FeedbackOut:
    """It is not good: it is done over, and the second time it is the manager's."""
    return FeedbackOut.of(
        await feedback.reject(session, report_id, reporter_id=caller.person_id, reason=body.reason)
    )  # fmt: skip


@router.post("/my/reports/{report_id}/rating", response_model=FeedbackOut, status_code=201)
async def rate_my_report(
    report_id: UUID, body: RateIn, session: Session, feedback: Feedback, caller: Caller
) -> FeedbackOut:
    """One to five stars each for speed, attitude and quality. After few of them customer service calls."""
    return FeedbackOut.of(
        await feedback.rate(session, report_id, reporter_id=caller.person_id, stars=body.stars(), words=body.words)
    )


@router.post("/my/reports/{report_id}/urge", response_model=FeedbackOut)
async def urge_my_report(report_id: UUID, session: Session, feedback: Feedback, caller: Caller) -> FeedbackOut:
    """Asks to hurry (催单). 429 says from when it is possible again."""
    return FeedbackOut.of(await feedback.urge(session, report_id, reporter_id=caller.person_id))


@router.post("/my/reports/{report_id}/cancel", response_model=FeedbackOut)
async def cancel_my_report(
    report_id: UUID, body: CancelIn, session: Session, feedback: Feedback, caller: Caller
) -> FeedbackOut:
    """Takes a report back before somebody was sent; after that 409 says to ask customer service."""
    return FeedbackOut.of(
        await feedback.cancel(session, report_id, reporter_id=caller.person_id, reason=body.reason)
    )  # fmt: skip


# --- owners, by the link of a message ------------------------------------------------------------------------------


async def linked_report(token: str, links: Links, response: Response) -> UUID:
    """The report that a link in a message is about. No log-in: the link is signed and names this one report."""
    response.headers["Cache-Control"] = "no-store"
    return links.report_of(token)


Linked = Annotated[UUID, Depends(linked_report)]


@router.get("/reports/by-link/{token}/feedback", response_model=FeedbackOut)
async def get_feedback_by_link(report_id: Linked, session: Session, feedback: Feedback) -> FeedbackOut:
    """As for whoever is logged in."""
    return FeedbackOut.of(await feedback.of_report(session, report_id))


@router.post("/reports/by-link/{token}/confirm", response_model=FeedbackOut)
async def confirm_by_link(report_id: Linked, body: ConfirmIn, session: Session, feedback: Feedback) -> FeedbackOut:
    """As for whoever is logged in."""
    return FeedbackOut.of(
        await feedback.confirm(session, report_id, satisfaction=body.satisfaction, words=body.words)
    )  # fmt: skip


@router.post("/reports/by-link/{token}/reject", response_model=FeedbackOut)
async def reject_by_link(report_id: Linked, body: RejectIn, session: Session, feedback: Feedback) -> FeedbackOut:
    """As for whoever is logged in."""
    return FeedbackOut.of(await feedback.reject(session, report_id, reason=body.reason))


@router.post("/reports/by-link/{token}/rating", response_model=FeedbackOut, status_code=201)
async def rate_by_link(report_id: Linked, body: RateIn, session: Session, feedback: Feedback) -> FeedbackOut:
    """As for whoever is logged in."""
    return FeedbackOut.of(await feedback.rate(session, report_id, stars=body.stars(), words=body.words))


@router.post("/reports/by-link/{token}/urge", response_model=FeedbackOut)
async def urge_by_link(report_id: Linked, session: Session, feedback: Feedback) -> FeedbackOut:
    """As for whoever is logged in."""
    return FeedbackOut.of(await feedback.urge(session, report_id))


@router.post("/reports/by-link/{token}/cancel", response_model=FeedbackOut)
async def cancel_by_link(report_id: Linked, body: CancelIn, session: Session, feedback: Feedback) -> FeedbackOut:
    """As for whoever is logged in."""
    return FeedbackOut.of(await feedback.cancel(session, report_id, reason=body.reason))


# --- the desk ------------------------------------------------------------------------------------------------------


@router.get("/work-orders/{work_order_id}/feedback", response_model=OrderFeedbackOut)
async def get_order_feedback(work_order_id: UUID, session: Session, board: Board, caller: Reader) -> OrderFeedbackOut:
    """Verdicts, ratings and words of an order's reporters."""
    found = await board.of_order(session, caller.scope(*STAFF), work_order_id, actor=Actor.of(caller))
    return OrderFeedbackOut.of_rows(list(found.verdicts), list(found.ratings), sorted(found.about))


@router.post("/work-orders/{work_order_id}/complaint-subjects", response_model=OrderFeedbackOut)
async def name_complaint_subjects(
    work_order_id: UUID, body: SubjectsIn, session: Session, protection: Protecting, board: Board, caller: DeskClerk
) -> OrderFeedbackOut:
    """Says whom a complaint is about: from now on they neither get nor see it."""
    scope, actor = caller.scope(*AT_THE_DESK), Actor.of(caller)
    await protection.name(session, scope, work_order_id, actor=actor, person_ids=body.person_ids)
    found = await board.of_order(session, scope, work_order_id, actor=actor)
    return OrderFeedbackOut.of_rows(list(found.verdicts), list(found.ratings), sorted(found.about))
