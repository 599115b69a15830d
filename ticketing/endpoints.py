"""Work orders over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime

from catalog.errors import SiteNotFound
from catalog.foreign_text import Line
from kit.access import STAFF, Principal
from kit.errors import DomainError
from kit.http import Caller, Page, PageParams, Paging, Session, service
from ticketing import attachment_endpoints, errors
from ticketing.actor import Actor
from ticketing.callers import AT_THE_DESK, HANDLING, DeskClerk, Handler, Reader
from ticketing.desk import Desk, OrderLines
from ticketing.editing import OrderEdit
from ticketing.feedback import repository as feedback_repository
from ticketing.flow import Action
from ticketing.kinds import OrderState
from ticketing.narrowing_repository import OrderFilter
from ticketing.proof.verdict import Proof
from ticketing.report_links import ReportLinks
from ticketing.request_schemas import (
    ActionIn,
    AssignIn,
    CommentIn,
    EditIn,
    KindCode,
    OutageIn,
    Priority,
    TaskActionIn,
    WorkOrderIn,
)
from ticketing.schemas import (
    CountsOut,
    CreatedOut,
    OwnerReportOut,
    PhoneOut,
    SuggestionOut,
    WorkOrderLineOut,
    WorkOrderOut,
)
from ticketing.service import TicketingService
from ticketing.tasking import TaskWords
from ticketing.words import Words

router = APIRouter(prefix="/api/v1", tags=["work orders"])

STATUS: dict[type[DomainError], int] = {
    errors.WorkOrderNotFound: 404,
    errors.ReportNotFound: 404,
    errors.ReportLinkRefused: 404,
    errors.TaskNotFound: 404,
    errors.PhotoNotFound: 404,
    errors.VideoNotFound: 404,
    errors.NotYourOrder: 403,
    errors.IllegalTransition: 409,
    errors.IllegalTaskMove: 409,
    errors.AlreadyTaken: 409,
    errors.StaleWorkOrder: 409,
    errors.TasksUnfinished: 409,
    errors.IncidentTakenOver: 409,
    errors.OutageNotPossible: 409,
    errors.OutageAlreadyConfirmed: 409,
    errors.ReopenTooLate: 409,
    errors.FieldMissing: 422,
    errors.FieldUnknown: 422,
    errors.FieldNotYours: 403,
    errors.FieldInvalid: 422,
    errors.NotEmployed: 422,
    errors.PageTooDeep: 422,
    errors.PlaceNotFound: 422,
    errors.PhotoRefused: 422,
    errors.VideoRefused: 422,
}

Ticketing = Annotated[TicketingService, Depends(service(TicketingService))]
Orders = Annotated[Desk, Depends(service(Desk))]
Links = Annotated[ReportLinks, Depends(service(ReportLinks))]


async def order_filter(
    session: Session,
    caller: Caller,
    state: Annotated[list[OrderState] | None, Query(description="one or more states")] = None,
    kind: Annotated[list[KindCode] | None, Query(description="codes of one or more kinds")] = None,
    priority: Annotated[list[Priority] | None, Query(description="one or more of 1…4")] = None,
    site: Annotated[UUID | None, Query(description="a site's id")] = None,
    building: Annotated[UUID | None, Query(description="a building's id")] = None,
    equipment: Annotated[UUID | None, Query(description="an equipment's id")] = None,
    assignee: Annotated[UUID | None, Query(description="a person's id")] = None,
    open: Annotated[bool | None, Query(description="true: work is left; false: settled")] = None,
    overdue: Annotated[bool | None, Query(description="past the time of its answer or end")] = None,
    repeat: Annotated[bool | None, Query(description="the same again within some days")] = None,
    proof: Annotated[
        Proof | None, Query(description="what telemetry says of the work; unproved wants a person")
    ] = None,
    root: Annotated[UUID | None, Query(description="id of the order whose trouble explains them")] = None,
    since: Annotated[AwareDatetime | None, Query(description="opened at or after, with a time zone")] = None,
    until: Annotated[AwareDatetime | None, Query(description="opened before, with a time zone")] = None,
    q: Annotated[Line | None, Query(description="part of number, place, title or equipment code")] = None,
) -> OrderFilter:
    return OrderFilter(
        states=state or (), kinds=kind or (), priorities=priority or (),
        site_id=site, building_id=building, equipment_id=equipment, assignee_id=assignee, is_open=open,
        is_overdue=overdue, is_repeat=repeat, proof=proof, root_id=root, opened_since=since,
        opened_until=until, words=q,
        # Complaints about the caller do not exist for them.
        without=await feedback_repository.hidden_from(session, caller.person_id),
    )  # fmt: skip


Filter = Annotated[OrderFilter, Depends(order_filter)]


# --- lists ---------------------------------------------------------------------------------------------------------


@router.get("/work-orders", response_model=Page[WorkOrderLineOut])
async def list_work_orders(
    session: Session, orders: Orders, caller: Reader, wanted: Filter, paging: Paging, sort: str = "-opened_at"
) -> Page[WorkOrderLineOut]:
    """Orders of the caller's sites. `sort`: number, opened_at, priority, state, response_due_at, resolution_due_at."""
    found = await orders.find(
        session, caller.scope(*STAFF), wanted, sort=sort, limit=paging.limit, offset=paging.offset
    )
    return _listed(found, paging)


