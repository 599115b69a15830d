"""Moves orders through the table of `flow` and does what each transition entails, in one transaction.

Whoever calls holds the order's row (`repository.lock_order`): that is what lets one of twenty win.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.service import AlarmLabel, AlarmService
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from ticketing import repository
from ticketing.actor import Actor
from ticketing.deadlines import Deadlines
from ticketing.dispatching import Choice, Dispatching, DispatchMode, OfferOutcome, end_offer, offer
from ticketing.errors import AlreadyTaken, FieldInvalid, IncidentTakenOver
from ticketing.events import WorkOrderEscalated, WorkOrderMoved
from ticketing.flow import Action, Effect, Transition, decide
from ticketing.journal import Entry, record
from ticketing.kinds import IN_HAND, ClosingCode, OrderState
from ticketing.models import WorkOrder
from ticketing.muting import Muting
from ticketing.targets import Clock as TargetClock
from ticketing.tasking import Tasking
from ticketing.tasks import TaskAction


@dataclass(frozen=True)
class Words:
    """What is said with an action. Which of it is required is in the table of `flow`."""

    assignee_id: UUID | None = None
    reason: str | None = None
    note: str | None = None
    closing_code: ClosingCode | None = None
    hold_until: datetime | None = None
    promised_at: datetime | None = None

    @property
    def given(self) -> frozenset[str]:
        return frozenset(one.name for one in fields(self) if getattr(self, one.name) not in (None, ""))


NOTHING_SAID = Words()
FURTHEST_AHEAD = timedelta(days=366)

# What a person's verdict on the order says about the alarms behind it; a duplicate says nothing about them.
_LABELS = {
    ClosingCode.REAL_FAULT: AlarmLabel.REAL_FAULT,
    ClosingCode.MISUSE: AlarmLabel.REAL_FAULT,
    ClosingCode.FALSE_ALARM: AlarmLabel.FALSE_ALARM,
    ClosingCode.NO_FAULT_FOUND: AlarmLabel.NO_FAULT_FOUND,
    ClosingCode.TEST: AlarmLabel.TEST,
}


class Moving:
    def __init__(
        self, dispatching: Dispatching, tasking: Tasking, muting: Muting, alarms: AlarmService, clock: Clock
    ) -> None:
        self._dispatching = dispatching
        self._tasking = tasking
        self._muting = muting
        self._alarms = alarms
        self._clock = clock

    async def move(
        self, session: AsyncSession, order: WorkOrder, *, actor: Actor, action: Action, words: Words = NOTHING_SAID,
        choice: Choice | None = None,
    ) -> None:  # fmt: skip
        """One transition with all that follows from it.

        `choice` says why the assignee was chosen, when it was not a person who chose. Raises IllegalTransition,
        AlreadyTaken, NotYourOrder, FieldMissing, FieldInvalid, TasksUnfinished, IncidentTakenOver.
        """
        row = await self._decide(session, order, actor, action, words)
        now, previous_id = self._clock.now(), order.assignee_id
        before = _snapshot(order)
        order.state = row.after.value
        order.version += 1
        for effect in row.effects:
            await self._apply(session, order, effect, actor=actor, words=words, choice=choice, now=now)
        await self._muting.adjust(session, order)
        after = _snapshot(order)
        record(
            session, order, Entry.MOVED, at=now, actor_id=actor.person_id, why=words.reason or words.note,
            before={"state": before["state"], **{key: was for key, was in before.items() if after[key] != was}},
            after={"action": action, **{key: value for key, value in after.items() if before[key] != value}},
        )  # fmt: skip
        await publish(session, _moved(order, row, now=now, actor=actor, previous_id=previous_id))
        await self._go_on(session, order, row)

    async def dispatch_next(self, session: AsyncSession, order: WorkOrder) -> None:
        """Offers the order to the next candidate, at last to the duty manager."""
        choice = await self._dispatching.choose(session, order)
        if choice is None:
            now = self._clock.now()
            record(session, order, Entry.NOBODY_FOUND, at=now)
            await publish(session, _escalated(order, "nobody_found"))
            return
        words = Words(assignee_id=choice.person_id)
        await self.move(session, order, actor=Actor.system(), action=Action.DISPATCH, words=words, choice=choice)

    async def weigh_proof(self, session: AsyncSession, order: WorkOrder) -> None:
        """Of an order that is done: verified once every alarm behind it returned to normal, else the proof is due.

        An order without an alarm behind it waits for a person.
        """
        if order.state != OrderState.DONE:
            return
        links = await repository.links_of_order(session, order.id)
        if not links:
            return
        if all(link.returned_at is not None for link in links):
            words = Words(reason="telemetry_normal")
            await self.move(session, order, actor=Actor.system(), action=Action.VERIFY, words=words)
        elif order.proof_due_at is None:
            order.proof_due_at = self._clock.now() + timedelta(minutes=order.proof_window_min)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _decide(
        self, session: AsyncSession, order: WorkOrder, actor: Actor, action: Action, words: Words
    ) -> Transition:
        state = OrderState(order.state)
        taken = state in IN_HAND or state is OrderState.DISPATCHED
        if action is Action.ACCEPT and taken and order.assignee_id not in (None, actor.person_id):
            raise AlreadyTaken(number=order.number, by_name=await self._dispatching.name(session, order.assignee_id))
        hats = actor.hats(site_id=order.site_id, assignee_id=order.assignee_id)
        row = decide(state, action, hats=hats, given=words.given)
        check_ahead(now=self._clock.now(), hold_until=words.hold_until, promised_at=words.promised_at)
        return row

    async def _apply(
        self, session: AsyncSession, order: WorkOrder, effect: Effect, *, actor: Actor, words: Words,
        choice: Choice | None, now: datetime,
    ) -> None:  # fmt: skip
        match effect:
            case Effect.OFFER:
                await self._offer(session, order, actor=actor, words=words, choice=choice, now=now)
            case Effect.TAKE:
                await self._take(session, order, actor=actor, words=words, now=now)
            case Effect.WITHDRAW:
                await self._withdraw(session, order, actor=actor, now=now)
            case Effect.CHECK_IN:
                order.arrived_at = order.arrived_at or now
                await self._tasking.follow(session, order, TaskAction.ARRIVE)
            case Effect.PAUSE_CLOCK:
                order.held_since, order.hold_until = now, words.hold_until
            case Effect.RESUME_CLOCK:
                _resume_clock(order, now)
            case Effect.END_TASKS:
                await self._tasking.end(session, order, words.closing_code)
            case Effect.ASK_PROOF:
                await self._finish(session, order, words=words, now=now)
            case Effect.SETTLE:
                await self._settle(session, order, now=now)
            case Effect.UNSETTLE:
                await self._unsettle(session, order, now=now)
            case Effect.OFFER_NEXT:
                pass  # after the transition is recorded, see `_go_on`
            case _:
                assert_never(effect)

    async def _go_on(self, session: AsyncSession, order: WorkOrder, row: Transition) -> None:
        """What follows as a transition of its own, once this one stands on the timeline."""
        if Effect.UNSETTLE in row.effects:
            await self._tasking.begin(session, order)
        if Effect.OFFER_NEXT in row.effects:
            await self.dispatch_next(session, order)
        elif Effect.ASK_PROOF in row.effects:
            await self.weigh_proof(session, order)

    async def _offer(
        self, session: AsyncSession, order: WorkOrder, *, actor: Actor, words: Words, choice: Choice | None,
        now: datetime,
    ) -> None:  # fmt: skip
        assert words.assignee_id is not None  # the table requires it
        choice = choice or Choice(words.assignee_id, DispatchMode.MANUAL)
        order.assignee_id, order.dispatched_at = words.assignee_id, now
        ends_chain = choice.mode is DispatchMode.DUTY_MANAGER
        order.answer_due_at = None if ends_chain else now + timedelta(minutes=order.answer_min)
        order.promised_at = words.promised_at or order.promised_at
        offer(session, order, choice, chosen_by=actor.person_id, at=now)
        await self._tasking.assign_release(session, order)

    async def _take(
        self, session: AsyncSession, order: WorkOrder, *, actor: Actor, words: Words, now: datetime
    ) -> None:
        order.responded_at, order.answer_due_at = order.responded_at or now, None
        order.promised_at = words.promised_at or order.promised_at
        order.assignee_id = actor.person_id
        was_offered = await end_offer(session, order, OfferOutcome.ACCEPTED, at=now)
        if not was_offered and order.dispatched_at is None and actor.person_id is not None:
            order.dispatched_at = now
            offer(session, order, Choice(actor.person_id, DispatchMode.TAKEN), chosen_by=actor.person_id, at=now)
            await session.flush()
            await end_offer(session, order, OfferOutcome.ACCEPTED, at=now)
        await self._tasking.assign_release(session, order)
        await self._tasking.follow(session, order, TaskAction.ACCEPT)

    async def _withdraw(self, session: AsyncSession, order: WorkOrder, *, actor: Actor, now: datetime) -> None:
        own = actor.person_id is not None and actor.person_id == order.assignee_id
        late = order.answer_due_at is not None and order.answer_due_at <= now
        outcome = OfferOutcome.DECLINED if own else OfferOutcome.NO_ANSWER if late else OfferOutcome.WITHDRAWN
        await end_offer(session, order, outcome, at=now)
        order.assignee_id, order.answer_due_at = None, None

    async def _finish(self, session: AsyncSession, order: WorkOrder, *, words: Words, now: datetime) -> None:
        assert words.closing_code is not None  # the table requires it
        order.closing_code, order.closing_note = words.closing_code.value, words.note
        order.done_at, order.answer_due_at = now, None
        order.responded_at = order.responded_at or now
        await end_offer(session, order, OfferOutcome.WITHDRAWN, at=now)
        label = _LABELS.get(words.closing_code)
        for link in await repository.links_of_order(session, order.id):
            if label is not None:
                await self._alarms.label(session, alarm_id=link.alarm_id, label=label)
            alarm = await self._alarms.get(session, Scope.everywhere(), link.alarm_id)
            # What the alarm says now counts, muted as it may be and whichever event is still on its way.
            link.returned_at = None if alarm.is_present else link.returned_at or alarm.returned_at or now

    async def _settle(self, session: AsyncSession, order: WorkOrder, *, now: datetime) -> None:
        if order.state == OrderState.VERIFIED:
            order.verified_at = now
        order.proof_due_at = order.answer_due_at = None
        order.settled_at = order.settled_at or now
        incident = await repository.incident_of(session, order.id)
        incident.closed_at = incident.closed_at or now

    async def _unsettle(self, session: AsyncSession, order: WorkOrder, *, now: datetime) -> None:
        incident = await repository.incident_of(session, order.id)
        if incident.closed_at is not None and not await repository.reopen_incident(session, incident):
            holder = await repository.open_holder(session, incident)
            raise IncidentTakenOver(number=holder.number if holder else "—")
        due = Deadlines.starting(now, TargetClock(order.response_min, order.resolution_min))
        order.response_due_at, order.resolution_due_at = due.response_due_at, due.resolution_due_at
        order.promised_at = due.resolution_due_at
        order.responded_at = order.arrived_at = order.done_at = order.dispatched_at = None
        order.proof_due_at = order.verified_at = order.settled_at = None
        order.response_escalated_at = order.resolution_escalated_at = None
        order.closing_code = order.closing_note = order.assignee_id = None
        order.attempt += 1
        order.dispatch_round += 1


def check_ahead(*, now: datetime, **moments: datetime | None) -> None:
    """What is promised lies ahead, and in a time that people plan for. Raises FieldInvalid."""
    for name, moment in moments.items():
        if moment is not None and not now < moment < now + FURTHEST_AHEAD:
            raise FieldInvalid(field=name, allowed=f"> now, < now + {FURTHEST_AHEAD.days} d")


_SHOWN = ("state", "assignee_id", "priority", "closing_code", "promised_at", "hold_until", "resolution_due_at")


def _snapshot(order: WorkOrder) -> dict[str, str | None]:
    values = {name: getattr(order, name) for name in _SHOWN}
    return {name: value.isoformat() if isinstance(value, datetime) else _word(value) for name, value in values.items()}


def _word(value: object) -> str | None:
    return None if value is None else str(value)


def _resume_clock(order: WorkOrder, now: datetime) -> None:
    if order.held_since is None:
        return
    due = Deadlines(order.response_due_at, order.resolution_due_at).after_hold(held_since=order.held_since, now=now)
    moved = due.resolution_due_at - order.resolution_due_at
    order.resolution_due_at, order.promised_at = due.resolution_due_at, order.promised_at + moved
    order.held_since = order.hold_until = None


def _moved(
    order: WorkOrder, row: Transition, *, now: datetime, actor: Actor, previous_id: UUID | None
) -> WorkOrderMoved:
    return WorkOrderMoved(
        site_id=order.site_id,
        life_safety=order.is_life_safety,
        work_order_id=order.id,
        action=row.action,
        before=row.before,
        after=row.after,
        version=order.version,
        at=now,
        actor_id=actor.person_id,
        assignee_id=order.assignee_id,
        previous_id=previous_id,
    )


def _escalated(order: WorkOrder, reason: str) -> WorkOrderEscalated:
    return WorkOrderEscalated(
        site_id=order.site_id, life_safety=order.is_life_safety, work_order_id=order.id, reason=reason
    )  # fmt: skip
