"""Asks for approvals, hears votes and lets time act: every change of an approval, with what is told and written down.

Whoever calls holds the order's row; that is what keeps votes that come at once one after the other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, assert_never
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Role, Scope
from kit.clock import Clock
from kit.events import publish
from kit.i18n import TextKey, Wording
from people.service import PeopleService
from ticketing.approvals import repository
from ticketing.approvals.condition import Fact, Facts
from ticketing.approvals.deciding import (
    Approved,
    Delegation,
    Lateness,
    Mode,
    Pending,
    Rejected,
    Standing,
    Step,
    Verdict,
    Vote,
    answers_for,
    decide,
    without,
)
from ticketing.approvals.errors import ApprovalEnded as ApprovalEndedBefore
from ticketing.approvals.errors import ApprovalPending, NotYourApproval
from ticketing.approvals.events import ApprovalEnded
from ticketing.approvals.models import Approval, ApprovalVote, ApprovalWanted
from ticketing.approvals.policy import ManagerOf, StepRule, Who, parse
from ticketing.approvals.telling import ApprovalTelling
from ticketing.events import WorkOrderChanged
from ticketing.feedback import repository as feedback_repository
from ticketing.journal import Entry, record
from ticketing.models import WorkOrder


class ApprovalState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"  # the order ended first


@dataclass(frozen=True)
class Request:
    """What is to be approved. `action_name`: what the order's flow calls it; `by` None: the hub asks."""

    action: str
    action_name: TextKey | Wording
    by: UUID | None
    reason: str | None


