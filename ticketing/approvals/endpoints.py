"""Approvals over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from catalog.errors import SiteNotFound
from kit.access import STAFF, Role
from kit.errors import DomainError
from kit.http import Session, service
from ticketing.approvals import errors
from ticketing.approvals.policy_book import PolicyBook
from ticketing.approvals.schemas import (
    ApprovalAskIn,
    ApprovalOut,
    ApprovalPolicyIn,
    ApprovalPolicyOut,
    ApprovalVoteIn,
    DelegationIn,
    DelegationOut,
)
from ticketing.approvals.service import ApprovalService
from ticketing.callers import Manager, Reader

router = APIRouter(prefix="/api/v1", tags=["approvals"])

STATUS: dict[type[DomainError], int] = {
    errors.ApprovalPolicyNotFound: 404,
    errors.PolicyInForce: 409,
    errors.ApprovalNotFound: 404,
    errors.ApprovalEnded: 409,
    errors.NotYourApproval: 403,
    errors.ApprovalMissing: 409,
    errors.ApprovalPending: 409,
    errors.NothingToApprove: 409,
    errors.DelegationNotFound: 404,
    errors.DelegationRefused: 409,
}

Approvals = Annotated[ApprovalService, Depends(service(ApprovalService))]
Policies = Annotated[PolicyBook, Depends(service(PolicyBook))]


# --- policies ------------------------------------------------------------------------------------------------------


@router.get("/sites/{site_id}/approval-policies", response_model=list[ApprovalPolicyOut])
async def list_approval_policies(
    site_id: UUID, session: Session, policies: Policies, caller: Manager
) -> list[ApprovalPolicyOut]:
    """Every version of the site's policies, those in force first. Of another's site: none."""
    found = await policies.all(session, caller.scope(Role.MANAGER), site_id)
    return [ApprovalPolicyOut.of(row) for row in found]


@router.post("/approval-policies", response_model=ApprovalPolicyOut, status_code=201)
async def save_approval_policy(
    body: ApprovalPolicyIn, session: Session, policies: Policies, caller: Manager
) -> ApprovalPolicyOut:
    """Saves the next version, which holds for what is asked from now on. 422 names everything that is wrong."""
    if not caller.scope(Role.MANAGER).allows(body.site_id):
        raise SiteNotFound(body.site_id)
    saved = await policies.save(
        session, body.document, site_id=body.site_id, covers=body.covers, by=caller.person_id
    )  # fmt: skip
    return ApprovalPolicyOut.of(saved)


@router.post("/approval-policies/{policy_id}/retire", response_model=ApprovalPolicyOut)
async def retire_approval_policy(
    policy_id: UUID, session: Session, policies: Policies, caller: Manager
) -> ApprovalPolicyOut:
    """Nobody is asked any more because of it; what is under way goes on."""
    return ApprovalPolicyOut.of(await policies.retire(session, caller.scope(Role.MANAGER), policy_id))


# --- approvals -----------------------------------------------------------------------------------------------------


@router.get("/my/approvals", response_model=list[ApprovalOut])
async def list_my_approvals(session: Session, approvals: Approvals, caller: Reader) -> list[ApprovalOut]:
    """What waits for the caller's word, or for that of somebody who delegated to the caller; the oldest first."""
    found = await approvals.wanted_of(session, caller.scope(*STAFF), caller.person_id)
    return [ApprovalOut.of(view) for view in found]


@router.get("/work-orders/{work_order_id}/approvals", response_model=list[ApprovalOut])
async def list_approvals_of_work_order(
    work_order_id: UUID, session: Session, approvals: Approvals, caller: Reader
) -> list[ApprovalOut]:
    """Every approval that was asked for, newest first."""
    found = await approvals.of_order(session, caller.scope(*STAFF), work_order_id)
    return [ApprovalOut.of(view) for view in found]


@router.post("/work-orders/{work_order_id}/approvals", response_model=ApprovalOut, status_code=201)
async def ask_approval(
    work_order_id: UUID, body: ApprovalAskIn, session: Session, approvals: Approvals, caller: Reader
) -> ApprovalOut:
    """Asks whoever must agree before that action. 409 where nobody need be asked, or somebody has asked already."""
    view = await approvals.ask(
        session, caller.scope(*STAFF), work_order_id, action=body.action, by=caller.person_id, reason=body.reason
    )
    return ApprovalOut.of(view)


@router.post("/approvals/{approval_id}/vote", response_model=ApprovalOut)
async def vote(
    approval_id: UUID, body: ApprovalVoteIn, session: Session, approvals: Approvals, caller: Reader
) -> ApprovalOut:
    """Says yes or no, for oneself or in the name of somebody who delegated. What is said stands."""
    view = await approvals.vote(
        session, caller.scope(*STAFF), approval_id, by=caller.person_id, verdict=body.verdict, comment=body.comment,
        in_name_of=body.in_name_of,
    )  # fmt: skip
    return ApprovalOut.of(view)


# --- delegations ---------------------------------------------------------------------------------------------------


@router.get("/sites/{site_id}/approval-delegations", response_model=list[DelegationOut])
async def list_delegations(
    site_id: UUID, session: Session, approvals: Approvals, caller: Reader
) -> list[DelegationOut]:
    """Those that are not over: a manager of the site sees all, anybody else their own."""
    of = None if caller.scope(Role.MANAGER).allows(site_id) else caller.person_id
    return [DelegationOut.of(view) for view in await approvals.delegations(session, site_id, of=of)]


@router.post("/approval-delegations", response_model=DelegationOut, status_code=201)
async def delegate(body: DelegationIn, session: Session, approvals: Approvals, caller: Reader) -> DelegationOut:
    """Lets somebody else vote in the caller's name. 409 when it would come back to the caller."""
    if not caller.scope(*STAFF).allows(body.site_id):
        raise SiteNotFound(body.site_id)
    view = await approvals.delegate(
        session, site_id=body.site_id, from_id=caller.person_id, to_id=body.to_id, starts_at=body.starts_at,
        ends_at=body.ends_at, reason=body.reason,
    )  # fmt: skip
    return DelegationOut.of(view)


@router.post("/approval-delegations/{delegation_id}/end", response_model=DelegationOut)
async def end_delegation(delegation_id: UUID, session: Session, approvals: Approvals, caller: Reader) -> DelegationOut:
    """Takes one's own delegation back; what was said meanwhile stands."""
    return DelegationOut.of(await approvals.end_delegation(session, delegation_id, by=caller.person_id))
