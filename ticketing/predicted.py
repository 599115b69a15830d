"""Orders that were opened before anything failed: what is not needed any more, and who comes by anyway."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.detection import AlarmSource
from alarms.models import Alarm
from alarms.service import AlarmService
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from ticketing import predicted_repository, repository
from ticketing.actor import Actor
from ticketing.definitions.book import Definitions
from ticketing.events import TargetWarned, WorkOrderChanged
from ticketing.flow import Action, Hat
from ticketing.journal import Entry, record
from ticketing.kinds import Channel, OrderState
from ticketing.models import WorkOrder, WorkOrderAlarm
from ticketing.moving import Moving
from ticketing.words import Words

# What whoever has begun is told: a `ticketing.warning.…`.
NOT_NEEDED = "evidence_gone"
# Nobody is on the way.
_NOT_BEGUN = frozenset({OrderState.NEW, OrderState.DISPATCHED, OrderState.ACCEPTED})


class PredictedOrders:
    def __init__(self, *, alarms: AlarmService, moving: Moving, definitions: Definitions, clock: Clock) -> None:
        self._alarms = alarms
        self._moving = moving
        self._definitions = definitions
        self._clock = clock

    async def next_visits(
        self, session: AsyncSession, equipment_ids: Collection[UUID], *, after: datetime
    ) -> Mapping[UUID, datetime]:
        """Of each equipment, when somebody is to come next for an open order: by appointment, or when the one of a
        plan is due."""
        return await predicted_repository.next_visits(session, equipment_ids, after=after)

    async def call_off(self, session: AsyncSession, *, alarm_id: UUID, why: str) -> None:
        """The alarm was a prediction, and its evidence is gone. An order that nobody has begun and that is about
        nothing else is cancelled with a note; whoever has begun is told. Again it does nothing.
        """
        await repository.lock_name(session, f"alarm/{alarm_id}")
        links = await repository.links_of_alarm(session, alarm_id)
        for order_id in dict.fromkeys(link.work_order_id for link in links):
            order = await repository.lock_order(session, Scope.everywhere(), order_id)
            if order is None or order.settled_at is not None or order.state == OrderState.DONE:
                continue
            others = await self._others(session, order, links)
            if any(alarm.is_present and alarm.source == AlarmSource.PREDICTION for alarm in others):
                continue  # something else is predicted still: its order stands
            is_all = order.channel == Channel.SENSOR and all(one.source == AlarmSource.PREDICTION for one in others)
            is_all = is_all and not await repository.reports_of_order(session, order.id)
            if is_all and await self._may_cancel(session, order):
                await self._moving.move(
                    session, order, actor=Actor.system(), action=Action.CANCEL, words=Words(reason=why)
                )
            else:
                await self._tell(session, order, why)

    async def _others(
        self, session: AsyncSession, order: WorkOrder, gone: Sequence[WorkOrderAlarm]
    ) -> list[Alarm]:  # fmt: skip
        """The alarms behind the order besides the one that is gone."""
        alarm_ids = {link.alarm_id for link in await repository.links_of_order(session, order.id)}
        others = alarm_ids - {link.alarm_id for link in gone}
        return [await self._alarms.get(session, Scope.everywhere(), alarm_id) for alarm_id in others]

    async def _may_cancel(self, session: AsyncSession, order: WorkOrder) -> bool:
        """Nobody has set out, and the order's flow, which a company may have written, lets the hub."""
        flow = await self._definitions.flow_of(session, order)
        row = flow.find(order.at_stage, Action.CANCEL)
        return order.state in _NOT_BEGUN and row is not None and Hat.SYSTEM in row.hats

    async def _tell(self, session: AsyncSession, order: WorkOrder, why: str) -> None:
        now = self._clock.now()
        told = [] if order.assignee_id is None else [str(order.assignee_id)]
        record(session, order, Entry.WARNED, at=now, why=why, after={"reason": NOT_NEEDED, "told": told})
        await publish(session, WorkOrderChanged(site_id=order.site_id, work_order_id=order.id))
        if order.assignee_id is None:
            return
        warned = TargetWarned(
            site_id=order.site_id, life_safety=order.is_life_safety, work_order_id=order.id, reason=NOT_NEEDED,
            due_at=order.resolution_due_at, person_ids=(order.assignee_id,),
        )  # fmt: skip
        await publish(session, warned)
