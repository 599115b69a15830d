"""From a report or an alarm to an order: the open one about the same thing, or a new one.

Two at once about the same thing wait for each other on the incident's subject; where they did not, the partial
unique index on open incidents sends the second one back to look again.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from kit.ids import new_id
from ticketing import repository
from ticketing.draft import Draft
from ticketing.events import WorkOrderOpened
from ticketing.incidents.incident import IncidentKey, find_same
from ticketing.incidents.joining import Joining
from ticketing.journal import Entry, record
from ticketing.kinds import OrderState
from ticketing.models import Incident, WorkOrder
from ticketing.moving import Moving
from ticketing.muting import Muting
from ticketing.order_kind import Intake
from ticketing.reports import NewReport
from ticketing.site_targets import SiteTargets
from ticketing.targets import Targets
from ticketing.tasking import Tasking

# Whoever loses a race finds the winner's incident at the next look; a third look has never been needed.
_ATTEMPTS = 3


# Given an order that is not kept yet, and what it comes from.
Begin = Callable[[AsyncSession, WorkOrder, Draft], Awaitable[None]]
# Whoever wants to know what was said, before anybody is given the work.
Hear = Callable[[AsyncSession, WorkOrder, NewReport], Awaitable[None]]


class _LostRace(Exception):
    """Somebody else opened the same incident in between."""


class Opening:
    def __init__(
        self, *, catalog: CatalogService, targets: SiteTargets, moving: Moving, tasking: Tasking, muting: Muting,
        joining: Joining, clock: Clock, registry: CollectorRegistry, begins: Sequence[Begin],
    ) -> None:  # fmt: skip
        """`begins`: what other parts of the room write into an order that opens, in this sequence: its service level
        first of all, without which there is no order."""
        self._catalog = catalog
        self._targets = targets
        self._moving = moving
        self._tasking = tasking
        self._muting = muting
        self._joining = joining
        self._clock = clock
        self._begins = begins
        self._opened = Counter(
            "hub_work_orders_opened_total", "Work orders opened.", ["kind", "channel"], registry=registry
        )
        self._joined = Counter(
            "hub_work_orders_joined_total", "Reports and alarms that joined an open order.", ["channel"],
            registry=registry,
        )  # fmt: skip

    async def open_or_join(
        self, session: AsyncSession, draft: Draft, *, report_id: UUID | None = None
    ) -> tuple[WorkOrder, bool]:
        """The order that `draft` belongs to, its row held, and whether it was open before. Not dispatched yet.

        `report_id` goes into the event, for whoever tells the reporter.
        """
        for _ in range(_ATTEMPTS):
            standing = await self._standing(session, draft)
            if standing is not None:
                await self._joining.join(session, standing, draft)
                self._joined.labels(channel=draft.channel.value).inc()
                return standing, True
            try:
                async with session.begin_nested():
                    order = await self._open(session, draft)
            except _LostRace:
                continue
            await self._announce(session, order, report_id)
            return order, False
        raise RuntimeError(f"incident {draft.key} changes hands faster than it can be read")

    async def start(self, session: AsyncSession, order: WorkOrder) -> None:
        """Sets people going: the kind's parallel tasks, then whoever the work is offered to."""
        await self._tasking.begin(session, order)
        # What customer service must take in first is given out by that.
        if order.stage is None:
            await self._moving.dispatch_next(session, order)
        await self._muting.adjust(session, order)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _standing(self, session: AsyncSession, draft: Draft) -> WorkOrder | None:
        """The open order about the same thing, held; None when there is none."""
        if draft.key is None:
            return None
        site_id = draft.place.site_id
        await repository.lock_name(session, f"incident/{site_id}/{draft.key.subject}")
        same = find_same(
            draft.key, await repository.open_incidents(session, site_id=site_id, subject=draft.key.subject)
        )  # fmt: skip
        if same is None:
            return None
        order = await repository.lock_order(session, Scope.everywhere(), same.work_order_id)
        if order is not None and order.merged_into_id is not None:  # while we waited for the row
            order = await repository.lock_order(session, Scope.everywhere(), order.merged_into_id)
        # While we waited it may have been closed: then this is a new one.
        return order if order is not None and order.settled_at is None else None

    async def _open(self, session: AsyncSession, draft: Draft) -> WorkOrder:
        now = self._clock.now()
        targets = await self._targets.of(session, draft.place.site_id)
        order = _row(draft, targets, now=now, number=await self._number(session, draft.place.site_id, now))
        key = draft.key or IncidentKey.of_nothing_known(order.id)
        order.repeat_of_id = await repository.last_same(
            session, site_id=order.site_id, key=key, since=now - timedelta(days=targets.repeat_days)
        )
        for begin in self._begins:
            await begin(session, order, draft)
        session.add(order)
        await session.flush()
        incident = Incident(
            site_id=order.site_id, work_order_id=order.id, subject=key.subject, nature=key.nature, key=str(key),
            opened_at=now,
        )  # fmt: skip
        if not await repository.claim_incident(session, incident):
            raise _LostRace
        record(
            session, order, Entry.OPENED, at=now, actor_id=draft.opened_by,
            after={"kind": order.kind, "priority": order.priority, "channel": order.channel},
        )  # fmt: skip
        return order

    async def _announce(self, session: AsyncSession, order: WorkOrder, report_id: UUID | None) -> None:
        self._opened.labels(kind=order.kind, channel=order.channel).inc()
        await publish(
            session,
            WorkOrderOpened(
                site_id=order.site_id,
                life_safety=order.is_life_safety,
                work_order_id=order.id,
                equipment_id=order.equipment_id,
                report_id=report_id,
            ),
        )

    async def _number(self, session: AsyncSession, site_id: UUID, now: datetime) -> str:
        site = await self._catalog.site(session, Scope.everywhere(), site_id)
        day = now.astimezone(ZoneInfo(site.timezone)).date()
        return f"WO-{day:%Y%m%d}-{await repository.next_number(session, site_id=site_id, day=day):04d}"


def _row(draft: Draft, targets: Targets, *, now: datetime, number: str) -> WorkOrder:
    kind, flow = draft.kind, draft.flow
    stage = flow.admission if kind.intake is Intake.ADMIT else None
    equipment = draft.place.equipment
    return WorkOrder(
        id=new_id(),
        site_id=draft.place.site_id,
        number=number,
        kind=kind.code,
        kind_version=kind.version,
        procedure=kind.procedure.value,
        category=draft.category.value,
        topic=draft.topic,
        channel=draft.channel.value,
        state=OrderState.NEW.value,
        flow=flow.code,
        flow_version=flow.version,
        stage=stage,
        form=dict(draft.form),
        appointment_at=draft.appointment_at,
        priority=draft.priority,
        title=dict(draft.title),
        place=draft.place.words,
        building_id=draft.place.building_id,
        space_id=draft.place.space_id,
        equipment_id=equipment.id if equipment else None,
        equipment_code=equipment.code if equipment else None,
        equipment_kind=equipment.kind.value if equipment else None,
        fault_mode=draft.fault_mode,
        opened_by=draft.opened_by,
        version=1,
        entries=0,
        opened_at=now,
        answer_min=targets.answer_min[draft.priority],
        proof_window_min=targets.proof_window_min,
        proof_in_band_min=targets.proof_in_band_min,
        attempt=1,
        dispatch_round=1,
        facts={},
    )
