"""Moves orders through their flow and does what each transition entails, in one transaction.

Whoever calls holds the order's row (`repository.lock_order`): that is what lets one of twenty win.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from kit.events import publish
from ticketing import repository
from ticketing.actor import Actor
from ticketing.definitions.book import Definitions
from ticketing.dispatch.choosing import Dispatching
from ticketing.dispatch.modes import Choice, DispatchMode, Wait
from ticketing.dispatch.offers import OfferOutcome, end_offer, offer
from ticketing.errors import AlreadyTaken, FieldInvalid, IncidentTakenOver, ReopenTooLate
from ticketing.events import WorkOrderEscalated, WorkOrderMoved
from ticketing.flow import Action, Effect, Guard
from ticketing.following import Follow, Following, Step
from ticketing.form_filling import FormFilling
from ticketing.forms import Moment
from ticketing.incidents import repository as incident_repository
from ticketing.journal import Entry, record
from ticketing.kinds import FREE, IN_HAND, ClosingCode, OrderState
from ticketing.models import WorkOrder
from ticketing.muting import Muting
from ticketing.proof.windows import forget_pending, forget_verdict
from ticketing.sla.keeping import LevelKeeping
from ticketing.tasking import Tasking
from ticketing.tasks import TaskAction
from ticketing.words import NOTHING_SAID, Words

FURTHEST_AHEAD = timedelta(days=366)


class Moving:
    def __init__(
        self, *, definitions: Definitions, filling: FormFilling, dispatching: Dispatching, tasking: Tasking,
        muting: Muting, levels: LevelKeeping, clock: Clock, guards: Mapping[Guard, Follow],
        effects: Mapping[Effect, Follow], later: Mapping[Effect, Follow], always: Sequence[Follow] = (),
    ) -> None:  # fmt: skip
        """`guards`, `effects` and `later` are what other parts of the room bring besides the core's own; `always` are
        asked before any transition, whatever its flow says."""
        self._always = always
        self._definitions = definitions
        self._filling = filling
        self._dispatching = dispatching
        self._tasking = tasking
        self._muting = muting
        self._levels = levels
        self._clock = clock
        self.following = Following(
            guards={Guard.REOPENABLE: self._check_reopenable, **guards},
            effects={
                Effect.ADMIT: self._admit,
                Effect.OFFER: self._offer,
                Effect.TAKE: self._take,
                Effect.WITHDRAW: self._withdraw,
                Effect.CHECK_IN: self._check_in,
                Effect.PAUSE_CLOCK: levels.pause,
                Effect.RESUME_CLOCK: levels.resume,
                Effect.END_TASKS: self._end_tasks,
                Effect.ASK_PROOF: self._finish,
                Effect.SETTLE: self._settle,
                Effect.UNSETTLE: self._unsettle,
                **effects,
            },
            later={
                Effect.UNSETTLE: self._begin_again,
                Effect.OFFER_NEXT: self._offer_next,
                **later,
            },
        )

    async def move(
        self, session: AsyncSession, order: WorkOrder, *, actor: Actor, action: str, words: Words = NOTHING_SAID,
        choice: Choice | None = None,
    ) -> None:  # fmt: skip
        """One transition with all that follows from it.

        `choice` says why the assignee was chosen, when it was not a person who chose. Raises IllegalTransition,
        AlreadyTaken, NotYourOrder, FieldMissing, FieldInvalid, FieldUnknown, FieldNotYours, TasksUnfinished,
        IncidentTakenOver, and what guards and effects raise.
        """
        step = await self._decide(session, order, actor, action, words, choice)
        before = _snapshot(order)
        await self._fill_in(session, step)
        _enter(order, step)
        await self.following.apply(session, step)
        if step.flow.stage(step.row.before).state in FREE:
            await self._dispatching.end_wait(session, order)
        await self._muting.adjust(session, order)
        after = _snapshot(order)
        record(
            session, order, Entry.MOVED, at=step.now, actor_id=actor.person_id, why=words.reason or words.note,
            before={"state": before["state"], **{key: was for key, was in before.items() if after[key] != was}},
            after={"action": action, **{key: value for key, value in after.items() if before[key] != value}},
        )  # fmt: skip
        await publish(session, _moved(step))
        await self.following.go_on(session, step)

    async def check_not_taken(self, session: AsyncSession, order: WorkOrder, *, actor: Actor, action: str) -> None:
        """Whoever accepts what somebody else has is told who. Raises AlreadyTaken."""
        state = OrderState(order.state)
        taken = state in IN_HAND or state is OrderState.DISPATCHED
        if action == Action.ACCEPT and taken and order.assignee_id not in (None, actor.person_id):
            raise AlreadyTaken(number=order.number, by_name=await self._dispatching.name(session, order.assignee_id))

    async def dispatch_next(self, session: AsyncSession, order: WorkOrder) -> None:
        """Offers the order to the next candidate, at last to the duty manager; or lets it wait to be taken."""
        choice = await self._dispatching.choose(session, order)
        if isinstance(choice, Wait):
            await self._leave_to_all(session, order, choice)
            return
        if choice is None:
            now = self._clock.now()
            record(session, order, Entry.NOBODY_FOUND, at=now)
            if order.answer_due_at is not None:  # looked for again, but not with every sweep
                order.answer_due_at = now + timedelta(minutes=order.answer_min)
            await publish(session, _escalated(order, "nobody_found"))
            return
        words = Words(assignee_id=choice.person_id)
        await self.move(session, order, actor=Actor.system(), action=Action.DISPATCH, words=words, choice=choice)

    async def _leave_to_all(self, session: AsyncSession, order: WorkOrder, wait: Wait) -> None:
        if order.state in FREE:
            await self._dispatching.begin_wait(session, order, wait)
            return
        # Whoever did not answer loses it first. It is then looked for anew: they are among those who were asked.
        await self.move(session, order, actor=Actor.system(), action=Action.LAPSE)

    # --- deciding --------------------------------------------------------------------------------------------------

    async def _decide(
        self, session: AsyncSession, order: WorkOrder, actor: Actor, action: str, words: Words, choice: Choice | None
    ) -> Step:
        await self.check_not_taken(session, order, actor=actor, action=action)
        flow = await self._definitions.flow_of(session, order)
        hats = actor.hats(site_id=order.site_id, assignee_id=order.assignee_id)
        row = flow.decide(order.at_stage, action, hats=hats, given=words.given)
        now = self._clock.now()
        check_ahead(now=now, hold_until=words.hold_until, promised_at=words.promised_at)
        step = Step(order, flow, row, actor, words, choice, now, order.assignee_id)
        await self.following.check(session, step)
        for check in self._always:
            await check(session, step)
        return step

    async def _fill_in(self, session: AsyncSession, step: Step) -> None:
        """Keeps what was filled in with the action; what a kind wants at completion must be there by then."""
        order, given = step.order, step.words.form
        is_finished = step.flow.stage(step.row.after).state is OrderState.DONE
        if not given and not is_finished:
            return
        form = (await self._definitions.kind_of(session, order)).form
        if given:
            order.form = await self._filling.fill(
                session, form, order.form, given, roles=step.actor.roles(order.site_id), site_id=order.site_id,
                work_order_id=order.id,
            )  # fmt: skip
        # Of a duplicate nothing was done that could be told: the other order tells it.
        if is_finished and step.words.closing_code is not ClosingCode.DUPLICATE:
            form.check_complete(order.form, Moment.COMPLETION, action=step.row.action)

    async def _check_reopenable(self, session: AsyncSession, step: Step) -> None:
        settled_at = step.order.settled_at
        if settled_at is not None and step.now - settled_at > timedelta(days=step.flow.reopen_days):
            raise ReopenTooLate(number=step.order.number, days=step.flow.reopen_days)

    # --- what follows ----------------------------------------------------------------------------------------------

    async def _begin_again(self, session: AsyncSession, step: Step) -> None:
        await self._tasking.begin(session, step.order)

    async def _offer_next(self, session: AsyncSession, step: Step) -> None:
        await self.dispatch_next(session, step.order)

    async def _admit(self, session: AsyncSession, step: Step) -> None:
        step.order.admitted_at = step.now

    async def _offer(self, session: AsyncSession, step: Step) -> None:
        order, words, now = step.order, step.words, step.now
        assert words.assignee_id is not None  # the flow requires it
        choice = step.choice or Choice(words.assignee_id, DispatchMode.MANUAL)
        order.assignee_id, order.dispatched_at = words.assignee_id, now
        ends_chain = choice.mode is DispatchMode.DUTY_MANAGER
        order.answer_due_at = None if ends_chain else now + timedelta(minutes=order.answer_min)
        order.promised_at = words.promised_at or order.promised_at
        offer(session, order, choice, chosen_by=step.actor.person_id, at=now)
        await self._tasking.assign_release(session, order)

    async def _take(self, session: AsyncSession, step: Step) -> None:
        order, actor, now = step.order, step.actor, step.now
        order.responded_at, order.answer_due_at = order.responded_at or now, None
        order.promised_at = step.words.promised_at or order.promised_at
        order.assignee_id = actor.person_id
        was_offered = await end_offer(session, order, OfferOutcome.ACCEPTED, at=now)
        was_free = step.flow.stage(step.row.before).state in FREE
        if not was_offered and was_free and actor.person_id is not None:
            order.dispatched_at = now
            offer(session, order, Choice(actor.person_id, DispatchMode.TAKEN), chosen_by=actor.person_id, at=now)
            await session.flush()
            await end_offer(session, order, OfferOutcome.ACCEPTED, at=now)
        await self._tasking.assign_release(session, order)
        await self._tasking.follow(session, order, TaskAction.ACCEPT)

    async def _withdraw(self, session: AsyncSession, step: Step) -> None:
        order, actor, now = step.order, step.actor, step.now
        own = actor.person_id is not None and actor.person_id == order.assignee_id
        late = order.answer_due_at is not None and order.answer_due_at <= now
        outcome = OfferOutcome.DECLINED if own else OfferOutcome.NO_ANSWER if late else OfferOutcome.WITHDRAWN
        await end_offer(session, order, outcome, at=now)
        order.assignee_id, order.answer_due_at = None, None

    async def _check_in(self, session: AsyncSession, step: Step) -> None:
        step.order.arrived_at = step.order.arrived_at or step.now
        await self._tasking.follow(session, step.order, TaskAction.ARRIVE)

    async def _end_tasks(self, session: AsyncSession, step: Step) -> None:
        code = step.words.closing_code
        is_called_off = step.flow.stage(step.row.after).state is OrderState.CANCELLED
        await self._tasking.end(session, step.order, None if is_called_off else code)

    async def _finish(self, session: AsyncSession, step: Step) -> None:
        order, words, now = step.order, step.words, step.now
        order.closing_code, order.closing_note = words.closing_code, words.note
        order.done_at, order.answer_due_at = now, None
        order.responded_at = order.responded_at or now
        await end_offer(session, order, OfferOutcome.WITHDRAWN, at=now)

    async def _settle(self, session: AsyncSession, step: Step) -> None:
        order, now = step.order, step.now
        if order.state == OrderState.VERIFIED:
            order.verified_at = now
        order.answer_due_at = None
        forget_pending(order)
        order.settled_at = order.settled_at or now
        incident = await repository.incident_of(session, order.id)
        incident.closed_at = incident.closed_at or now
        await incident_repository.close_incidents_of_merged(session, order)

    async def _unsettle(self, session: AsyncSession, step: Step) -> None:
        order = step.order
        incident = await repository.incident_of(session, order.id)
        if incident.closed_at is not None and not await repository.reopen_incident(session, incident):
            holder = await repository.open_holder(session, incident)
            raise IncidentTakenOver(number=holder.number if holder else "—")
        await incident_repository.reopen_incidents_of_merged(session, order)
        order.dispatched_at = None
        order.verified_at = order.settled_at = None
        forget_verdict(order)
        order.closing_code = order.closing_note = order.assignee_id = None
        order.found_mode = order.cause = order.remedy = order.duplicate_of_id = None
        order.attempt += 1
        order.dispatch_round += 1
        self._levels.restart(order, step.now)


def _enter(order: WorkOrder, step: Step) -> None:
    stage = step.flow.stage(step.row.after)
    order.state = stage.state.value
    order.stage = stage.code if stage.code != stage.state else None
    order.version += 1


def check_ahead(*, now: datetime, **moments: datetime | None) -> None:
    """What is promised lies ahead, and in a time that people plan for. Raises FieldInvalid."""
    for name, moment in moments.items():
        if moment is not None and not now < moment < now + FURTHEST_AHEAD:
            raise FieldInvalid(field=name, allowed=f"> now, < now + {FURTHEST_AHEAD.days} d")


_SHOWN = ("state", "stage", "assignee_id", "priority", "closing_code", "promised_at", "hold_until", "resolution_due_at")


def _snapshot(order: WorkOrder) -> dict[str, str | None]:
    values = {name: getattr(order, name) for name in _SHOWN}
    return {name: value.isoformat() if isinstance(value, datetime) else _word(value) for name, value in values.items()}


def _word(value: object) -> str | None:
    return None if value is None else str(value)


def _moved(step: Step) -> WorkOrderMoved:
    order = step.order
    return WorkOrderMoved(
        site_id=order.site_id,
        life_safety=order.is_life_safety,
        work_order_id=order.id,
        action=step.row.action,
        before=step.flow.stage(step.row.before).state,
        after=step.flow.stage(step.row.after).state,
        version=order.version,
        at=step.now,
        actor_id=step.actor.person_id,
        assignee_id=order.assignee_id,
        previous_id=step.previous_id,
    )


def _escalated(order: WorkOrder, reason: str) -> WorkOrderEscalated:
    return WorkOrderEscalated(
        site_id=order.site_id, life_safety=order.is_life_safety, work_order_id=order.id, reason=reason
    )  # fmt: skip
