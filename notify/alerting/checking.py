"""What is wrong with a policy before it may hold. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from building.severity import Severity
from notify.alerting.policy import Policy, Route, RouteMode, Subject, route_for

# A Monday: hours are asked about by days of the week and local times, whatever the week.
_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
_CRITICAL = Subject(severity=Severity.CRITICAL, life_safety=False, fault_mode="")


@dataclass(frozen=True)
class Problem:
    """`where` is the place in the document (`routes.2.steps.0`), `code` a text key's last part."""

    where: str
    code: str


def problems(policy: Policy) -> list[Problem]:
    """Everything that cannot be meant, in the document's order; empty when it may hold."""
    return [*_of_whole(policy), *(found for no, route in enumerate(policy.routes) for found in _of_route(no, route))]


def _of_whole(policy: Policy) -> Iterator[Problem]:
    codes = [route.code for route in policy.routes]
    for number, code in enumerate(codes):
        if code in codes[:number]:
            yield Problem(f"routes.{number}.code", "code_twice")
    if not policy.digest_at and any(route.mode is RouteMode.DIGEST for route in policy.routes):
        yield Problem("digest_at", "no_digest_time")
    if not any(_always_tells_life_safety(route) for route in policy.routes):
        yield Problem("routes", "life_safety_missing")
    if not _always_tells_critical(policy):
        yield Problem("routes", "critical_missing")


def _always_tells_life_safety(route: Route) -> bool:
    return route.life_safety and not route.severities and not route.fault_modes and route.hours is None


def _always_tells_critical(policy: Policy) -> bool:
    """Whether a critical alarm is told as it comes, at any hour of the week, unless a route names its fault mode and
    says otherwise. What holds at the edges of all hours holds between them."""
    spans = [route.hours for route in policy.routes if route.hours is not None]
    edges = {time(0), *(at for hours in spans for at in (hours.begins, hours.ends))}
    moments = [datetime.combine(_MONDAY + timedelta(days=day), at, UTC) for day in range(7) for at in edges]
    found = [route_for(policy, _CRITICAL, moment) for moment in moments]
    return all(route is not None and route.mode is RouteMode.TELL and not route.heeds_quiet for route in found)


def _of_route(number: int, route: Route) -> Iterator[Problem]:
    where = f"routes.{number}"
    if route.mode is not RouteMode.SILENT and not route.steps:
        yield Problem(f"{where}.steps", "no_steps")
    for place, step in enumerate(route.steps):
        if not step.names_people and not step.destination_ids:
            yield Problem(f"{where}.steps.{place}", "nobody")
        if place and step.after_min <= route.steps[place - 1].after_min:
            yield Problem(f"{where}.steps.{place}.after_min", "not_later")
    if route.steps and route.steps[0].after_min != 0:
        yield Problem(f"{where}.steps.0.after_min", "first_is_later")
    if route.life_safety:
        yield from _of_life_safety(where, route)


def _of_life_safety(where: str, route: Route) -> Iterator[Problem]:
    if route.mode is not RouteMode.TELL:
        yield Problem(f"{where}.mode", "life_safety_told_at_once")
    if route.heeds_quiet:
        yield Problem(f"{where}.heeds_quiet", "life_safety_never_quiet")
    if route.steps and not route.steps[0].names_people:
        yield Problem(f"{where}.steps.0", "life_safety_people")
