"""Coming to an order: by a tap, or by scanning the label of the equipment or the door. Where somebody stood is kept
only while they are on shift, and they are told which."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from catalog.errors import QrTokenUnknown
from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.ids import new_id
from people.service import PeopleService
from ticketing.actor import Actor
from ticketing.definitions.book import Definitions
from ticketing.errors import WorkOrderNotFound
from ticketing.feedback import repository as feedback_repository
from ticketing.flow import Action
from ticketing.holding import held
from ticketing.kinds import OrderState, Procedure
from ticketing.models import WorkOrder
from ticketing.moving import Moving
from ticketing.working import repository
from ticketing.working.errors import LabelUnknown
from ticketing.working.models import CheckIn

_THERE = (OrderState.ON_SITE, OrderState.IN_PROGRESS)
# The ways to the door, shortest first: taken as offered, taken from the pool, gone on with after a wait.
_WAYS = ((Action.ARRIVE,), (Action.ACCEPT, Action.ARRIVE), (Action.RESUME, Action.ARRIVE))


class How(StrEnum):
    TAP = "tap"
    SCAN = "scan"
    LINK = "link"


class PlaceKept(StrEnum):
    """What became of the coordinates."""

    KEPT = "kept"
    OFF_SHIFT = "off_shift"
    NOT_GIVEN = "not_given"


@dataclass(frozen=True)
class Position:
    """Degrees (WGS 84), and how far off it may be."""

    latitude: float
    longitude: float
    accuracy_m: float | None = None


@dataclass(frozen=True)
class Arrival:
    order: WorkOrder
    place_kept: PlaceKept


@dataclass(frozen=True)
class Label:
    """What a scanned code belongs to."""

    site_id: UUID
    name: str
    equipment_id: UUID | None
    space_id: UUID | None
    order_spaces: frozenset[UUID]


@dataclass(frozen=True)
class Scanned:
    """`arrival`: it was clear which order; `choices`: several, scan again with one; neither: report from here."""

    label: Label
    arrival: Arrival | None = None
    choices: Sequence[WorkOrder] = ()


class Arriving:
    def __init__(
        self, *, catalog: CatalogService, people: PeopleService, definitions: Definitions, moving: Moving,
        clock: Clock, registry: CollectorRegistry,
    ) -> None:  # fmt: skip
        self._catalog = catalog
        self._people = people
        self._definitions = definitions
        self._moving = moving
        self._clock = clock
        self._dropped = Counter(
            "hub_positions_dropped", "Coordinates of arrivals that were not kept: the person was not on shift.",
            registry=registry,
        )  # fmt: skip

    async def check_in(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor, position: Position | None,
        how: How,
    ) -> Arrival:  # fmt: skip
        """Accepts, where that was not done, and arrives. Who is there already stays there.

        Raises WorkOrderNotFound and what `Moving.move` raises.
        """
        order = await held(session, scope, work_order_id)
        is_theirs = order.assignee_id is not None and order.assignee_id == actor.person_id
        if not (is_theirs and order.state in _THERE):
            for action in await self._way(session, order, actor):
                await self._moving.move(session, order, actor=actor, action=action)
        return Arrival(order, await self._keep(session, order, actor, position, how))

    async def scan(
        self, session: AsyncSession, scope: Scope, token: str, *, actor: Actor, position: Position | None,
        work_order_id: UUID | None = None,
    ) -> Scanned:  # fmt: skip
        """What a scanned label means to somebody: their order there is begun; of several they choose
        (`work_order_id`), and where there is none they may report.

        Raises LabelUnknown, WorkOrderNotFound (an order that is not there) and what `Moving.move` raises.
        """
        label = await self._label(session, scope, token)
        assert actor.person_id is not None  # endpoints have a caller
        found = await self._work_at(session, label, actor, actor.person_id)
        if work_order_id is not None:
            chosen = [order for order in found if order.id == work_order_id]
            if not chosen:
                raise WorkOrderNotFound(work_order_id)
        else:
            chosen = [order for order in found if order.assignee_id is not None] or list(found)
        if len(chosen) != 1:
            return Scanned(label, choices=chosen)
        arrival = await self.check_in(
            session, scope, chosen[0].id, actor=actor, position=position, how=How.SCAN
        )  # fmt: skip
        return Scanned(label, arrival)

    # --- inside ---------------------------------------------------------------------------------------------------

    async def _work_at(
        self, session: AsyncSession, label: Label, actor: Actor, person_id: UUID
    ) -> Sequence[WorkOrder]:  # fmt: skip
        """What this person may begin there, or has begun. Complaints and questions are answered, not walked to."""
        found = await repository.open_orders_at(
            session, equipment_id=label.equipment_id, space_ids=label.order_spaces, person_id=person_id
        )
        hidden = await feedback_repository.hidden_from(session, person_id)
        return [
            order
            for order in found
            if order.procedure != Procedure.FEEDBACK and order.id not in hidden
            if order.state in _THERE or await self._find_way(session, order, actor) is not None
        ]

    async def _way(self, session: AsyncSession, order: WorkOrder, actor: Actor) -> Sequence[str]:
        """The actions that bring this person there; where none does, arriving alone, which says what is legal."""
        return await self._find_way(session, order, actor) or (Action.ARRIVE,)

    async def _find_way(self, session: AsyncSession, order: WorkOrder, actor: Actor) -> Sequence[str] | None:
        flow = await self._definitions.flow_of(session, order)
        hats = actor.hats(site_id=order.site_id, assignee_id=order.assignee_id)
        taking = actor.hats(site_id=order.site_id, assignee_id=actor.person_id)
        for way in _WAYS:
            stage, wearing = order.at_stage, hats
            for action in way:
                row = flow.find(stage, action)
                if row is None or not row.hats & wearing:
                    break
                stage, wearing = row.after, taking
            else:
                return way
        return None

    async def _keep(
        self, session: AsyncSession, order: WorkOrder, actor: Actor, position: Position | None, how: How
    ) -> PlaceKept:
        assert actor.person_id is not None  # the hub itself goes nowhere
        now = self._clock.now()
        kept = PlaceKept.NOT_GIVEN
        if position is not None:
            on_shift = await self._people.candidates(session, site_id=order.site_id, at=now)
            is_on = any(one.person_id == actor.person_id for one in on_shift)
            kept = PlaceKept.KEPT if is_on else PlaceKept.OFF_SHIFT
        shown = position if kept is PlaceKept.KEPT else None
        if kept is PlaceKept.OFF_SHIFT:
            self._dropped.inc()
        session.add(
            CheckIn(
                id=new_id(), site_id=order.site_id, work_order_id=order.id, person_id=actor.person_id, at=now,
                how=how.value, place_kept=kept.value, latitude=shown.latitude if shown else None,
                longitude=shown.longitude if shown else None, accuracy_m=shown.accuracy_m if shown else None,
            )
        )  # fmt: skip
        await session.flush()
        return kept

    async def _label(self, session: AsyncSession, scope: Scope, token: str) -> Label:
        try:
            one = await self._catalog.equipment_by_qr(session, token)
        except QrTokenUnknown:
            return await self._place_label(session, scope, token)
        if not scope.allows(one.site_id):
            raise LabelUnknown
        # Whoever scans a door means what is behind it.
        behind = {one.space_id} if one.kind is EquipmentKind.DOOR and one.space_id else set()
        return Label(one.site_id, one.name, one.id, one.space_id, frozenset(behind))

    async def _place_label(self, session: AsyncSession, scope: Scope, token: str) -> Label:
        try:
            space = await self._catalog.space_by_qr(session, token)
        except QrTokenUnknown:
            raise LabelUnknown from None
        if not scope.allows(space.site_id):
            raise LabelUnknown
        return Label(space.site_id, space.name, None, space.id, frozenset({space.id}))