@router.get("/work-orders/counts", response_model=CountsOut)
async def count_work_orders(session: Session, orders: Orders, caller: Reader, wanted: Filter) -> CountsOut:
    """Orders by state, and how many are overdue or of priority 1; narrowed like the list."""
    return CountsOut.of(await orders.counts(session, caller.scope(*STAFF), wanted))


@router.get("/my/work-orders", response_model=Page[WorkOrderLineOut])
async def list_my_work_orders(
    session: Session, orders: Orders, caller: Handler, paging: Paging, sort: str = "priority"
) -> Page[WorkOrderLineOut]:
    """Open orders that are the caller's, or that have a task for them."""
    wanted = OrderFilter(mine=caller.person_id, is_open=True)
    found = await orders.find(
        session, caller.scope(*HANDLING), wanted, sort=sort, limit=paging.limit, offset=paging.offset
    )
    return _listed(found, paging)


# --- one order -----------------------------------------------------------------------------------------------------


@router.post("/work-orders", response_model=CreatedOut, status_code=201)
async def create_work_order(body: WorkOrderIn, session: Session, ticketing: Ticketing, caller: Handler) -> CreatedOut:
    """Enters what somebody said or saw. What is known already is joined, never opened twice."""
    if not caller.scope(*HANDLING).allows(body.site_id):
        raise SiteNotFound(body.site_id)
    done = await ticketing.report(
        session, body.to_report(taken_by=caller.person_id, roles=Actor.of(caller).roles(body.site_id))
    )
    report = done.report
    return CreatedOut(
        work_order_id=report.work_order_id, report_id=report.report_id, number=report.number, joined=done.joined,
        promised_at=report.promised_at,
    )  # fmt: skip


@router.get("/work-orders/{work_order_id}", response_model=WorkOrderOut)
async def get_work_order(work_order_id: UUID, session: Session, orders: Orders, caller: Reader) -> WorkOrderOut:
    """An order with timeline, tasks, reports, dispatch and what the caller may do now."""
    return await _page(session, orders, caller, work_order_id)


@router.patch("/work-orders/{work_order_id}", response_model=WorkOrderOut)
async def edit_work_order(
    work_order_id: UUID, body: EditIn, session: Session, ticketing: Ticketing, orders: Orders, caller: DeskClerk
) -> WorkOrderOut:
    """Corrects priority, promise or what the form says, with a reason."""
    edit = OrderEdit(priority=body.priority, promised_at=body.promised_at, form=body.form)
    await ticketing.edit(
        session, caller.scope(*AT_THE_DESK), work_order_id, actor=Actor.of(caller), edit=edit, why=body.reason,
        version=body.version,
    )  # fmt: skip
    return await _page(session, orders, caller, work_order_id)


@router.post("/work-orders/{work_order_id}/actions", response_model=WorkOrderOut)
async def act_on_work_order(
    work_order_id: UUID, body: ActionIn, session: Session, ticketing: Ticketing, orders: Orders, caller: Handler
) -> WorkOrderOut:
    """Moves an order. 409 names what is possible instead, 422 the field that is missing."""
    words = Words(**body.model_dump(exclude={"action", "version"}))
    await ticketing.act(
        session, caller.scope(*HANDLING), work_order_id, actor=Actor.of(caller), action=body.action, words=words,
        version=body.version,
    )  # fmt: skip
    return await _page(session, orders, caller, work_order_id)


@router.post("/work-orders/{work_order_id}/assign", response_model=WorkOrderOut)
async def assign_work_order(
    work_order_id: UUID, body: AssignIn, session: Session, ticketing: Ticketing, orders: Orders, caller: DeskClerk
) -> WorkOrderOut:
    """Offers an order to somebody chosen by hand."""
    words = Words(assignee_id=body.assignee_id, reason=body.reason)
    await ticketing.act(
        session, caller.scope(*AT_THE_DESK), work_order_id, actor=Actor.of(caller), action=Action.DISPATCH,
        words=words, version=body.version,
    )  # fmt: skip
    return await _page(session, orders, caller, work_order_id)


