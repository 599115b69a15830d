"""The clocks of an order as it lives: set when it opens, stopped and moved on as it goes, looked at when something is
due. Whoever calls holds the order's row."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock as WallClock
from people.contractors.service import ContractorService
from ticketing.draft import Draft
from ticketing.following import Step
from ticketing.kinds import SETTLED, OrderState, Procedure
from ticketing.models import WorkOrder
from ticketing.site_targets import SiteTargets
from ticketing.sla.business_time import ROUND_THE_CLOCK
from ticketing.sla.calendar_book import CalendarBook
from ticketing.sla.clocks import Agenda, Clock, agenda, held, progress_as_json, progress_of_json
from ticketing.sla.levels import CountedIn, Levels, Target
from ticketing.sla.policies import About, Policy, Resolved, resolve
from ticketing.sla.policy_book import PolicyBook
from ticketing.sla.service_level import ServiceLevel, as_json, of_json


class LevelKeeping:
    def __init__(
        self, *, catalog: CatalogService, targets: SiteTargets, policies: PolicyBook, calendars: CalendarBook,
        contractors: ContractorService, clock: WallClock,
    ) -> None:  # fmt: skip
        self._catalog = catalog
        self._targets = targets
        self._policies = policies
        self._calendars = calendars
        self._contractors = contractors
        self._clock = clock

    # --- an order opens, becomes more urgent, begins again ----------------------------------------------------------

    async def begin(self, session: AsyncSession, order: WorkOrder, draft: Draft) -> None:
        """Writes the service level of a new order into it, and starts its clocks."""
        now = order.opened_at
        levels, level = await self._agreed(session, order, now)
        _keep(order, levels, level)
        _start(order, level, now)
        order.promised_at, order.sla_steps = order.resolution_due_at, {}
        rearm(order, now)

    async def tighten(self, session: AsyncSession, order: WorkOrder) -> None:
        """The order's kind or priority was raised: what holds for such an order holds now, and nobody gains time.

        Of an order on hold all of it is left when it goes on.
        """
        now = self._clock.now()
        chain = of_json(order.sla).chain
        standing = order.response_due_at, order.arrival_due_at, order.resolution_due_at
        levels, level = await self._agreed(session, order, now)
        _keep(order, levels, level)
        _start(order, level, order.held_since or now)
        response, arrival, resolution = standing
        order.response_due_at = min(order.response_due_at, response)
        if arrival is not None:
            order.arrival_due_at = min(order.arrival_due_at or arrival, arrival)
        order.resolution_due_at = min(order.resolution_due_at, resolution)
        order.promised_at = min(order.promised_at, order.resolution_due_at)
        if level.chain != chain:  # how far the old one was climbed says nothing of this one
            order.sla_steps = {}
        rearm(order, now)

    def start_over(self, order: WorkOrder, now: datetime) -> None:
        """The order became other work, which nobody has begun: a hold ends, and its answer and arrival are due anew.

        Its end is due when it was, unless that time is past: nobody is late for what they just heard of.
        """
        run_on(order, now)
        level = of_json(order.sla)
        order.responded_at = order.arrived_at = None
        order.response_due_at = level.hours.after(now, order.response_min)
        order.arrival_due_at = _arrival_due(order, level, order.arrival_min, now)
        if order.resolution_due_at <= now:
            order.resolution_due_at = order.promised_at = level.hours.after(now, order.resolution_min)
        order.sla_steps = {}
        rearm(order, now)

    def restart(self, order: WorkOrder, now: datetime) -> None:
        """The order is open again: it has all the time that was agreed, from now on."""
        if order.appointment_at is not None and order.appointment_at <= now:
            order.appointment_at = None
        _start(order, of_json(order.sla), now)
        order.promised_at = order.resolution_due_at
        order.responded_at = order.arrived_at = order.done_at = order.held_since = order.hold_until = None
        order.response_escalated_at = order.arrival_escalated_at = order.resolution_escalated_at = None
        order.sla_steps = {}
        rearm(order, now)

    # --- effects of transitions -------------------------------------------------------------------------------------

    async def pause(self, session: AsyncSession, step: Step) -> None:
        """The order waits: for the owner, for parts, for a yes. Its clocks stand still until `hold_until`, if said."""
        order = step.order
        if order.held_since is None:
            order.held_since = step.now
        order.hold_until = step.words.hold_until
        order.sla_next_at = order.hold_until

    async def resume(self, session: AsyncSession, step: Step) -> None:
        """The clocks go on where they stood."""
        run_on(step.order, step.now)

    def appoint(self, order: WorkOrder, at: datetime | None) -> None:
        """Sets or moves the owner's appointment: arrival counts from it, and the time until then is the owner's own."""
        now = self._clock.now()
        level, stands_from = of_json(order.sla), order.held_since or now
        was_from = _later(stands_from, order.appointment_at)
        runs_from = _later(stands_from, at)
        due = level.hours.moved(order.resolution_due_at, was_running_from=was_from, runs_from=runs_from)
        order.promised_at += due - order.resolution_due_at
        order.appointment_at, order.resolution_due_at = at, due
        if order.arrival_min is not None:
            order.arrival_due_at = _arrival_due(order, level, order.arrival_min, now)
            order.sla_steps = {key: kept for key, kept in order.sla_steps.items() if key != Target.ARRIVAL}
            order.arrival_escalated_at = None
        rearm(order, now)

    # --- what holds -------------------------------------------------------------------------------------------------

    async def resolved(
        self, session: AsyncSession, about: About, *, procedure: Procedure, promise: Policy | None = None
    ) -> Resolved:
        """What a new order would get. `promise`: what its maintenance contract says by itself."""
        defaults = (await self._targets.defaults(session, about.site_id)).of(
            procedure=procedure, priority=about.priority
        )
        policies = await self._policies.fitting(session, about)
        if procedure.is_life_safety:
            # What was meant for work in general is not meant for this, and who comes to smoke is no contractor.
            policies = [one for one in policies if one.kind is not None or one.contract_no is not None]
            promise = promise if procedure is Procedure.ENTRAPMENT else None
        found = resolve(defaults, [promise, *policies] if promise else policies, about)
        if procedure.is_life_safety:  # whatever anybody wrote: nobody burns by office hours
            return replace(found, levels=replace(found.levels, counted_in=CountedIn.ALWAYS))
        return found

    async def _agreed(self, session: AsyncSession, order: WorkOrder, now: datetime) -> tuple[Levels, ServiceLevel]:
        promise = await self._promise(session, order, now)
        contract_no = promise.contract_no if promise is not None else None
        about = About(order.site_id, order.kind, order.priority, contract_no)
        found = await self.resolved(session, about, procedure=Procedure(order.procedure), promise=promise)
        levels = found.levels
        level = ServiceLevel(
            ROUND_THE_CLOCK, levels.warn_pct, levels.chain, found.sources, appointment_min=levels.appointment_min
        )
        if levels.counted_in is CountedIn.BUSINESS:
            hours = await self._calendars.hours(session, order.site_id, at=now)
            ends = hours.after(_later(now, order.appointment_at), levels.resolution_min)
            years = range(now.year, ends.astimezone(ZoneInfo(hours.zone)).year + 1)
            guessed = await self._calendars.unknown_years(session, order.site_id, years)
            level = replace(level, hours=hours, guessed_years=guessed)
        return levels, level

    async def _promise(self, session: AsyncSession, order: WorkOrder, now: datetime) -> Policy | None:
        """What the contract for the order's equipment says: its number, and how soon the contractor is there."""
        if order.equipment_id is None:
            return None
        zone = (await self._catalog.site(session, Scope.everywhere(), order.site_id)).timezone
        contract = await self._contractors.contract_of(
            session, site_id=order.site_id, equipment_id=order.equipment_id, on=now.astimezone(ZoneInfo(zone)).date()
        )
        if contract is None:
            return None
        says = {"arrival_min": contract.arrival_min}
        return Policy(source=f"{contract.name} {contract.number}".strip(), says=says, contract_no=contract.number)


