"""What a further report or alarm changes about an open order: its name, its urgency, its flow."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from kit.events import publish
from ticketing import repository
from ticketing.actor import Actor
from ticketing.dispatch.choosing import Dispatching
from ticketing.draft import Draft
from ticketing.events import TargetWarned
from ticketing.flow import Action
from ticketing.incidents.incident import IncidentKey
from ticketing.journal import Entry, record
from ticketing.kinds import IN_HAND, Channel, OrderState
from ticketing.models import WorkOrder
from ticketing.moving import Moving
from ticketing.muting import Muting
from ticketing.proof.proving import Proving
from ticketing.site_targets import SiteTargets
from ticketing.sla.keeping import LevelKeeping
from ticketing.tasking import Tasking
from ticketing.words import Words

# Why an order is reopened: a word of the timeline's.
AGAIN = "again_after_done"
# What whoever has the order is told: a `ticketing.warning.…`.
WORSE = "worse"


class Joining:
    def __init__(
        self, *, targets: SiteTargets, moving: Moving, proving: Proving, tasking: Tasking, dispatching: Dispatching,
        muting: Muting, levels: LevelKeeping, clock: Clock,
    ) -> None:  # fmt: skip
        self._targets = targets
        self._moving = moving
        self._proving = proving
        self._tasking = tasking
        self._dispatching = dispatching
        self._muting = muting
        self._levels = levels
        self._clock = clock

    async def join(self, session: AsyncSession, order: WorkOrder, draft: Draft) -> None:
        """Makes `order`, whose row is held, at least as urgent and as definite as `draft`.

        What was said to be done and is heard of again is not done.
        """
        await self._name_fault(session, order, draft)
        is_other_work = await self._upgrade(session, order, draft)
        # A passenger is trapped or it burns: however late that is told, what was said to be done is not the end of it.
        if _is_heard_again(order, draft) or (is_other_work and order.state == OrderState.DONE):
            await self._begin_again(session, order, draft)
        elif is_other_work:
            await self._tasking.begin(session, order)
            if not await self._is_in_good_hands(session, order):
                self._levels.start_over(order, self._clock.now())
                order.dispatch_round += 1
                await self._moving.dispatch_next(session, order)
        await self._muting.adjust(session, order)

    async def _begin_again(self, session: AsyncSession, order: WorkOrder, draft: Draft) -> None:
        """A sensor's word refutes what was said to be done; a person's is no verdict of telemetry."""
        if draft.channel is Channel.SENSOR:
            await self._proving.refute(session, order, reason=AGAIN)
            return
        words = Words(reason=AGAIN)
        await self._moving.move(session, order, actor=Actor.system(), action=Action.REOPEN, words=words)

    async def _name_fault(self, session: AsyncSession, order: WorkOrder, draft: Draft) -> None:
        """People reported, now a sensor says what it is: the incident takes that name."""
        incident = await repository.incident_of(session, order.id)
        standing = IncidentKey(incident.subject, incident.nature)
        if draft.key is None or draft.key.is_vague or not standing.is_vague:
            return
        incident.nature, incident.key = draft.key.nature, str(draft.key)
        order.fault_mode = draft.fault_mode
        if order.repeat_of_id is None:
            since = order.opened_at - timedelta(days=(await self._targets.of(session, order.site_id)).repeat_days)
            order.repeat_of_id = await repository.last_same(session, site_id=order.site_id, key=draft.key, since=since)
        await session.flush()

    async def _upgrade(self, session: AsyncSession, order: WorkOrder, draft: Draft) -> bool:
        """Raises priority and kind where `draft` is worse; whether it is another kind of work now."""
        is_other_work = draft.kind.procedure.is_life_safety and draft.kind.procedure != order.procedure
        priority = min(order.priority, draft.priority)
        if not is_other_work and priority == order.priority:
            return False
        before = {"kind": order.kind, "priority": order.priority}
        now = self._clock.now()
        order.priority = priority
        order.answer_min = (await self._targets.of(session, order.site_id)).answer_min[priority]
        order.version += 1
        if is_other_work:
            _become(order, draft)
        await self._levels.tighten(session, order)
        record(session, order, Entry.UPGRADED, at=now, before=before, after={"kind": order.kind, "priority": priority})
        if not is_other_work:
            await publish(session, *worse_news(order))
        return is_other_work

    async def _is_in_good_hands(self, session: AsyncSession, order: WorkOrder) -> bool:
        if order.state not in IN_HAND or order.state == OrderState.ON_HOLD:
            return False
        ranking = await self._dispatching.ranking(session, order, asked=())
        return any(one.bidder.person_id == order.assignee_id for one in ranking.scored)


def worse_news(order: WorkOrder) -> list[TargetWarned]:
    """Who has an order hears that it is worse than what they were told; once, as long as it is due at the same time."""
    if order.assignee_id is None or order.state == OrderState.DONE:
        return []
    return [
        TargetWarned(
            site_id=order.site_id, life_safety=order.is_life_safety, work_order_id=order.id, reason=WORSE,
            due_at=order.resolution_due_at, person_ids=(order.assignee_id,),
        )
    ]  # fmt: skip


def _become(order: WorkOrder, draft: Draft) -> None:
    """Another kind of work, where it stands: a stage that the new flow does not have is the state it meant. Nobody who
    is trapped waits until the time that was agreed on for a repair."""
    order.kind, order.kind_version = draft.kind.code, draft.kind.version
    order.procedure, order.title = draft.kind.procedure.value, dict(draft.title)
    order.flow, order.flow_version, order.stage = draft.flow.code, draft.flow.version, None
    order.appointment_at = None


def _is_heard_again(order: WorkOrder, draft: Draft) -> bool:
    if order.state != OrderState.DONE or order.done_at is None:
        return False
    return draft.since is None or draft.since > order.done_at
