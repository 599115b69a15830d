"""Channels and hours, in every combination."""

from datetime import UTC, datetime, time
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from connectors.errors import AmbiguousOutcome, ConnectorError, PermanentFailure, TemporaryFailure
from notify.policy import Audience, NotifyChannel, QuietHours, Reach, State, Urgency, next_channel, route, voice_follows
from notify.verdict import LONGEST_WAIT_S, MOST_ATTEMPTS, after_failure

EVERY_REACH = [Reach(*known) for known in product((True, False), repeat=3)]
HANGZHOU = ZoneInfo("Asia/Shanghai")
NIGHT = QuietHours(time(22, 0), time(7, 30))


@pytest.mark.parametrize(("audience", "reach"), list(product(Audience, EVERY_REACH)))
def test_a_route_names_only_channels_that_reach_and_is_never_empty(audience: Audience, reach: Reach) -> None:
    channels = route(audience=audience, reach=reach)
    there = {
        NotifyChannel.WECHAT: reach.wechat,
        NotifyChannel.WECOM: reach.wecom,
        NotifyChannel.SMS: reach.phone,
        NotifyChannel.NONE: True,
    }
    assert channels
    assert all(there[channel] for channel in channels)
    assert NotifyChannel.VOICE not in channels


@pytest.mark.parametrize(("audience", "reach"), list(product(Audience, EVERY_REACH)))
def test_falling_through_walks_the_route_once_and_ends(audience: Audience, reach: Reach) -> None:
    walked = [route(audience=audience, reach=reach)[0]]
    while following := next_channel(audience=audience, reach=reach, after=walked[-1]):
        walked.append(following)
    assert tuple(walked) == route(audience=audience, reach=reach)


def test_a_failed_call_falls_through_to_nothing() -> None:
    assert next_channel(audience=Audience.STAFF, reach=Reach(True, True, True), after=NotifyChannel.VOICE) is None


@pytest.mark.parametrize(("audience", "reach", "urgency"), list(product(Audience, EVERY_REACH, Urgency)))
def test_only_staff_with_a_phone_are_called_and_only_for_life_safety(
    audience: Audience, reach: Reach, urgency: Urgency
) -> None:
    expected = audience is Audience.STAFF and reach.phone and urgency is Urgency.LIFE_SAFETY
    assert voice_follows(audience=audience, reach=reach, urgency=urgency) is expected


@pytest.mark.parametrize(
    ("local", "released"),
    [
        ("21:59", "21:59"),
        ("22:00", "07:30"),
        ("23:59", "07:30"),
        ("00:00", "07:30"),
        ("07:29", "07:30"),
        ("07:30", "07:30"),
        ("12:00", "12:00"),
    ],
)
def test_quiet_hours_end_in_the_morning_of_the_site(local: str, released: str) -> None:
    hour, minute = map(int, local.split(":"))
    at = datetime(2026, 11, 22, hour, minute, tzinfo=HANGZHOU).astimezone(UTC)
    release = NIGHT.release(at, zone=HANGZHOU)
    assert release.astimezone(HANGZHOU).strftime("%H:%M") == released
    assert release >= at


def test_the_same_time_twice_means_no_quiet_hours() -> None:
    none = QuietHours(time(0, 0), time(0, 0))
    at = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
    assert none.release(at, zone=HANGZHOU) == at


FAILURES: list[ConnectorError] = [
    TemporaryFailure("x", "-1", ""), PermanentFailure("x", "43004", ""), AmbiguousOutcome("x", "timeout", ""),
]  # fmt: skip


@pytest.mark.parametrize(("error", "urgency", "attempts"), product(FAILURES, Urgency, range(1, 12)))
def test_every_failure_ends_and_only_life_safety_repeats_after_silence(
    error: ConnectorError, urgency: Urgency, attempts: int
) -> None:
    verdict = after_failure(error, urgency=urgency, attempts=attempts, jitter=0.5)
    may_repeat = attempts < MOST_ATTEMPTS[urgency]
    match error:
        case TemporaryFailure():
            assert verdict.state is (State.QUEUED if may_repeat else State.FAILED)
        case AmbiguousOutcome():
            repeats = may_repeat and urgency is Urgency.LIFE_SAFETY
            assert verdict.state is (State.QUEUED if repeats else State.UNKNOWN)
        case _:
            assert verdict.state is State.FAILED
    assert (verdict.wait_s is not None) is (verdict.state is State.QUEUED)
    assert not (verdict.falls_through and verdict.state is State.QUEUED)


def test_waits_grow_are_bounded_and_heed_what_the_service_asks() -> None:
    def wait_s(attempts: int, *, least_s: float = 0.0) -> float:
        error = TemporaryFailure("x", "45011", "", retry_after_s=least_s)
        found = after_failure(error, urgency=Urgency.ORDINARY, attempts=attempts, jitter=0.0).wait_s
        assert found is not None
        return found

    assert [wait_s(n) for n in (1, 2, 3)] == [2.0, 4.0, 8.0]
    assert wait_s(9) <= LONGEST_WAIT_S
    assert wait_s(1, least_s=60.0) == 60.0
