"""HTTP of dispatch: the grab pool, and plans for all orders of a site that nobody has begun."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from kit.errors import DomainError
from kit.http import Paging, Session, service
from ticketing.actor import Actor
from ticketing.callers import AT_THE_DESK, HANDLING, DeskClerk, Handler
from ticketing.dispatch import errors
from ticketing.dispatch.replanning import Replanning
from ticketing.dispatch.schemas import AppliedOut, ApplyIn, PlanIn, PlanOut, WaitingOut
from ticketing.dispatch.waiting import Waits

router = APIRouter(prefix="/api/v1/dispatch", tags=["dispatch"])

STATUS: dict[type[DomainError], int] = {
    errors.NotQualified: 409,
    errors.PlanNotFound: 404,
}


Pool = Annotated[Waits, Depends(service(Waits))]
Plans = Annotated[Replanning, Depends(service(Replanning))]


@router.get("/waiting", response_model=list[WaitingOut])
async def list_waiting_orders(
    session: Session, pool: Pool, caller: Handler, site_id: Annotated[UUID | None, Query()] = None
) -> list[WaitingOut]:
    """Orders nobody has yet: what the caller may take, and for the desk all that waits, the most urgent first."""
    found = await pool.of(
        session, caller.scope(*HANDLING), person_id=caller.person_id, desk=caller.scope(*AT_THE_DESK), site_id=site_id
    )
    return [WaitingOut.of(one) for one in found]


@router.post("/plans", response_model=PlanOut, status_code=201)
async def propose_dispatch_plan(
    body: PlanIn, session: Session, plans: Plans, caller: DeskClerk, paging: Paging
) -> PlanOut:
    """Plans all orders of a site that nobody has begun, and says what would change hands. Nothing is changed yet."""
    scope = caller.scope(*AT_THE_DESK)
    plan_id = await plans.propose(session, scope, body.site_id, by=caller.person_id)
    return PlanOut.of(await plans.page(session, scope, plan_id, limit=paging.limit, offset=paging.offset))


@router.get("/plans/{plan_id}", response_model=PlanOut)
async def get_dispatch_plan(
    plan_id: UUID, session: Session, plans: Plans, caller: DeskClerk, paging: Paging
) -> PlanOut:
    """A plan with a page of its changes and what became of them."""
    scope = caller.scope(*AT_THE_DESK)
    return PlanOut.of(await plans.page(session, scope, plan_id, limit=paging.limit, offset=paging.offset))


@router.post("/plans/{plan_id}/apply", response_model=AppliedOut)
async def apply_dispatch_plan(
    plan_id: UUID, body: ApplyIn, session: Session, plans: Plans, caller: DeskClerk
) -> AppliedOut:
    """Gives the orders out as planned: only those that nobody touched since, to people who still can."""
    done = await plans.apply(
        session, caller.scope(*AT_THE_DESK), plan_id, actor=Actor.of(caller), work_order_ids=body.work_order_ids,
        limit=body.limit,
    )  # fmt: skip
    return AppliedOut.of(done)