class Asking:
    def __init__(self, people: PeopleService, telling: ApprovalTelling, clock: Clock) -> None:
        self._people = people
        self._telling = telling
        self._clock = clock

    async def rules(self, session: AsyncSession, order: WorkOrder, action: str) -> list[StepRule]:
        """The steps that somebody's approval of this action takes for this order; empty: nobody need be asked."""
        found = await repository.policy_covering(session, site_id=order.site_id, covers=action)
        return parse(found.document).steps_for(facts_of(order)) if found else []

    async def latest(self, session: AsyncSession, order: WorkOrder, action: str) -> Approval | None:
        """The newest approval of that action in this attempt of the order."""
        found = await repository.of_order(session, Scope.everywhere(), order.id)
        return next((each for each in found if (each.action, each.attempt) == (action, order.attempt)), None)

    async def ask(self, session: AsyncSession, order: WorkOrder, request: Request) -> Approval:
        """Begins an approval by the policy in force. Where nobody need be asked it is granted at once.

        Raises ApprovalPending while one about the same action is under way.
        """
        standing = await self.latest(session, order, request.action)
        if standing is not None and standing.state == ApprovalState.PENDING:
            raise await self.is_pending(session, standing, request.action_name)
        policy = await repository.policy_covering(session, site_id=order.site_id, covers=request.action)
        meaning = parse(policy.document) if policy else None
        now = self._clock.now()
        rules = meaning.steps_for(facts_of(order)) if meaning else []
        approval = Approval(
            site_id=order.site_id, work_order_id=order.id, attempt=order.attempt, action=request.action,
            policy_id=policy.id if policy else None, names=dict(meaning.names if meaning else {}),
            facts={fact.value: None if value is None else str(value) for fact, value in facts_of(order).items()},
            steps=[_written(await self._step(session, order, rule, asker=request.by)) for rule in rules],
            asked_by=request.by, asked_at=now, reason=request.reason, state=ApprovalState.PENDING.value, step=0,
            since=now, next_at=None, ended_at=None, is_late=False,
        )  # fmt: skip
        session.add(approval)
        await session.flush()
        record(
            session, order, Entry.APPROVAL_ASKED, at=now, actor_id=request.by, why=request.reason,
            after={"approval_id": str(approval.id), "action": request.action, "steps": len(rules)},
        )  # fmt: skip
        await self.go_on(session, order, approval, is_new=True)
        return approval

    async def vote(
        self, session: AsyncSession, order: WorkOrder, approval: Approval, *, by: UUID, of: UUID | None,
        verdict: Verdict, comment: str | None,
    ) -> None:  # fmt: skip
        """`of`: in whose name, when it is not his own. Raises ApprovalEnded, NotYourApproval."""
        now = self._clock.now()
        standing, delegations = await self._standing(session, approval, now=now)
        if approval.state != ApprovalState.PENDING or not isinstance(standing, Pending):
            state = approval.state if approval.state != ApprovalState.PENDING else _state(standing).value
            raise ApprovalEndedBefore(state=state, ended_at=approval.ended_at)
        names = answers_for(delegations, by, asker=approval.asked_by, at=now) & standing.waits_for
        if not names or (of is not None and of not in names):
            raise NotYourApproval(names=await self._names(session, standing.waits_for))
        in_name_of = of or (by if by in names else min(names))
        said = ApprovalVote(
            approval_id=approval.id, site_id=approval.site_id, step=standing.step, by_id=by, of_id=in_name_of,
            verdict=verdict.value, comment=comment, at=now,
        )  # fmt: skip
        session.add(said)
        await session.flush()
        record(
            session, order, Entry.APPROVAL_VOTED, at=now, actor_id=by, why=comment,
            after={
                "approval_id": str(approval.id), "step": standing.step + 1, "verdict": verdict,
                **({} if in_name_of == by else {"in_name_of": str(in_name_of)}),
            },
        )  # fmt: skip
        await self.go_on(session, order, approval)

    async def go_on(self, session: AsyncSession, order: WorkOrder, approval: Approval, *, is_new: bool = False) -> None:
        """Brings the approval to what votes and time say, and tells whoever is concerned. Idempotent."""
        now = self._clock.now()
        is_changed = await self._do_without_who_left(session, order, approval, now=now)
        standing, delegations = await self._standing(session, approval, now=now)
        match standing:
            case Pending():
                await self._keep_pending(
                    session, order, approval, standing, delegations, is_new=is_new, is_changed=is_changed
                )
            case Approved() | Rejected():
                await self._end(session, order, approval, standing)
            case _:
                assert_never(standing)
        await publish(
            session,
            WorkOrderChanged(site_id=order.site_id, life_safety=order.is_life_safety, work_order_id=order.id),
        )

    async def withdraw(self, session: AsyncSession, order: WorkOrder, approval: Approval) -> None:
        """The order ended first: nobody's word is wanted any more."""
        now = self._clock.now()
        approval.state, approval.ended_at, approval.next_at = ApprovalState.WITHDRAWN.value, now, None
        await repository.forget_wanted(session, approval.id)
        self._note_end(session, order, approval, now)

    async def is_pending(
        self, session: AsyncSession, approval: Approval, action_name: TextKey | Wording
    ) -> ApprovalPending:
        """The refusal that names whose word is wanted."""
        wanted = await repository.wanted(session, [approval.id])
        names = await self._names(session, {each.person_id for each in wanted})
        return ApprovalPending(action=approval.action, names=names, action_name=action_name)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _standing(
        self, session: AsyncSession, approval: Approval, *, now: datetime
    ) -> tuple[Standing, Sequence[Delegation]]:
        rows = await repository.delegations(session, site_id=approval.site_id, since=approval.asked_at)
        kept_off = await feedback_repository.subjects(session, approval.work_order_id)
        delegations = [
            Delegation(row.from_id, row.to_id, row.starts_at, row.ends_at) for row in rows if row.to_id not in kept_off
        ]
        votes = [
            Vote(row.step, row.by_id, row.of_id, Verdict(row.verdict), row.at)
            for row in await repository.votes(session, [approval.id])
        ]
        steps = [_read(step) for step in approval.steps]
        standing = decide(
            steps, votes, delegations, asked_at=approval.asked_at, now=now, asker=approval.asked_by
        )  # fmt: skip
        return standing, delegations

    async def _do_without_who_left(
        self, session: AsyncSession, order: WorkOrder, approval: Approval, *, now: datetime
    ) -> bool:
        """Of the steps that are not decided; whether anything changed. Whom the order is a complaint about by now is
        asked no more than who left."""
        ahead = [_read(step) for step in approval.steps[approval.step :]]
        asked = frozenset[UUID]().union(*(step.asked | step.escalate_to for step in ahead))
        left = (asked - await self._people.active(session, asked)) | (asked & await self._kept_off(session, order))
        if not left:
            return False
        instead = await self._responsible(session, order)
        votes = await repository.votes(session, [approval.id])
        said = {vote.of_id for vote in votes if vote.step == approval.step}
        fresh = [
            without(step, left, said=() if number else said, instead=instead, asker=approval.asked_by, at=now)
            for number, step in enumerate(ahead)
        ]
        if fresh == ahead:
            return False
        approval.steps = [*approval.steps[: approval.step], *map(_written, fresh)]
        after = {"approval_id": str(approval.id), "left": sorted(map(str, left)), "instead": str(instead)}
        record(session, order, Entry.APPROVAL_HANDED_ON, at=now, after=after)
        return True

    async def _keep_pending(
        self, session: AsyncSession, order: WorkOrder, approval: Approval, standing: Pending,
        delegations: Sequence[Delegation], *, is_new: bool, is_changed: bool,
    ) -> None:  # fmt: skip
        was_due = not is_new and approval.next_at is not None and approval.next_at <= self._clock.now()
        is_next = is_new or approval.step != standing.step
        approval.step, approval.since, approval.next_at = standing.step, standing.since, standing.due_at
        await repository.forget_wanted(session, approval.id)
        session.add_all(
            ApprovalWanted(approval_id=approval.id, person_id=person_id, site_id=approval.site_id)
            for person_id in sorted(standing.waits_for)
        )
        await session.flush()
        if is_next or was_due or is_changed:
            await self._telling.asked(session, order, approval, standing, delegations)
        if was_due and not is_next:
            record(
                session, order, Entry.APPROVAL_LATE, at=self._clock.now(),
                after={"approval_id": str(approval.id), "step": standing.step + 1, "escalated": standing.is_escalated},
            )  # fmt: skip

    async def _end(
        self, session: AsyncSession, order: WorkOrder, approval: Approval, standing: Approved | Rejected
    ) -> None:
        approval.state, approval.ended_at, approval.next_at = _state(standing).value, standing.at, None
        approval.is_late = isinstance(standing, Rejected) and standing.is_late
        await repository.forget_wanted(session, approval.id)
        self._note_end(session, order, approval, self._clock.now())
        await self._telling.ended(session, order, approval)
        await publish(
            session,
            ApprovalEnded(
                site_id=order.site_id, life_safety=order.is_life_safety, approval_id=approval.id,
                work_order_id=order.id, action=approval.action, attempt=approval.attempt,
                is_granted=approval.state == ApprovalState.APPROVED,
            ),
        )  # fmt: skip

    def _note_end(self, session: AsyncSession, order: WorkOrder, approval: Approval, at: datetime) -> None:
        after = {"approval_id": str(approval.id), "action": approval.action, "state": approval.state}
        record(session, order, Entry.APPROVAL_ENDED, at=at, after=after | ({"late": True} if approval.is_late else {}))

    async def _names(self, session: AsyncSession, person_ids: Collection[UUID]) -> list[str]:
        return sorted((await self._people.names(session, person_ids)).values())

    async def _step(self, session: AsyncSession, order: WorkOrder, rule: StepRule, *, asker: UUID | None) -> Step:
        asked = await self._persons(session, order, rule.who, asker=asker)
        if rule.late is None:
            return Step(asked, rule.mode)
        others = rule.late.to
        escalate_to = await self._persons(session, order, others, asker=asker) if others else frozenset[UUID]()
        return Step(asked, rule.mode, rule.late.after, rule.late.then, escalate_to)

    async def _persons(
        self, session: AsyncSession, order: WorkOrder, who: Who, *, asker: UUID | None
    ) -> frozenset[UUID]:
        """Whom it means now; never nobody: at last whoever answers for the site. Who asks does not approve it himself
        where others could, unless he is named. Who left is not asked, nor whom the order is a complaint about."""
        kept_off = await self._kept_off(session, order)
        if who.persons:
            named = await self._people.active(session, who.persons) - kept_off
            return named or frozenset({await self._responsible(session, order)})
        found: Collection[UUID] = ()
        if who.role is not None:
            found = await self._people.holders(session, site_id=order.site_id, role=who.role)
        elif who.manager_of is ManagerOf.ASKER:
            found = await self._people.managers(session, order.site_id)
        others = frozenset(found) - {asker} - kept_off
        return others or frozenset({await self._responsible(session, order)})

    async def _kept_off(self, session: AsyncSession, order: WorkOrder) -> set[UUID]:
        return await feedback_repository.subjects(session, order.id)

    async def _responsible(self, session: AsyncSession, order: WorkOrder) -> UUID:
        """Whoever answers for the site; where the complaint is about them, the next manager or an administrator."""
        on_duty = (await self._people.duty_manager(session, order.site_id)).person_id
        kept_off = await self._kept_off(session, order)
        if on_duty not in kept_off:
            return on_duty
        others = [
            person for role in (Role.MANAGER, Role.ADMIN)
            for person in await self._people.holders(session, site_id=order.site_id, role=role)
        ]  # fmt: skip
        # A company of one person has nobody else.
        return next((person for person in others if person not in kept_off), on_duty)