@router.get("/work-orders/{work_order_id}/suggestions", response_model=list[SuggestionOut])
async def suggest_assignees(
    work_order_id: UUID, session: Session, orders: Orders, caller: DeskClerk
) -> list[SuggestionOut]:
    """Everybody on shift: who fits best and why, and what keeps the others out."""
    return SuggestionOut.of_ranking(await orders.suggestions(session, caller.scope(*AT_THE_DESK), work_order_id))


@router.post("/work-orders/{work_order_id}/comments", response_model=WorkOrderOut, status_code=201)
async def comment_on_work_order(
    work_order_id: UUID, body: CommentIn, session: Session, ticketing: Ticketing, orders: Orders, caller: Handler
) -> WorkOrderOut:
    """Adds a remark to the timeline. Owners do not see it."""
    scope = caller.scope(*HANDLING)
    await ticketing.comment(session, scope, work_order_id, actor=Actor.of(caller), text=body.text)
    return await _page(session, orders, caller, work_order_id)


@router.post("/work-orders/{work_order_id}/tasks/{task_id}/actions", response_model=WorkOrderOut)
async def act_on_work_order_task(
    work_order_id: UUID, task_id: UUID, body: TaskActionIn, session: Session, ticketing: Ticketing, orders: Orders,
    caller: Handler,
) -> WorkOrderOut:  # fmt: skip
    """Moves a parallel task: accept, arrive, finish (a fire confirmation with its outcome), cancel with a note."""
    words = TaskWords(outcome=body.outcome, note=body.note)
    await ticketing.act_on_task(
        session, caller.scope(*HANDLING), work_order_id, task_id, actor=Actor.of(caller), action=body.action,
        words=words,
    )  # fmt: skip
    return await _page(session, orders, caller, work_order_id)


@router.post("/work-orders/{work_order_id}/confirm-outage", response_model=WorkOrderOut)
async def confirm_elevator_outage(
    work_order_id: UUID, body: OutageIn, session: Session, ticketing: Ticketing, orders: Orders, caller: Handler
) -> WorkOrderOut:
    """Confirms that the elevator stands still (停梯): now the residents it serves are told."""
    scope = caller.scope(*HANDLING)
    await ticketing.confirm_outage(session, scope, work_order_id, actor=Actor.of(caller), note=body.note)
    return await _page(session, orders, caller, work_order_id)


@router.post("/work-orders/{work_order_id}/reports/{report_id}/phone", response_model=PhoneOut)
async def reveal_reporter_phone(
    work_order_id: UUID, report_id: UUID, session: Session, ticketing: Ticketing, caller: Handler
) -> PhoneOut:
    """The reporter's whole number, for the desk and whoever works on it. That it was shown is on the timeline."""
    scope = caller.scope(*HANDLING)
    return PhoneOut(
        phone=await ticketing.reveal_phone(session, scope, work_order_id, report_id, actor=Actor.of(caller))
    )


# --- owners --------------------------------------------------------------------------------------------------------


@router.get("/my/reports", response_model=list[OwnerReportOut])
async def list_my_reports(session: Session, ticketing: Ticketing, caller: Caller) -> list[OwnerReportOut]:
    """The caller's own reports, newest first, each with its plain state and promised time."""
    return [OwnerReportOut.of(one) for one in await ticketing.owner_reports(session, caller.person_id)]


@router.get("/my/reports/{report_id}", response_model=OwnerReportOut)
async def get_my_report(report_id: UUID, session: Session, ticketing: Ticketing, caller: Caller) -> OwnerReportOut:
    """One of the caller's own reports."""
    return OwnerReportOut.of(await ticketing.owner_report(session, report_id, reporter_id=caller.person_id))


@router.get("/reports/by-link/{token}", response_model=OwnerReportOut)
async def get_report_by_link(
    token: str, session: Session, ticketing: Ticketing, links: Links, response: Response
) -> OwnerReportOut:
    """The report that a link in a message is about, as its reporter may see it. No log-in: the link is signed."""
    response.headers["Cache-Control"] = "no-store"
    return OwnerReportOut.of(await ticketing.owner_report(session, links.report_of(token)))


async def _page(session: Session, orders: Desk, caller: Principal, work_order_id: UUID) -> WorkOrderOut:
    page = await orders.page(session, caller.scope(*STAFF), work_order_id, actor=Actor.of(caller))
    return WorkOrderOut.of_page(page)


def _listed(found: OrderLines, paging: PageParams) -> Page[WorkOrderLineOut]:
    return Page(
        items=[WorkOrderLineOut.of(line) for line in found.lines], total=found.total.rows, more=found.total.is_more,
        limit=paging.limit, offset=paging.offset,
    )  # fmt: skip


router.include_router(attachment_endpoints.router)
