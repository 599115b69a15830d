"""The verdict of telemetry, case by case and as properties."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.proof.trust import Heard, least, trust_of
from ticketing.proof.verdict import (
    ASK_AGAIN,
    Condition,
    Doubt,
    Refuted,
    Trust,
    Unproved,
    Verdict,
    Verified,
    Wait,
    Window,
    weigh,
)

DONE = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
WINDOW = Window(DONE, length=timedelta(minutes=30), in_band=timedelta(minutes=5))
SOUND = Trust(DONE)


def at(minutes: float) -> datetime:
    return DONE + timedelta(minutes=minutes)


def normal(*, since: float = -10, trust: Trust = SOUND) -> Condition:
    return Condition(is_present=False, since=at(since), trust=trust)


def abnormal(*, since: float = -60, trust: Trust = SOUND) -> Condition:
    return Condition(is_present=True, since=at(since), trust=trust)


DOWN = Trust.none(Doubt.GATEWAY_DOWN)
AWAY = Trust.none(Doubt.STORE_AWAY)

CASES: list[tuple[str, list[Condition], float, Verdict]] = [
    ("in band before: five minutes from done", [normal()], 0, Wait(at(5))),
    ("five minutes are over", [normal()], 5, Verified(DONE)),
    ("came back late", [normal(since=20)], 24, Wait(at(25))),
    ("came back late and stayed", [normal(since=20)], 25, Verified(at(20))),
    ("came back at the last moment: the rest of its minutes", [normal(since=29)], 30, Wait(at(34))),
    ("and stayed", [normal(since=29)], 34, Verified(at(29))),
    ("still out: the window has to end first", [abnormal()], 10, Wait(at(30))),
    ("still out at the end", [abnormal()], 30, Refuted()),
    ("a new one during the window refutes at once", [abnormal(since=1)], 2, Refuted()),
    ("one in band and one out", [normal(), abnormal()], 30, Refuted()),
    ("the gateway is down: its window first", [normal(trust=DOWN)], 10, Wait(at(30))),
    ("the gateway is still down", [normal(trust=DOWN)], 30, Unproved(Doubt.GATEWAY_DOWN)),
    ("out of band when last heard, and silent since", [abnormal(trust=DOWN)], 30, Unproved(Doubt.GATEWAY_DOWN)),
    ("a new one that cannot be believed", [abnormal(since=1, trust=DOWN)], 2, Wait(at(30))),
    ("one proved, one cannot be read", [normal(), normal(trust=DOWN)], 30, Unproved(Doubt.GATEWAY_DOWN)),
    ("one out, one cannot be read", [abnormal(), normal(trust=DOWN)], 30, Refuted()),
    ("believed again since minute 27", [normal(trust=Trust(at(27)))], 31, Wait(at(32))),
    ("believed again since minute 27 for long enough", [normal(trust=Trust(at(27)))], 32, Verified(at(27))),
    ("never steady for long enough", [normal(trust=Trust(at(33)))], 34, Unproved(Doubt.UNSTEADY)),
    ("our store is away at the end: asked again", [normal(trust=AWAY)], 30, Wait(at(30) + ASK_AGAIN)),
    ("our store stays away", [normal(trust=AWAY)], 35, Unproved(Doubt.STORE_AWAY)),
]


@pytest.mark.parametrize(("what", "conditions", "minute", "verdict"), CASES, ids=[case[0] for case in CASES])
def test_a_verdict(what: str, conditions: list[Condition], minute: float, verdict: Verdict) -> None:
    assert weigh(WINDOW, conditions, now=at(minute)) == verdict


def test_out_of_band_is_no_refutation_of_somebody_who_calls_the_alarm_false() -> None:
    window = Window(DONE, length=WINDOW.length, in_band=WINDOW.in_band, said_to_be_false=True)
    assert weigh(window, [abnormal()], now=at(30)) == Unproved(Doubt.SAID_TO_BE_FALSE)
    assert weigh(window, [normal()], now=at(5)) == Verified(DONE)


moments = st.integers(-120, 120).map(lambda seconds: DONE + timedelta(seconds=seconds * 30))
# The last two are a verdict's own: no source says them.
DOUBTS = sorted({*Doubt} - {Doubt.UNSTEADY, Doubt.SAID_TO_BE_FALSE})
trusts = st.one_of(moments.map(Trust), st.sampled_from(DOUBTS).map(Trust.none))
conditions_ = st.lists(
    st.builds(Condition, is_present=st.booleans(), since=moments, trust=trusts), min_size=1, max_size=4
)
windows = st.builds(
    Window,
    done_at=st.just(DONE),
    length=st.integers(1, 60).map(lambda minutes: timedelta(minutes=minutes)),
    in_band=st.integers(1, 30).map(lambda minutes: timedelta(minutes=minutes)),
    said_to_be_false=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(windows, conditions_, st.integers(0, 150))
def test_what_a_verdict_may_be(window: Window, conditions: list[Condition], half_minutes: int) -> None:
    now = DONE + timedelta(seconds=half_minutes * 30)
    verdict = weigh(window, conditions, now=now)
    out = [one for one in conditions if one.is_present and one.trust.doubt is None]
    match verdict:
        case Verified(since):
            assert all(not one.is_present and one.trust.doubt is None for one in conditions)
            assert since >= DONE
            assert now - since >= window.in_band
        case Refuted():
            assert out, "only what is read and out of band refutes"
        case Unproved(doubt):
            assert now >= window.ends_at
            assert bool(out) == (doubt is Doubt.SAID_TO_BE_FALSE)
        case Wait(until):
            assert until <= window.last_call_at
            assert now < until, "a wait that is over would be looked at for ever"


@settings(max_examples=200, deadline=None)
@given(windows, conditions_)
def test_looking_whenever_it_is_due_ends(window: Window, conditions: list[Condition]) -> None:
    now, looks = window.done_at, 0
    verdict = weigh(window, conditions, now=now)
    while isinstance(verdict, Wait):
        now, looks = verdict.until, looks + 1
        verdict = weigh(window, conditions, now=now)
    assert now <= window.last_call_at
    assert looks <= 2 + int(window.in_band / ASK_AGAIN)


HOLDS = timedelta(minutes=3)


def heard(*minutes: float, doubt: Doubt | None = None) -> list[Heard]:
    return [Heard(at(minute), doubt) for minute in minutes]


@pytest.mark.parametrize(
    ("what", "readings", "trust"),
    [
        ("nothing", [], Trust.none(Doubt.SILENT)),
        ("steady", heard(-1, 1, 3, 5, 7, 9), SOUND),
        ("silent since minute 6", heard(0, 2, 4, 6), Trust.none(Doubt.SILENT)),
        ("a gap until minute 7", heard(0, 2, 7, 9), Trust(at(7))),
        ("a bad one at minute 5", [*heard(1, 3), Heard(at(5), Doubt.SENSOR_FAULT), *heard(6, 8)], Trust(at(6))),
        ("bad at last", [*heard(1, 3, 5, 7), Heard(at(9), Doubt.STALE)], Trust.none(Doubt.STALE)),
        ("ahead of our clock", heard(11), Trust(at(10))),
    ],
)  # fmt: skip
def test_a_point_is_believed_while_it_is_heard(what: str, readings: list[Heard], trust: Trust) -> None:
    assert trust_of(readings, holds=HOLDS, since=DONE, now=at(10)) == trust


def test_points_together_are_believed_as_the_least_of_them() -> None:
    assert least([Trust(at(1)), Trust(at(4))], since=DONE) == Trust(at(4))
    assert least([Trust(at(1)), DOWN], since=DONE) == DOWN
    assert least([], since=DONE) == SOUND
