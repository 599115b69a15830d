"""Merging, splitting, linking and following over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from kit.access import STAFF, Principal
from kit.errors import DomainError
from kit.http import Caller, Session, service
from ticketing.actor import Actor
from ticketing.callers import AT_THE_DESK, DeskClerk, Reader
from ticketing.desk import Desk
from ticketing.incidents import errors
from ticketing.incidents.followers import Followers
from ticketing.incidents.linking import Linking
from ticketing.incidents.merging import Merging
from ticketing.incidents.schemas import FollowerOut, MergeIn, ParentIn, ReasonIn, SplitIn
from ticketing.incidents.splitting import Splitting
from ticketing.schemas import WorkOrderOut

router = APIRouter(prefix="/api/v1", tags=["work orders"])

STATUS: dict[type[DomainError], int] = {
    errors.MergeNotPossible: 409,
    errors.NotMerged: 409,
    errors.SplitNotPossible: 409,
    errors.LinkNotPossible: 409,
    errors.ChildrenUndecided: 422,
}

Orders = Annotated[Desk, Depends(service(Desk))]
Merges = Annotated[Merging, Depends(service(Merging))]
Splits = Annotated[Splitting, Depends(service(Splitting))]
Links = Annotated[Linking, Depends(service(Linking))]
Following = Annotated[Followers, Depends(service(Followers))]


@router.post("/work-orders/{work_order_id}/merge", response_model=WorkOrderOut)
async def merge_work_order(
    work_order_id: UUID, body: MergeIn, session: Session, merges: Merges, orders: Orders, caller: DeskClerk
) -> WorkOrderOut:
    """Puts this order into another: reports, followers and alarms move, this one is closed as its duplicate. Answers
    with the order that stays."""
    target = await merges.merge(
        session, caller.scope(*AT_THE_DESK), work_order_id, into_id=body.into, actor=Actor.of(caller),
        reason=body.reason, version=body.version,
    )  # fmt: skip
    return await _page(session, orders, caller, target.id)


@router.post("/work-orders/{work_order_id}/unmerge", response_model=WorkOrderOut)
async def unmerge_work_order(
    work_order_id: UUID, body: ReasonIn, session: Session, merges: Merges, orders: Orders, caller: DeskClerk
) -> WorkOrderOut:
    """Takes an order out of the one it was merged into: what came with it goes back, and it is reopened."""
    await merges.unmerge(
        session, caller.scope(*AT_THE_DESK), work_order_id, actor=Actor.of(caller), reason=body.reason
    )  # fmt: skip
    return await _page(session, orders, caller, work_order_id)


@router.post("/work-orders/{work_order_id}/reports/{report_id}/split", response_model=WorkOrderOut, status_code=201)
async def split_report_off(
    work_order_id: UUID, report_id: UUID, body: SplitIn, session: Session, splits: Splits, orders: Orders,
    caller: DeskClerk,
) -> WorkOrderOut:  # fmt: skip
    """Gives a report that was about something else an order of its own, or puts it with the open one about that.
    Answers with the order that the report has now."""
    new = await splits.split(
        session, caller.scope(*AT_THE_DESK), work_order_id, report_id, actor=Actor.of(caller),
        correction=body.to_correction(), reason=body.reason, version=body.version,
    )  # fmt: skip
    return await _page(session, orders, caller, new.id)


@router.put("/work-orders/{work_order_id}/root", response_model=WorkOrderOut)
async def link_work_order(
    work_order_id: UUID, body: ParentIn, session: Session, links: Links, orders: Orders, caller: DeskClerk
) -> WorkOrderOut:
    """Puts this order under the one whose trouble explains it."""
    await links.link(
        session, caller.scope(*AT_THE_DESK), work_order_id, under_id=body.root, actor=Actor.of(caller),
        reason=body.reason,
    )  # fmt: skip
    return await _page(session, orders, caller, work_order_id)


@router.delete("/work-orders/{work_order_id}/root", response_model=WorkOrderOut)
async def unlink_work_order(
    work_order_id: UUID, session: Session, links: Links, orders: Orders, caller: DeskClerk
) -> WorkOrderOut:
    """Takes this order from under its root: it has nothing to do with it."""
    await links.unlink(session, caller.scope(*AT_THE_DESK), work_order_id, actor=Actor.of(caller), reason=None)
    return await _page(session, orders, caller, work_order_id)


@router.get("/work-orders/{work_order_id}/followers", response_model=list[FollowerOut])
async def list_followers(
    work_order_id: UUID, session: Session, following: Following, caller: Reader
) -> list[FollowerOut]:
    """Who is told how an order goes on. For staff: owners never see each other."""
    found = await following.of_order(session, caller.scope(*STAFF), work_order_id)
    return [FollowerOut.of(one) for one in found]


@router.put("/work-orders/{work_order_id}/followers/me", status_code=204)
async def follow_work_order(work_order_id: UUID, session: Session, following: Following, caller: Reader) -> None:
    """Tells the caller how this order goes on."""
    await following.follow(session, caller.scope(*STAFF), work_order_id, person_id=caller.person_id)


@router.delete("/work-orders/{work_order_id}/followers/me", status_code=204)
async def unfollow_work_order(work_order_id: UUID, session: Session, following: Following, caller: Reader) -> None:
    """Tells the caller no more."""
    await following.unfollow(session, caller.scope(*STAFF), work_order_id, person_id=caller.person_id)


@router.put("/my/reports/{report_id}/follow", status_code=204)
async def follow_my_report(report_id: UUID, session: Session, following: Following, caller: Caller) -> None:
    """Tells the caller again how their own report goes on."""
    await following.follow_report(session, report_id, reporter_id=caller.person_id)


@router.delete("/my/reports/{report_id}/follow", status_code=204)
async def unfollow_my_report(report_id: UUID, session: Session, following: Following, caller: Caller) -> None:
    """Tells the caller no more of their own report; it stays in their list."""
    await following.unfollow_report(session, report_id, reporter_id=caller.person_id)


async def _page(session: Session, orders: Desk, caller: Principal, work_order_id: UUID) -> WorkOrderOut:
    page = await orders.page(session, caller.scope(*STAFF), work_order_id, actor=Actor.of(caller))
    return WorkOrderOut.of_page(page)
