"""Who is told of an alarm, by which steps, and when. Pure: the roster and the clock are asked elsewhere.

Life safety has routes of its own: nothing delays them, no quiet hours hold them and no digest takes them up.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

from building.severity import Severity
from kit.access import Role
from notify.policy import NotifyChannel, QuietHours, Urgency
from people.kinds import Duty

# Longer chains are not followed by anybody, and every part has a limit.
MOST_ROUTES = 40
MOST_STEPS = 8
MOST_OF_A_KIND = 20
LONGEST_AFTER_MIN = 24 * 60
LONGEST_SETTLE_S = 300


class RouteMode(StrEnum):
    """What a route does with its alarms."""

    TELL = "tell"
    DIGEST = "digest"
    SILENT = "silent"


@dataclass(frozen=True, kw_only=True)
class Step:
    """Who is told `after_min` minutes after the first telling, unless somebody acknowledged meanwhile.

    People are whoever is on shift for one of `duties` then, whoever holds one of `roles`, and those named.
    `channel` is the one wished for; who cannot be reached by it is told by what reaches them.
    """

    after_min: int = 0
    duties: tuple[Duty, ...] = ()
    roles: tuple[Role, ...] = ()
    person_ids: tuple[UUID, ...] = ()
    destination_ids: tuple[UUID, ...] = ()
    channel: NotifyChannel | None = None

    @property
    def names_people(self) -> bool:
        return bool(self.duties or self.roles or self.person_ids)


@dataclass(frozen=True, kw_only=True)
class Hours:
    """A span of the site's local day, possibly over midnight, on these days (1 is Monday): the day on which it began.
    The same time twice is the whole day."""

    days: tuple[int, ...]
    begins: time
    ends: time

    def covers(self, local: datetime) -> bool:
        moment, today = local.time(), local.isoweekday()
        if self.begins == self.ends:
            return today in self.days
        if self.begins < self.ends:
            return today in self.days and self.begins <= moment < self.ends
        yesterday = 7 if today == 1 else today - 1
        return (today in self.days and moment >= self.begins) or (yesterday in self.days and moment < self.ends)


@dataclass(frozen=True, kw_only=True)
class Route:
    """Which alarms, and what becomes of them. Empty `severities` or `fault_modes`: any. `hours` None: at any time.

    The last step is repeated every `repeat_min` minutes, `repeats` times (0: until somebody acknowledges); None: never.
    """

    code: str
    names: dict[str, str]
    mode: RouteMode
    severities: tuple[Severity, ...] = ()
    fault_modes: tuple[str, ...] = ()
    hours: Hours | None = None
    life_safety: bool = False
    heeds_quiet: bool = False
    steps: tuple[Step, ...] = ()
    repeat_min: int | None = None
    repeats: int = 0


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A site's policy: the first route that fits an alarm is taken.

    `settle_s`: how long an ordinary alarm waits, so that what explains it can be found. `digest_at`: local times.
    """

    quiet: QuietHours
    digest_at: tuple[time, ...]
    settle_s: int
    routes: tuple[Route, ...]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a policy looks at."""

    severity: Severity
    life_safety: bool
    fault_mode: str


class Wait(StrEnum):
    """Why the first telling is not at once."""

    NONE = "none"
    SETTLE = "settle"
    QUIET = "quiet"
    DIGEST = "digest"


@dataclass(frozen=True)
class Beginning:
    """When the first telling is due (UTC) and what it waits for."""

    due_at: datetime
    wait: Wait


def route_for(policy: Policy, subject: Subject, local: datetime) -> Route | None:
    """The first route that fits; `local` is the site's time. Life safety is matched by routes of life safety only."""
    for route in policy.routes:
        if _fits(route, subject, local):
            return route
    return None


def begins(policy: Policy, route: Route, *, now: datetime, zone: ZoneInfo) -> Beginning:
    """When a telling by this route begins."""
    if route.life_safety:
        return Beginning(now, Wait.NONE)
    match route.mode:
        case RouteMode.DIGEST:
            return Beginning(next_digest(policy.digest_at, after=now, zone=zone), Wait.DIGEST)
        case RouteMode.TELL | RouteMode.SILENT:
            settled = now + timedelta(seconds=policy.settle_s)
            due = policy.quiet.release(settled, zone=zone) if route.heeds_quiet else settled
            if due != settled:
                return Beginning(due, Wait.QUIET)
            return Beginning(settled, Wait.SETTLE if policy.settle_s else Wait.NONE)
        case _:
            assert_never(route.mode)


def next_digest(times: tuple[time, ...], *, after: datetime, zone: ZoneInfo) -> datetime:
    """The next of these local times strictly after `after`, as UTC. There is at least one time."""
    local = after.astimezone(zone)
    days = (local.date(), local.date() + timedelta(days=1), local.date() + timedelta(days=2))
    moments = [datetime.combine(day, at, zone).astimezone(UTC) for day in days for at in times]
    return min(moment for moment in moments if moment > after)


def step_at(route: Route, number: int) -> Step:
    """The step of a telling, 0 the first; beyond the chain it is the last, told again."""
    return route.steps[min(number, len(route.steps) - 1)]


def next_after(route: Route, *, done: int) -> timedelta | None:
    """How long after the first telling the next one is, once `done` tellings were made; None when there is none."""
    if done < len(route.steps):
        return timedelta(minutes=route.steps[done].after_min)
    if route.repeat_min is None:
        return None
    again = done - len(route.steps) + 1
    if route.repeats and again > route.repeats:
        return None
    return timedelta(minutes=route.steps[-1].after_min + again * route.repeat_min)


def urgency_of(subject: Subject) -> Urgency:
    """How hard a message tries: a matter of life also rings."""
    if subject.life_safety:
        return Urgency.LIFE_SAFETY
    return Urgency.URGENT if subject.severity in (Severity.CRITICAL, Severity.MAJOR) else Urgency.ORDINARY


def without_people(route: Route) -> tuple[Step, ...]:
    """The steps for destinations only: of an alarm that is a work order, people are told by the order."""
    return tuple(
        Step(after_min=step.after_min, destination_ids=step.destination_ids)
        for step in route.steps
        if step.destination_ids
    )


def _fits(route: Route, subject: Subject, local: datetime) -> bool:
    if route.life_safety is not subject.life_safety:
        return False
    if route.severities and subject.severity not in route.severities:
        return False
    if route.fault_modes and subject.fault_mode not in route.fault_modes:
        return False
    return route.hours is None or route.hours.covers(local)
