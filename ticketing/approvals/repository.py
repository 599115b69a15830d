"""The queries of approvals."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from ticketing.approvals.models import (
    Approval,
    ApprovalDelegation,
    ApprovalPolicy,
    ApprovalVote,
    ApprovalWanted,
)
from ticketing.models import WorkOrder

# --- policies ------------------------------------------------------------------------------------------------------


async def policies(session: AsyncSession, scope: Scope, site_id: UUID) -> Sequence[ApprovalPolicy]:
    """Every version of the site's policies, those in force first, then the newest."""
    found = await session.scalars(
        select(ApprovalPolicy)
        .where(ApprovalPolicy.site_id == site_id, scope.where(ApprovalPolicy.site_id))
        .order_by(ApprovalPolicy.is_current.desc(), ApprovalPolicy.code, ApprovalPolicy.version.desc())
    )
    return found.all()


async def policy(session: AsyncSession, scope: Scope, policy_id: UUID) -> ApprovalPolicy | None:
    found: ApprovalPolicy | None = await session.scalar(
        select(ApprovalPolicy).where(ApprovalPolicy.id == policy_id, scope.where(ApprovalPolicy.site_id))
    )
    return found


async def policy_covering(session: AsyncSession, *, site_id: UUID, covers: str) -> ApprovalPolicy | None:
    found: ApprovalPolicy | None = await session.scalar(
        select(ApprovalPolicy).where(
            ApprovalPolicy.site_id == site_id, ApprovalPolicy.covers == covers, ApprovalPolicy.is_current
        )
    )
    return found


async def lock_versions(session: AsyncSession, *, site_id: UUID, code: str) -> Sequence[ApprovalPolicy]:
    """The versions of one policy, newest first. Who saves any policy of the site at once waits here: two with names of
    their own may cover the same action."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"approval/{site_id}", 0))))
    found = await session.scalars(
        select(ApprovalPolicy)
        .where(ApprovalPolicy.site_id == site_id, ApprovalPolicy.code == code)
        .order_by(ApprovalPolicy.version.desc())
    )
    return found.all()


# --- approvals -----------------------------------------------------------------------------------------------------


async def approval(session: AsyncSession, scope: Scope, approval_id: UUID) -> Approval | None:
    found: Approval | None = await session.scalar(
        select(Approval)
        .where(Approval.id == approval_id, scope.where(Approval.site_id))
        .execution_options(populate_existing=True)
    )
    return found


async def of_order(session: AsyncSession, scope: Scope, work_order_id: UUID) -> Sequence[Approval]:
    """Newest first."""
    found = await session.scalars(
        select(Approval)
        .where(Approval.work_order_id == work_order_id, scope.where(Approval.site_id))
        .order_by(Approval.asked_at.desc(), Approval.id.desc())
    )
    return found.all()


async def sites_waiting(session: AsyncSession, scope: Scope) -> Sequence[UUID]:
    """Sites at which somebody's word is wanted."""
    found = await session.scalars(select(ApprovalWanted.site_id).where(scope.where(ApprovalWanted.site_id)).distinct())
    return sorted(found.all())


async def wanted_of(
    session: AsyncSession, person_ids: Collection[UUID], *, site_id: UUID
) -> Sequence[tuple[Approval, UUID]]:
    """Pending approvals of a site that wait for one of these, with whose word is wanted; the oldest first."""
    found = await session.execute(
        select(Approval, ApprovalWanted.person_id)
        .join(ApprovalWanted, ApprovalWanted.approval_id == Approval.id)
        .where(ApprovalWanted.person_id.in_(person_ids), ApprovalWanted.site_id == site_id)
        .order_by(Approval.since, Approval.id)
    )
    return [(row[0], row[1]) for row in found]


async def wanted(session: AsyncSession, approval_ids: Collection[UUID]) -> Sequence[ApprovalWanted]:
    return (await session.scalars(select(ApprovalWanted).where(ApprovalWanted.approval_id.in_(approval_ids)))).all()


async def persons_waited_for(session: AsyncSession) -> frozenset[UUID]:
    """Everybody whose word is wanted anywhere."""
    return frozenset(await session.scalars(select(ApprovalWanted.person_id).distinct()))


async def waiting_for(session: AsyncSession, person_ids: Collection[UUID], *, limit: int) -> Sequence[Approval]:
    """Pending approvals that wait for one of these, the oldest first. Not held: their orders are, first."""
    waits = select(ApprovalWanted.approval_id).where(ApprovalWanted.person_id.in_(person_ids))
    found = await session.scalars(
        select(Approval)
        .where(Approval.id.in_(waits), Approval.state == "pending")
        .order_by(Approval.since)
        .limit(limit)
    )
    return found.all()


async def forget_wanted(session: AsyncSession, approval_id: UUID) -> None:
    await session.execute(delete(ApprovalWanted).where(ApprovalWanted.approval_id == approval_id))


async def votes(session: AsyncSession, approval_ids: Collection[UUID]) -> Sequence[ApprovalVote]:
    """Oldest first."""
    found = await session.scalars(
        select(ApprovalVote)
        .where(ApprovalVote.approval_id.in_(approval_ids))
        .order_by(ApprovalVote.at, ApprovalVote.id)
    )
    return found.all()


async def due(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[Approval]:
    """Pending ones that time does something to, the most overdue first. Not held: their orders are, first."""
    found = await session.scalars(
        select(Approval)
        .where(Approval.state == "pending", Approval.next_at <= now)
        .order_by(Approval.next_at)
        .limit(limit)
    )
    return found.all()


async def orders(session: AsyncSession, work_order_ids: Collection[UUID]) -> dict[UUID, WorkOrder]:
    found = await session.scalars(select(WorkOrder).where(WorkOrder.id.in_(work_order_ids)))
    return {order.id: order for order in found}


# --- delegations ---------------------------------------------------------------------------------------------------


async def delegations(session: AsyncSession, *, site_id: UUID, since: datetime) -> Sequence[ApprovalDelegation]:
    """Those of a site that were not over at `since`."""
    found = await session.scalars(
        select(ApprovalDelegation)
        .where(ApprovalDelegation.site_id == site_id, ApprovalDelegation.ends_at > since)
        .order_by(ApprovalDelegation.starts_at, ApprovalDelegation.id)
    )
    return found.all()


async def delegation(session: AsyncSession, delegation_id: UUID) -> ApprovalDelegation | None:
    return await session.get(ApprovalDelegation, delegation_id)


async def lock_delegations(session: AsyncSession, site_id: UUID) -> None:
    """Who delegates at once waits here: two halves of a circle would not see each other."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"delegation/{site_id}", 0))))
