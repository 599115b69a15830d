"""What alarms mean for work orders. Each handler may run twice for one event: a kept episode is what says "done"."""

import asyncio
from datetime import datetime
from typing import assert_never
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.detection import AlarmSource, OrderJoining
from alarms.events import AlarmAcknowledged, AlarmRaised, AlarmReminded, AlarmReturned, AlarmSeverityChanged
from alarms.lifecycle import AlarmState
from alarms.models import Alarm
from alarms.service import AlarmService
from building.equipment import EquipmentKind
from building.severity import Severity
from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from kit.logs import logger
from ticketing import repository
from ticketing.definitions.book import Definitions
from ticketing.definitions.errors import KindNotFound
from ticketing.draft import Draft
from ticketing.errors import PlaceNotFound
from ticketing.events import WorkOrderChanged, WorkOrderJoined, WorkOrderOpened
from ticketing.facts import EquipmentFacts
from ticketing.flow import Flow
from ticketing.incidents.incident import IncidentKey
from ticketing.incidents.joining import worse_news
from ticketing.journal import Entry, record
from ticketing.kinds import LOWEST_PRIORITY, Category, Channel, procedure_of
from ticketing.models import COMMON_KIND, WorkOrder, WorkOrderAlarm
from ticketing.opening import Opening
from ticketing.order_kind import OrderKind
from ticketing.places import find_place
from ticketing.proof.windows import Windows

log = logger(__name__)

FACTS_DEADLINE_S = 10.0

_CATEGORIES = {
    EquipmentKind.ELEVATOR: Category.ELEVATOR,
    EquipmentKind.ESCALATOR: Category.ELEVATOR,
    EquipmentKind.PUMP: Category.NO_WATER,
    EquipmentKind.TANK: Category.NO_WATER,
    EquipmentKind.RISER: Category.WATER_LEAK,
    EquipmentKind.SMOKE_DETECTOR: Category.FIRE,
    EquipmentKind.HEAT_DETECTOR: Category.FIRE,
    EquipmentKind.FIRE_PANEL: Category.FIRE,
    EquipmentKind.GAS_DETECTOR: Category.GAS,
    EquipmentKind.ELECTRICITY_METER: Category.POWER,
    EquipmentKind.POWER_SUPPLY: Category.POWER,
    EquipmentKind.WATER_METER: Category.METER,
    EquipmentKind.GAS_METER: Category.METER,
    EquipmentKind.HEAT_METER: Category.METER,
    EquipmentKind.AHU: Category.HVAC,
    EquipmentKind.CHILLER: Category.HVAC,
    EquipmentKind.FAN: Category.HVAC,
    EquipmentKind.DOOR: Category.DOOR_LOCK,
}


Spoke = AlarmRaised | AlarmSeverityChanged


def is_work(event: Spoke | AlarmReturned | AlarmAcknowledged) -> bool:
    """Whether the alarm has an order policy or a flow of life safety; no other is ever linked to an order, no test of a
    device is, and nothing becomes work by getting better."""
    if isinstance(event, Spoke) and event.is_test:
        return False
    if isinstance(event, AlarmSeverityChanged) and not event.is_worse:
        return False
    return event.order_kind is not None or procedure_of(event.fault_mode).is_life_safety


def _key(event: Spoke, building_id: UUID | None, *, is_life_safety: bool) -> IncidentKey:
    """Which order the alarm joins, as its rule says. Life safety always by its own fault: it is nobody's appendix."""
    joins = OrderJoining(event.order_joins or OrderJoining.FAULT)
    match OrderJoining.FAULT if is_life_safety else joins:
        case OrderJoining.BUILDING if building_id is not None:
            return IncidentKey.of_building(building_id, event.fault_mode)
        case OrderJoining.EQUIPMENT:
            return IncidentKey.of_equipment(event.equipment_id, None)
        case OrderJoining.FAULT | OrderJoining.BUILDING:
            return IncidentKey.of_equipment(event.equipment_id, event.fault_mode)
        case other:
            assert_never(other)


