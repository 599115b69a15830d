"""From verdicts to the order: asked when it is done, closed when all agree, opened again when one does not."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from kit.events import publish
from kit.ids import new_id
from ticketing.actor import Actor
from ticketing.definitions.book import Definitions
from ticketing.dispatch.choosing import Dispatching
from ticketing.dispatch.modes import Choice, DispatchMode
from ticketing.events import WorkOrderEscalated
from ticketing.feedback import repository
from ticketing.feedback.policies import FeedbackPolicies
from ticketing.feedback.policy import FeedbackPolicy
from ticketing.feedback.verdict import ANSWERABLE, is_agreed
from ticketing.flow import Action, Hat
from ticketing.journal import Entry, record
from ticketing.kinds import OrderState
from ticketing.models import Report, WorkOrder
from ticketing.moving import Moving
from ticketing.proof.verdict import Proof
from ticketing.sla.keeping import rearm
from ticketing.words import NOTHING_SAID, Words

REJECTED_TWICE = "rejected_twice"
# What closes no order unless the supervisor verified it.
_IN_DOUBT = (Proof.UNPROVED, Proof.REFUTED)


class Settling:
    """Whoever calls holds the order's row."""

    def __init__(
        self, *, dispatching: Dispatching, definitions: Definitions, moving: Moving, policies: FeedbackPolicies,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._dispatching = dispatching
        self._definitions = definitions
        self._moving = moving
        self._policies = policies
        self._clock = clock

    async def ask(self, session: AsyncSession, order: WorkOrder, report: Report) -> None:
        """Keeps that this reporter is asked about this attempt; asked before, nothing happens."""
        now = self._clock.now()
        policy = await self._policies.of(session, order.site_id)
        await repository.ask(
            session, id=new_id(), site_id=order.site_id, work_order_id=order.id, report_id=report.id,
            person_id=report.reporter_id, attempt=order.attempt, asked_at=now,
            remind_at=now + timedelta(minutes=policy.remind_after_min),
            silent_at=now + timedelta(days=policy.silent_after_days),
        )  # fmt: skip

    async def close_if_agreed(self, session: AsyncSession, order: WorkOrder, *, actor: Actor) -> None:
        """Closes what all its reporters find good; not before its proof is in, and never what telemetry belies."""
        answers = await repository.answers(session, order)
        reports = {report.id for report in await repository.reports_that_count(session, order.id)}
        if not is_agreed(reports or {report for report, _ in answers}, answers):
            return
        order.confirmed_at = order.confirmed_at or self._clock.now()
        state = OrderState(order.state)
        is_proved = order.proof_due_at is None and (state is OrderState.VERIFIED or order.proof not in _IN_DOUBT)
        if not is_proved or state not in ANSWERABLE:
            return
        row = (await self._definitions.flow_of(session, order)).find(order.at_stage, Action.CLOSE)
        # Where an owner may not close (life safety), their word is kept and the desk closes.
        if row is not None and Hat.OWNER in row.hats:
            reporter = Actor.reporter(actor.person_id)
            await self._moving.move(session, order, actor=reporter, action=Action.CLOSE, words=NOTHING_SAID)

    async def reopen(
        self, session: AsyncSession, order: WorkOrder, report: Report, *, reason: str, goes_up: bool,
        policy: FeedbackPolicy,
    ) -> bool:  # fmt: skip
        """Gives the order out again, or hands it to the manager with a time of their own. Whether the manager has it.

        Raises what a move raises.
        """
        order.confirmed_at = None
        flow, actor = await self._definitions.flow_of(session, order), Actor.reporter(shown_id(report))
        up = flow.find(order.at_stage, Action.HAND_UP) if goes_up else None
        row = up or flow.find(order.at_stage, Action.REOPEN)
        # Where an owner may not reopen (life safety), their word is kept, the desk is told and decides.
        if row is None or Hat.OWNER not in row.hats:
            return False
        await self._moving.move(session, order, actor=actor, action=row.action, words=Words(reason=reason))
        if goes_up:
            await self._hand_to_manager(session, order, policy)
        return goes_up

    async def _hand_to_manager(self, session: AsyncSession, order: WorkOrder, policy: FeedbackPolicy) -> None:
        now = self._clock.now()
        manager_id = await self._dispatching.manager_of(session, order)
        due_at = now + timedelta(minutes=policy.manager_min)
        order.resolution_due_at = order.promised_at = due_at
        if manager_id is not None:
            words = Words(assignee_id=manager_id)
            choice = Choice(manager_id, DispatchMode.DUTY_MANAGER)
            await self._moving.move(
                session, order, actor=Actor.system(), action=Action.DISPATCH, words=words, choice=choice
            )  # fmt: skip
        rearm(order, now)
        record(session, order, Entry.ESCALATED, at=now, after={"reason": REJECTED_TWICE, "due_at": due_at.isoformat()})
        event = WorkOrderEscalated(
            site_id=order.site_id, life_safety=order.is_life_safety, work_order_id=order.id, reason=REJECTED_TWICE,
            due_at=due_at,
        )  # fmt: skip
        await publish(session, event)


def shown_id(report: Report) -> UUID | None:
    """Who did it, as the timeline may tell everybody at the desk: nobody of an anonymous report."""
    return None if report.is_anonymous else report.reporter_id