# --- the row as clocks, and back -----------------------------------------------------------------------------------


def is_over(order: WorkOrder) -> bool:
    """Nobody waits any more: it is said to be done, or called off."""
    return order.done_at is not None or OrderState(order.state) in SETTLED


def clocks_of(order: WorkOrder, level: ServiceLevel) -> list[Clock]:
    """The clocks of an order. Arrival at an appointment is a matter of the clock on the wall, whatever the hours."""
    over = is_over(order)
    opened, meeting = order.opened_at, order.appointment_at
    clocks = [
        _clock(order, level, Target.RESPONSE, order.response_min, opened, order.response_due_at,
               is_stopped=over or order.responded_at is not None),
        _clock(order, level, Target.RESOLUTION, order.resolution_min, _later(opened, meeting),
               order.resolution_due_at, is_stopped=over),
    ]  # fmt: skip
    if order.arrival_due_at is not None and order.arrival_min is not None:
        arrival = _clock(
            order, level, Target.ARRIVAL, order.arrival_min, _later(opened, meeting), order.arrival_due_at,
            is_stopped=over or order.arrived_at is not None,
        )  # fmt: skip
        if meeting is not None:
            arrival = replace(arrival, hours=ROUND_THE_CLOCK, minutes=level.appointment_min)
        clocks.insert(1, arrival)
    return clocks


