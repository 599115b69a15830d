"""What people see of service levels: what a new order would get, and how the clocks of an order stand. Changes
nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock as WallClock
from ticketing import repository
from ticketing.definitions.book import Definitions
from ticketing.errors import WorkOrderNotFound
from ticketing.models import WorkOrder
from ticketing.site_targets import SiteTargets
from ticketing.sla.calendar_book import CalendarBook
from ticketing.sla.clocks import Clock
from ticketing.sla.keeping import LevelKeeping, clocks_of, is_over
from ticketing.sla.levels import ChainStep, CountedIn, Levels, Target
from ticketing.sla.policies import About
from ticketing.sla.service_level import ServiceLevel, of_json

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Offered:
    """What an order that opened now would get. `problem`: what is wrong with the site's settings, so that they do not
    count; `unknown_years`: years whose public holidays must be entered."""

    levels: Levels
    sources: Mapping[str, str]
    problem: str | None
    unknown_years: Sequence[int]


@dataclass(frozen=True)
class ClockView:
    """A clock of an order. `left_min`: what is left of it in its own hours, below 0 what it is late by; None: it was
    stopped. `missed_at`: the deadline that was missed."""

    target: Target
    minutes: float
    due_at: datetime
    stopped_at: datetime | None
    left_min: float | None
    missed_at: datetime | None


@dataclass(frozen=True)
class OrderLevels:
    """`held_since`: the clocks stand still since then, at the longest until `hold_until`."""

    level: ServiceLevel
    chain: Sequence[ChainStep]
    clocks: Sequence[ClockView]
    appointment_at: datetime | None
    held_since: datetime | None
    hold_until: datetime | None
    next_at: datetime | None

    @property
    def counted_in(self) -> CountedIn:
        return self.level.counted_in


class LevelBoard:
    def __init__(
        self, *, catalog: CatalogService, definitions: Definitions, targets: SiteTargets, keeping: LevelKeeping,
        calendars: CalendarBook, clock: WallClock,
    ) -> None:  # fmt: skip
        self._catalog = catalog
        self._definitions = definitions
        self._targets = targets
        self._keeping = keeping
        self._calendars = calendars
        self._clock = clock

    async def offered(
        self, session: AsyncSession, scope: Scope, site_id: UUID, *, kind: str, priority: int, contract_no: str | None
    ) -> Offered:
        """Raises SiteNotFound, KindNotFound."""
        await self._catalog.site(session, scope, site_id)
        meant = (await self._definitions.kinds.latest(session, kind)).meaning
        about = About(site_id, kind, priority, contract_no)
        found = await self._keeping.resolved(session, about, procedure=meant.procedure)
        return Offered(
            levels=found.levels, sources=found.sources, problem=await self._targets.problem(session, site_id),
            unknown_years=await self._calendars.years_to_tell(session, site_id),
        )  # fmt: skip

    async def of_order(self, session: AsyncSession, scope: Scope, work_order_id: UUID) -> OrderLevels:
        """Raises WorkOrderNotFound."""
        order = await repository.order(session, scope, work_order_id)
        if order is None:
            raise WorkOrderNotFound(work_order_id)
        level, now = of_json(order.sla), self._clock.now()
        return OrderLevels(
            level=level,
            chain=level.chain,
            clocks=[_view(order, clock, now) for clock in clocks_of(order, level)],
            appointment_at=order.appointment_at,
            held_since=order.held_since,
            hold_until=order.hold_until,
            next_at=None if is_over(order) else order.sla_next_at,
        )


def _view(order: WorkOrder, clock: Clock, now: datetime) -> ClockView:
    stopped_at, missed_at = _facts(order, clock.target)
    stands_at = order.held_since or now
    left = clock.hours.between(max(stands_at, clock.starts_at), clock.due_at)
    left -= clock.hours.between(clock.due_at, stands_at)
    return ClockView(
        target=clock.target, minutes=clock.minutes, due_at=clock.due_at,
        stopped_at=stopped_at or order.done_at or order.settled_at,
        left_min=None if clock.is_stopped else round(left / _MINUTE, 1), missed_at=missed_at,
    )  # fmt: skip


def _facts(order: WorkOrder, target: Target) -> tuple[datetime | None, datetime | None]:
    """When a clock was stopped by what it waits for, and which deadline was missed."""
    match target:
        case Target.RESPONSE:
            return order.responded_at, order.response_escalated_at
        case Target.ARRIVAL:
            return order.arrived_at, order.arrival_escalated_at
        case Target.RESOLUTION:
            return order.done_at, order.resolution_escalated_at
