"""What people can do with approvals. Services never commit: the request or the job does."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.sweeps import Sweep
from people.kinds import PersonKind
from people.service import PeopleService
from ticketing import repository as orders
from ticketing.approvals import repository
from ticketing.approvals.asking import ApprovalState, Asking, Request
from ticketing.approvals.deciding import Delegation, Verdict, closes_circle, speaks_for
from ticketing.approvals.errors import (
    ApprovalNotFound,
    DelegationNotFound,
    DelegationRefused,
    NothingToApprove,
)
from ticketing.approvals.models import Approval, ApprovalDelegation, ApprovalVote
from ticketing.definitions.book import Definitions
from ticketing.errors import WorkOrderNotFound
from ticketing.feedback import repository as feedback_repository
from ticketing.models import WorkOrder
from ticketing.sweeping import ROWS_A_SWEEP, Sweeping

LONGEST_DELEGATION = timedelta(days=366)


@dataclass(frozen=True)
class ApprovalView:
    """An approval with all that was said. `waits_for`: whose word is wanted now; `names` of everybody in it."""

    approval: Approval
    order: WorkOrder
    votes: Sequence[ApprovalVote]
    waits_for: Sequence[UUID]
    names: dict[UUID, str]


@dataclass(frozen=True)
class DelegationView:
    delegation: ApprovalDelegation
    names: dict[UUID, str]


class ApprovalService:
    def __init__(
        self, *, asking: Asking, people: PeopleService, definitions: Definitions, sweeping: Sweeping, clock: Clock
    ) -> None:
        self._asking = asking
        self._people = people
        self._definitions = definitions
        self._sweeping = sweeping
        self._clock = clock

    # --- approvals -------------------------------------------------------------------------------------------------

    async def ask(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, action: str, by: UUID, reason: str | None
    ) -> ApprovalView:
        """Asks for what an action of the order will need. Raises WorkOrderNotFound, NothingToApprove,
        ApprovalPending."""
        order = await self._hold(session, scope, work_order_id)
        name = (await self._definitions.flow_of(session, order)).wording(action)
        latest = await self._asking.latest(session, order, action)
        is_granted = latest is not None and latest.state == ApprovalState.APPROVED
        is_enough = is_granted and latest is not None and latest.facts.get("cost") == str(order.cost)
        if is_enough or not await self._asking.rules(session, order, action):
            raise NothingToApprove(action=action, action_name=name)
        approval = await self._asking.ask(session, order, Request(action, name, by, reason))
        return (await self._views(session, [approval]))[0]

    async def vote(
        self, session: AsyncSession, scope: Scope, approval_id: UUID, *, by: UUID, verdict: Verdict,
        comment: str | None, in_name_of: UUID | None,
    ) -> ApprovalView:  # fmt: skip
        """Raises ApprovalNotFound, ApprovalEnded, NotYourApproval."""
        found = await self._approval(session, scope, approval_id)
        order = await self._hold(session, scope, found.work_order_id)
        approval = await self._approval(session, scope, approval_id)  # as it is now that the order is held
        await self._asking.vote(session, order, approval, by=by, of=in_name_of, verdict=verdict, comment=comment)
        return (await self._views(session, [approval]))[0]

    async def of_order(self, session: AsyncSession, scope: Scope, work_order_id: UUID) -> list[ApprovalView]:
        """Newest first. Raises WorkOrderNotFound."""
        if await orders.order(session, scope, work_order_id) is None:
            raise WorkOrderNotFound(work_order_id)
        return await self._views(session, await repository.of_order(session, scope, work_order_id))

    async def wanted_of(self, session: AsyncSession, scope: Scope, person_id: UUID) -> list[ApprovalView]:
        """What waits for somebody's word, his own or in another's name, the oldest first."""
        now = self._clock.now()
        found: dict[UUID, Approval] = {}
        for site_id in await repository.sites_waiting(session, scope):
            rows = await repository.delegations(session, site_id=site_id, since=now)
            names = speaks_for([_meaning(row) for row in rows], person_id, at=now)
            for approval, wanted in await repository.wanted_of(session, names, site_id=site_id):
                # Whoever asks is nobody's deputy.
                if wanted == person_id or approval.asked_by != person_id:
                    found[approval.id] = approval
        hidden = await feedback_repository.hidden_from(session, person_id)
        shown = [approval for approval in found.values() if approval.work_order_id not in hidden]
        return await self._views(session, sorted(shown, key=lambda approval: approval.since))

    # --- delegations -----------------------------------------------------------------------------------------------

    async def delegate(
        self, session: AsyncSession, *, site_id: UUID, from_id: UUID, to_id: UUID, starts_at: datetime,
        ends_at: datetime, reason: str | None,
    ) -> DelegationView:  # fmt: skip
        """Raises DelegationRefused, and PersonNotFound for somebody whom the site does not know."""
        now = self._clock.now()
        if not now < ends_at or not starts_at < ends_at <= starts_at + LONGEST_DELEGATION:
            raise DelegationRefused(reason="period")
        deputy = await self._people.person(session, Scope.of(site_id), to_id)
        if deputy.kind is PersonKind.OWNER or not deputy.is_active:
            raise DelegationRefused(reason="no_staff")
        await repository.lock_delegations(session, site_id)
        # From now on: what was said before in his name cannot be made valid afterwards.
        new = Delegation(from_id, to_id, max(starts_at, now), ends_at)
        known = [_meaning(row) for row in await repository.delegations(session, site_id=site_id, since=now)]
        if closes_circle(known, new):
            raise DelegationRefused(reason="circle")
        row = ApprovalDelegation(
            site_id=site_id, from_id=from_id, to_id=to_id, starts_at=new.starts_at, ends_at=ends_at, reason=reason,
            given_at=now,
        )  # fmt: skip
        session.add(row)
        await session.flush()
        return (await self._delegation_views(session, [row]))[0]

    async def delegations(
        self, session: AsyncSession, site_id: UUID, *, of: UUID | None = None
    ) -> list[DelegationView]:
        """Those of the site that are not over; `of`: only those from or to that person."""
        rows = await repository.delegations(session, site_id=site_id, since=self._clock.now())
        return await self._delegation_views(
            session, [row for row in rows if of is None or of in (row.from_id, row.to_id)]
        )

    async def end_delegation(self, session: AsyncSession, delegation_id: UUID, *, by: UUID) -> DelegationView:
        """Only its giver takes it back; what was said meanwhile stands.

        Raises DelegationNotFound, DelegationRefused when it is over.
        """
        row = await repository.delegation(session, delegation_id)
        if row is None or row.from_id != by:
            raise DelegationNotFound(delegation_id)
        now = self._clock.now()
        if row.ends_at <= now:
            raise DelegationRefused(reason="over")
        row.ends_at = max(now, row.starts_at)
        await session.flush()
        return (await self._delegation_views(session, [row]))[0]

    # --- time ------------------------------------------------------------------------------------------------------

    def sweeps(self) -> list[Sweep]:
        return [Sweep("ticketing.approvals_due", "* * * * * */30", self.sweep)]

    async def sweep(self, session: AsyncSession) -> None:
        """Reminds, escalates and rejects what nobody decided in time; asks others where somebody left."""
        found = await repository.due(session, now=self._clock.now(), limit=ROWS_A_SWEEP)
        asked = await repository.persons_waited_for(session)
        left = asked - await self._people.active(session, asked)
        lost = await repository.waiting_for(session, left, limit=ROWS_A_SWEEP) if left else []
        work_order_ids = list(dict.fromkeys(approval.work_order_id for approval in (*found, *lost)))
        await self._sweeping.each(session, "approvals_due", work_order_ids, self._go_on)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _go_on(self, session: AsyncSession, order: WorkOrder) -> None:
        for approval in await repository.of_order(session, Scope.everywhere(), order.id):
            if approval.state == ApprovalState.PENDING:
                await self._asking.go_on(session, order, approval)

    async def _hold(self, session: AsyncSession, scope: Scope, work_order_id: UUID) -> WorkOrder:
        order = await orders.lock_order(session, scope, work_order_id)
        if order is None:
            raise WorkOrderNotFound(work_order_id)
        return order

    async def _approval(self, session: AsyncSession, scope: Scope, approval_id: UUID) -> Approval:
        found = await repository.approval(session, scope, approval_id)
        if found is None:
            raise ApprovalNotFound(approval_id)
        return found

    async def _views(self, session: AsyncSession, approvals: Sequence[Approval]) -> list[ApprovalView]:
        ids = [approval.id for approval in approvals]
        votes, wanted = defaultdict(list), defaultdict(list)
        for vote in await repository.votes(session, ids):
            votes[vote.approval_id].append(vote)
        for each in await repository.wanted(session, ids):
            wanted[each.approval_id].append(each.person_id)
        known = await repository.orders(session, {approval.work_order_id for approval in approvals})
        people = {approval.asked_by for approval in approvals if approval.asked_by}
        people |= {person for said in votes.values() for vote in said for person in (vote.by_id, vote.of_id)}
        people |= {person for those in wanted.values() for person in those}
        names = await self._people.names(session, people)
        return [
            ApprovalView(each, known[each.work_order_id], votes[each.id], sorted(wanted[each.id]), names)
            for each in approvals
        ]

    async def _delegation_views(
        self, session: AsyncSession, rows: Sequence[ApprovalDelegation]
    ) -> list[DelegationView]:
        names = await self._people.names(session, {person for row in rows for person in (row.from_id, row.to_id)})
        return [DelegationView(row, names) for row in rows]


def _meaning(row: ApprovalDelegation) -> Delegation:
    return Delegation(row.from_id, row.to_id, row.starts_at, row.ends_at)