def plan(order: WorkOrder, now: datetime) -> Agenda:
    """What the order's clocks ask for now; nothing while it is on hold or over."""
    if order.held_since is not None or is_over(order):
        return Agenda((), None)
    level = of_json(order.sla)
    return agenda(clocks_of(order, level), warn_pct=level.warn_pct, chain=level.chain, now=now)


def rearm(order: WorkOrder, now: datetime) -> None:
    """Says when the clocks want to be looked at next. Needed where something may be due earlier than before: a clock
    that stopped is found out when it is looked at."""
    if order.held_since is not None:
        return  # its end is what is waited for
    todo = plan(order, now)
    order.sla_next_at = now if todo.due else todo.next_at


def run_on(order: WorkOrder, now: datetime) -> None:
    """Ends a hold, at the latest when it was said to end: what was left on each clock is left from there on."""
    since = order.held_since
    if since is None:
        return
    ended = now if order.hold_until is None else min(now, max(order.hold_until, since))
    before = order.resolution_due_at
    for clock in clocks_of(order, of_json(order.sla)):
        if not clock.is_stopped:
            put_back(order, held(clock, held_since=since, now=ended))
    order.promised_at += order.resolution_due_at - before
    order.held_since = order.hold_until = None
    rearm(order, now)


def put_back(order: WorkOrder, clock: Clock) -> None:
    """Writes a clock into its row."""
    match clock.target:
        case Target.RESPONSE:
            order.response_due_at = clock.due_at
        case Target.ARRIVAL:
            order.arrival_due_at = clock.due_at
        case Target.RESOLUTION:
            order.resolution_due_at = clock.due_at
        case _:
            assert_never(clock.target)
    order.sla_steps = {**order.sla_steps, clock.target.value: progress_as_json(clock.progress)}


def _clock(
    order: WorkOrder, level: ServiceLevel, target: Target, minutes: float, starts_at: datetime, due_at: datetime, *,
    is_stopped: bool,
) -> Clock:  # fmt: skip
    progress = progress_of_json(order.sla_steps.get(target.value))
    return Clock(target, minutes, starts_at, due_at, level.hours, is_stopped, progress)


def _keep(order: WorkOrder, levels: Levels, level: ServiceLevel) -> None:
    order.response_min, order.arrival_min = levels.response_min, levels.arrival_min
    order.resolution_min, order.sla = levels.resolution_min, as_json(level)


def _start(order: WorkOrder, level: ServiceLevel, now: datetime) -> None:
    order.response_due_at = level.hours.after(now, order.response_min)
    order.arrival_due_at = _arrival_due(order, level, order.arrival_min, now)
    order.resolution_due_at = level.hours.after(_later(now, order.appointment_at), order.resolution_min)


def _arrival_due(order: WorkOrder, level: ServiceLevel, minutes: float | None, now: datetime) -> datetime | None:
    if minutes is None:
        return None
    if order.appointment_at is not None:
        return order.appointment_at + timedelta(minutes=level.appointment_min)
    return level.hours.after(now, minutes)


def _later(moment: datetime, other: datetime | None) -> datetime:
    return moment if other is None else max(moment, other)
