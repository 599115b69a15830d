"""Policies of telling, pure: which route, when, how it climbs, and what may not be."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from building.severity import Severity
from notify.alerting.checking import problems
from notify.alerting.destination import DestinationKind, refusal_of_address
from notify.alerting.documents import document_of, policy_of, route_of, shipped, snapshot_of
from notify.alerting.policy import (
    Hours,
    Route,
    RouteMode,
    Step,
    Subject,
    Wait,
    begins,
    next_after,
    next_digest,
    route_for,
    without_people,
)
from people.kinds import Duty

SHANGHAI = ZoneInfo("Asia/Shanghai")
SHIPPED = shipped()
MOMENTS = st.integers(0, 2 * 365 * 86_400).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
SUBJECTS = st.builds(
    Subject, severity=st.sampled_from(Severity), life_safety=st.booleans(), fault_mode=st.sampled_from(["", "smoke"])
)


def at(words: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{words}").replace(tzinfo=SHANGHAI)


@given(SUBJECTS, MOMENTS)
def test_what_ships_tells_everything_and_life_safety_at_once(subject: Subject, now: datetime) -> None:
    assert problems(SHIPPED) == []
    route = route_for(SHIPPED, subject, now.astimezone(SHANGHAI))
    assert route is not None
    beginning = begins(SHIPPED, route, now=now, zone=SHANGHAI)
    assert beginning.due_at >= now
    if subject.life_safety:
        assert beginning.due_at == now
        assert route.steps[0].names_people
        assert next_after(route, done=1_000) is not None  # until somebody acknowledges


@given(MOMENTS, st.lists(st.times(), min_size=1, max_size=4, unique=True))
def test_the_next_digest_is_later_and_within_a_day(now: datetime, times: list[time]) -> None:
    due = next_digest(tuple(times), after=now, zone=SHANGHAI)
    assert now < due <= now + timedelta(days=1)
    assert due.astimezone(SHANGHAI).time() in times


@pytest.mark.parametrize(
    ("severity", "moment", "wait", "due"),
    [
        (Severity.MINOR, "23T23:00:00", Wait.QUIET, "24T07:30:00"),
        (Severity.MINOR, "23T21:59:50", Wait.QUIET, "24T07:30:00"),  # it settles into the quiet hours
        (Severity.MINOR, "23T12:00:00", Wait.SETTLE, "23T12:00:20"),
        (Severity.CRITICAL, "23T23:00:00", Wait.SETTLE, "23T23:00:20"),
        (Severity.WARNING, "23T12:00:00", Wait.DIGEST, "23T17:30:00"),
    ],
)
def test_what_can_wait_waits(severity: Severity, moment: str, wait: Wait, due: str) -> None:
    now = at(moment).astimezone(UTC)
    subject = Subject(severity=severity, life_safety=False, fault_mode="")
    route = route_for(SHIPPED, subject, at(moment))
    assert route is not None
    beginning = begins(SHIPPED, route, now=now, zone=SHANGHAI)
    assert (beginning.wait, beginning.due_at) == (wait, at(due))


@pytest.mark.parametrize(
    ("moment", "covered"),
    [
        ("23T18:00:00", True), ("23T17:59:59", False), ("24T05:59:59", True), ("24T06:00:00", False),
        ("24T18:00:00", False), ("23T03:00:00", False),
    ],
)  # fmt: skip
def test_hours_over_midnight_belong_to_the_day_on_which_they_began(moment: str, covered: bool) -> None:
    monday_night = Hours(days=(1,), begins=time(18), ends=time(6))  # the 23rd is a Monday
    assert monday_night.covers(at(moment)) is covered


def test_a_chain_climbs_then_repeats_as_often_as_it_says() -> None:
    steps = (Step(duties=(Duty.ENGINEER,)), Step(after_min=10, duties=(Duty.MANAGER,)))
    route = Route(code="a", names={}, mode=RouteMode.TELL, steps=steps, repeat_min=30, repeats=2)
    minutes = [wait.total_seconds() / 60 if (wait := next_after(route, done=done)) else None for done in range(1, 6)]
    assert minutes == [10, 40, 70, None, None]
    assert next_after(replace(route, repeat_min=None), done=2) is None
    assert without_people(route) == ()


def test_a_policy_is_the_same_after_it_was_written_down() -> None:
    assert policy_of(document_of(SHIPPED)) == SHIPPED
    assert [route_of(snapshot_of(route)) for route in SHIPPED.routes] == list(SHIPPED.routes)


LIFE, CRITICAL, *_ = SHIPPED.routes
SOMEBODY = Step(duties=(Duty.GUARD,))
BY_DAY = Hours(days=(1, 2, 3, 4, 5, 6, 7), begins=time(8), ends=time(18))
BY_NIGHT = replace(BY_DAY, begins=time(18), ends=time(8))


@pytest.mark.parametrize(
    ("routes", "problem"),
    [
        ((CRITICAL,), ("routes", "life_safety_missing")),
        ((replace(LIFE, severities=(Severity.CRITICAL,)),), ("routes", "life_safety_missing")),
        ((LIFE,), ("routes", "critical_missing")),
        ((LIFE, replace(CRITICAL, mode=RouteMode.SILENT)), ("routes", "critical_missing")),
        ((LIFE, replace(CRITICAL, fault_modes=("leak",))), ("routes", "critical_missing")),
        ((LIFE, replace(CRITICAL, hours=BY_DAY)), ("routes", "critical_missing")),
        ((LIFE, replace(CRITICAL, heeds_quiet=True)), ("routes", "critical_missing")),
        ((LIFE, CRITICAL, CRITICAL), ("routes.2.code", "code_twice")),
        ((replace(LIFE, heeds_quiet=True),), ("routes.0.heeds_quiet", "life_safety_never_quiet")),
        ((replace(LIFE, mode=RouteMode.SILENT),), ("routes.0.mode", "life_safety_told_at_once")),
        ((replace(LIFE, mode=RouteMode.DIGEST),), ("routes.0.mode", "life_safety_told_at_once")),
        ((LIFE, replace(CRITICAL, steps=())), ("routes.1.steps", "no_steps")),
        ((LIFE, replace(CRITICAL, steps=(Step(),))), ("routes.1.steps.0", "nobody")),
        ((LIFE, replace(CRITICAL, steps=(SOMEBODY, SOMEBODY))), ("routes.1.steps.1.after_min", "not_later")),
        ((replace(LIFE, steps=(replace(SOMEBODY, after_min=2),)),), ("routes.0.steps.0.after_min", "first_is_later")),
    ],
)
def test_what_cannot_be_meant_is_named_by_its_place(routes: tuple[Route, ...], problem: tuple[str, str]) -> None:
    found = problems(replace(SHIPPED, routes=routes))
    assert problem in [(one.where, one.code) for one in found]


def test_routes_of_the_day_and_of_the_night_tell_critical_alarms_at_any_hour() -> None:
    by_turns = (replace(CRITICAL, hours=BY_DAY), replace(CRITICAL, code="night", hours=BY_NIGHT))
    assert problems(replace(SHIPPED, routes=(LIFE, *by_turns))) == []


@pytest.mark.parametrize(
    ("kind", "address", "refused"),
    [
        (DestinationKind.DINGTALK, "fire", None),
        (DestinationKind.WECOM_ROBOT, "fire", "no_robot"),
        (DestinationKind.DINGTALK, "yunqi/fire", None),
        (DestinationKind.DINGTALK, "huayuan/fire", "no_robot"),
        (DestinationKind.EMAIL, "duty@example.com", None),
        (DestinationKind.EMAIL, "duty@example.com\nBcc: a@b.cn", "no_email"),
        (DestinationKind.MQTT, "siren", None),
        (DestinationKind.MQTT, "a/#", "no_topic"),
        (DestinationKind.WEBHOOK, "https://hooks.example.com/a", None),
        (DestinationKind.WEBHOOK, "http://10.0.0.8/a", "private"),
        (DestinationKind.WEBHOOK, "http://169.254.169.254/latest", "metadata"),
        (DestinationKind.WEBHOOK, "https://a:b@example.com/", "with_password"),
    ],
)
def test_an_address_is_refused_with_its_reason(kind: DestinationKind, address: str, refused: str | None) -> None:
    robots = {"dingtalk": ["fire", "yunqi/fire", "huayuan/fire"]}
    assert refusal_of_address(kind, address, site_code="yunqi", allowed=[], robots=robots) == refused