def facts_of(order: WorkOrder) -> Facts:
    return {
        Fact.COST: order.cost,
        Fact.PRIORITY: Decimal(order.priority),
        Fact.KIND: order.kind,
        Fact.PROCEDURE: order.procedure,
        Fact.CATEGORY: order.category,
        Fact.CHANNEL: order.channel,
        Fact.PAYER: order.payer,
        Fact.EQUIPMENT_KIND: order.equipment_kind,
    }


def _state(standing: Standing) -> ApprovalState:
    match standing:
        case Pending():
            return ApprovalState.PENDING
        case Approved():
            return ApprovalState.APPROVED
        case Rejected():
            return ApprovalState.REJECTED
        case _:
            assert_never(standing)


def _written(step: Step) -> dict[str, Any]:
    return {
        "asked": [str(person_id) for person_id in sorted(step.asked)],
        "mode": step.mode.value,
        "after_min": None if step.after is None else step.after / timedelta(minutes=1),
        "late": step.late.value,
        "escalate_to": [str(person_id) for person_id in sorted(step.escalate_to)],
        "changed_at": step.changed_at.isoformat() if step.changed_at else None,
    }


def _read(kept: Mapping[str, Any]) -> Step:
    return Step(
        frozenset(map(UUID, kept["asked"])),
        Mode(kept["mode"]),
        None if kept["after_min"] is None else timedelta(minutes=kept["after_min"]),
        Lateness(kept["late"]),
        frozenset(map(UUID, kept["escalate_to"])),
        datetime.fromisoformat(kept["changed_at"]) if kept.get("changed_at") else None,
    )