class AlarmHandlers:
    """Subscribed to the events of alarms in `hub.subscriptions`."""

    def __init__(
        self, *, opening: Opening, windows: Windows, alarms: AlarmService, catalog: CatalogService,
        definitions: Definitions, clock: Clock,
    ) -> None:  # fmt: skip
        self._opening = opening
        self._windows = windows
        self._alarms = alarms
        self._catalog = catalog
        self._definitions = definitions
        self._clock = clock

    async def on_alarm_raised(self, session: AsyncSession, event: Spoke) -> None:
        """Opens an order, or joins the open one about the same thing. An alarm without an order policy is no work.

        One that became worse makes its order as urgent as that, or another one where that is settled already; so does
        one that asks again after its order was settled.
        """
        if not is_work(event):
            return
        await repository.lock_name(session, f"alarm/{event.alarm_id}")
        link = await repository.alarm_link(session, alarm_id=event.alarm_id, onset_at=event.onset_at)
        if link is not None and isinstance(event, AlarmRaised) and not await self._asks_after_the_end(session, link):
            return
        if event.source == AlarmSource.PREDICTION and await self._is_taken_back(session, event):
            return
        draft = await self._draft(session, event)
        if draft is None:
            return
        order, joined = await self._opening.open_or_join(session, draft)
        if link is None:
            await self._link(session, order, event)
        elif link.work_order_id != order.id:
            link.work_order_id, link.joined_at, link.acknowledged_at = order.id, self._clock.now(), None
            link.told_with = _told_with(event)
        if not joined:
            await self._opening.start(session, order)
        elif link is None:
            await self._note_joined(session, order, event)
        elif isinstance(event, AlarmSeverityChanged):
            await publish(session, *worse_news(order))

    async def on_alarm_reminded(self, session: AsyncSession, event: AlarmReminded) -> None:
        """Nobody answered the alarm, and its order may be settled: then it is work once more."""
        alarm = await self._alarms.get(session, Scope.everywhere(), event.alarm_id)
        if alarm.episode_onset_at == event.onset_at:
            await self.on_alarm_raised(session, _as_raised(alarm))

    async def on_alarm_returned(self, session: AsyncSession, event: AlarmReturned) -> None:
        """Telemetry is back to normal: evidence for an order that is done, a note for one that is not."""
        await repository.lock_name(session, f"alarm/{event.alarm_id}")
        for link in await repository.links_of_alarm(session, event.alarm_id):
            if link.returned_at is None and link.onset_at <= event.returned_at:
                await self._returned(session, link, at=event.returned_at)

    async def on_alarm_acknowledged(self, session: AsyncSession, event: AlarmAcknowledged) -> None:
        """Whoever looks at the order sees that somebody looked at the alarm."""
        await repository.lock_name(session, f"alarm/{event.alarm_id}")
        now = self._clock.now()
        for link in (await repository.links_of_alarm(session, event.alarm_id))[:1]:
            if link.acknowledged_at is not None:
                continue
            link.acknowledged_at = now
            order = await self._hold(session, link)
            after = {"alarm_id": str(event.alarm_id)}
            record(session, order, Entry.ALARM_ACKNOWLEDGED, at=now, actor_id=event.person_id, after=after)

    async def _draft(self, session: AsyncSession, event: Spoke) -> Draft | None:
        try:
            place = await find_place(
                session, self._catalog, site_id=event.site_id, equipment_id=event.equipment_id, space_id=None,
                building_id=None,
            )  # fmt: skip
        except PlaceNotFound:
            log.warning("alarm of equipment that is gone", alarm_id=str(event.alarm_id))
            return None
        assert place.equipment is not None  # asked for by its id
        kind, flow = await self._kind(session, event)
        is_life_safety = kind.procedure.is_life_safety
        priority = min(max(event.order_priority or LOWEST_PRIORITY, 1), LOWEST_PRIORITY)
        return Draft(
            place=place,
            kind=kind,
            flow=flow,
            category=_CATEGORIES.get(place.equipment.kind, Category.PUBLIC_AREA),
            channel=Channel.SENSOR,
            priority=1 if is_life_safety else priority,
            title=await self._title(session, event, kind),
            key=_key(event, place.building_id, is_life_safety=is_life_safety),
            fault_mode=event.fault_mode,
            since=event.onset_at,
        )

    async def _kind(self, session: AsyncSession, event: Spoke) -> tuple[OrderKind, Flow]:
        """The kind that the fault mode demands, else the one the rule asked for; one we do not have is a repair."""
        demanded = procedure_of(event.fault_mode)
        wished = demanded.value if demanded.is_life_safety else event.order_kind or COMMON_KIND
        try:
            return await self._definitions.for_new(session, wished)
        except KindNotFound:
            log.warning("rule asks for an unknown kind", source_id=event.source_id, order_kind=wished)
            return await self._definitions.for_new(session, COMMON_KIND)

    async def _title(self, session: AsyncSession, event: Spoke, kind: OrderKind) -> dict[str, str]:
        if kind.procedure.is_life_safety:
            return dict(kind.names)
        alarm = await self._alarms.get(session, Scope.everywhere(), event.alarm_id)
        return {str(language): str(words) for language, words in alarm.message.items()}

    async def _link(self, session: AsyncSession, order: WorkOrder, event: Spoke) -> None:
        alarm = await self._alarms.get(session, Scope.everywhere(), event.alarm_id)
        session.add(
            WorkOrderAlarm(
                alarm_id=event.alarm_id,
                onset_at=event.onset_at,
                work_order_id=order.id,
                site_id=order.site_id,
                fault_mode=event.fault_mode,
                joined_at=self._clock.now(),
                # Its return may have been handled before this: events are delivered in no order.
                returned_at=None if alarm.is_present else alarm.returned_at,
                told_with=_told_with(event),
            )
        )
        await session.flush()

    async def _note_joined(self, session: AsyncSession, order: WorkOrder, event: Spoke) -> None:
        record(session, order, Entry.ALARM_JOINED, at=self._clock.now(), after={"alarm_id": str(event.alarm_id)})
        await publish(
            session,
            WorkOrderJoined(
                site_id=order.site_id,
                life_safety=order.is_life_safety,
                work_order_id=order.id,
                alarm_id=event.alarm_id,
            ),
        )

    async def _is_taken_back(self, session: AsyncSession, event: Spoke) -> bool:
        """Nothing has failed, and before this was heard nothing spoke for it any more: it never becomes work."""
        alarm = await self._alarms.get(session, Scope.everywhere(), event.alarm_id)
        return not alarm.is_present and alarm.episode_onset_at == event.onset_at

    async def _asks_after_the_end(self, session: AsyncSession, link: WorkOrderAlarm) -> bool:
        """Whether its order is settled, and it asked for attention after that; not, when an event is heard again."""
        order = await repository.order(session, Scope.everywhere(), link.work_order_id)
        if order is None or order.settled_at is None:
            return False
        alarm = await self._alarms.get(session, Scope.everywhere(), link.alarm_id)
        is_asking = alarm.state == AlarmState.UNACKED and alarm.is_present and alarm.suppressed_by is None
        return is_asking and alarm.attended_at is not None and alarm.attended_at > order.settled_at

    async def _returned(self, session: AsyncSession, link: WorkOrderAlarm, *, at: datetime) -> None:
        order = await self._hold(session, link)
        link.returned_at = at
        now, after = self._clock.now(), {"alarm_id": str(link.alarm_id), "returned_at": at.isoformat()}
        record(session, order, Entry.ALARM_RETURNED, at=now, after=after)
        await session.flush()
        await publish(session, WorkOrderChanged(site_id=order.site_id, work_order_id=order.id))
        self._windows.hear_return(order, await repository.links_of_order(session, order.id))

    async def _hold(self, session: AsyncSession, link: WorkOrderAlarm) -> WorkOrder:
        order = await repository.lock_order(session, Scope.everywhere(), link.work_order_id)
        assert order is not None  # the foreign key's word
        return order


def _told_with(event: Spoke) -> UUID | None:
    return None if event.life_safety else event.group_id or event.root_id


def _as_raised(alarm: Alarm) -> AlarmRaised:
    return AlarmRaised(
        site_id=alarm.site_id,
        life_safety=alarm.life_safety,
        alarm_id=alarm.id,
        equipment_id=alarm.equipment_id,
        source=alarm.source,
        source_id=alarm.source_id,
        fault_mode=alarm.fault_mode,
        severity=Severity(alarm.severity),
        onset_at=alarm.episode_onset_at,
        order_kind=alarm.order_kind,
        order_priority=alarm.order_priority,
        order_joins=alarm.order_joins,
        root_id=alarm.root_id,
        group_id=alarm.group_id,
        is_test=alarm.is_test,
    )


class Triage:
    """Attaches what the equipment says to an order that just opened; apart from opening, which waits for nothing."""

    def __init__(self, facts: EquipmentFacts) -> None:
        self._facts = facts

    async def on_work_order_opened(self, session: AsyncSession, event: WorkOrderOpened) -> None:
        if event.equipment_id is None:
            return
        async with asyncio.timeout(FACTS_DEADLINE_S):
            latest = await self._facts.latest(event.equipment_id)
        order = await repository.lock_order(session, Scope.everywhere(), event.work_order_id)
        if order is None or order.facts or not latest:
            return
        order.facts = {
            fact.key: {
                "name": fact.name, "value": fact.value, "unit": fact.unit, "quality": fact.quality,
                "at": fact.at.isoformat(),
            }
            for fact in latest
        }  # fmt: skip
        await publish(session, WorkOrderChanged(site_id=order.site_id, work_order_id=order.id))
