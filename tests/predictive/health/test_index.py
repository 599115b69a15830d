"""Health is 100 less what takes it away; without enough to go by there is no figure."""

import itertools
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from building.severity import Severity
from predictive.health.index import (
    FEWEST_ROWS,
    Age,
    AlarmSeen,
    Health,
    HealthPart,
    HealthState,
    LifeLeft,
    Watched,
    alarm_memory_h,
    expected_health,
    health_of,
)
from predictive.health.tally import EvidenceSum

WATCHED = Watched(HealthState.READY, 7, 7)
LIFE = LifeLeft("bearing_wear", 30, 1.0, "vibration")
ALARM = AlarmSeen(Severity.MAJOR, 0, ("flow",))


def evidence(*, score: float = 0.3, rows: int = 100, shares: dict[str, float] | None = None) -> EvidenceSum:
    excess = min(max((score - 0.5) / 0.5, 0), 4) * rows
    return EvidenceSum(
        UUID(int=1), UUID(int=2), 0, rows, excess, score, rows if score >= 1 else 0, shares or {"temp": 1.0}
    )


def health(
    *, watched: Watched = WATCHED, seen: EvidenceSum | None = None, lives: list[LifeLeft] | None = None,
    alarms: list[AlarmSeen] | None = None, age: Age | None = None,
) -> Health:  # fmt: skip
    return health_of(watched, evidence=seen or evidence(), lives=lives or [], alarms=alarms or [], age=age)


def test_nothing_wrong_is_a_hundred() -> None:
    found = health()
    assert (found.health, found.parts, found.points) == (100.0, [], [])


@pytest.mark.parametrize(("score", "left"), [(0.5, 100), (1.0, 60), (1.5, 36), (2.0, 21.6), (50.0, 13)])
def test_a_day_at_a_score_leaves_so_much(score: float, left: float) -> None:
    assert health(seen=evidence(score=score)).health == pytest.approx(left, abs=0.05)
    assert expected_health(score=score) == pytest.approx(left, abs=0.05)


@pytest.mark.parametrize(("days", "left"), [(0, 10), (30, 55), (90, 88.8), (3650, 100)])
def test_a_failure_to_come_weighs_more_the_nearer_it_is(days: float, left: float) -> None:
    found = health(lives=[LifeLeft("filter_clogging", days, 1.0, None)])
    assert found.health == pytest.approx(left, abs=0.1)


def test_an_alarm_that_is_over_is_forgotten_by_halves() -> None:
    now, later, gone = (
        health(alarms=[AlarmSeen(Severity.CRITICAL, hours, ())]).health for hours in (0, 48, alarm_memory_h())
    )
    assert (now, later) == (50.0, 75.0)
    assert gone is not None
    assert gone >= 99.5


@pytest.mark.parametrize(("years", "left"), [(1, 100), (4.8, 100), (6, 90), (30, 60)])
def test_age_weighs_near_the_end_of_service(years: float, left: float) -> None:
    assert health(age=Age(years, 6)).health == pytest.approx(left)


@settings(max_examples=60, deadline=None)
@given(
    score=st.floats(0, 10),
    days=st.floats(0, 400),
    sure=st.floats(0, 1),
    over=st.floats(0, 300),
    years=st.floats(0, 60),
)
def test_shares_add_up_and_no_trouble_makes_it_healthier(
    score: float, days: float, sure: float, over: float, years: float
) -> None:
    seen, lives = evidence(score=score), [LifeLeft("bearing_wear", days, sure, "vibration")]
    alarms, age = [AlarmSeen(Severity.MINOR, over, ("flow", "temp"))], Age(years, 10)
    whole = health(seen=seen, lives=lives, alarms=alarms, age=age)
    assert whole.health is not None
    assert 0 <= whole.health <= 100
    if whole.parts:
        assert sum(part.share for part in whole.parts) == pytest.approx(1)
    without = health(seen=seen, lives=[], alarms=alarms, age=age)
    assert without.health is not None
    assert without.health >= whole.health


def test_the_order_of_troubles_changes_nothing() -> None:
    alarms = [AlarmSeen(severity, 5.0 * rank, (severity.value,)) for rank, severity in enumerate(Severity)]
    found = {health(alarms=list(some)).health for some in itertools.permutations(alarms)}
    assert len(found) == 1


def test_each_point_has_its_share() -> None:
    found = health(seen=evidence(score=1.0, shares={"temp": 0.75, "flow": 0.25}), lives=[LIFE], alarms=[ALARM])
    shares = dict(found.points)
    assert sum(shares.values()) == pytest.approx(1, abs=0.01)
    assert list(shares) == sorted(shares, key=lambda key: -shares[key])
    assert found.parts[0].part is HealthPart.LIFE
    assert shares["temp"] == pytest.approx(3 * (shares["flow"] - found.parts[2].share), rel=0.02)


def test_of_two_lives_the_nearer_end_counts() -> None:
    far = LifeLeft("filter_clogging", 300, 1.0, "pressure")
    assert health(lives=[LIFE, far]).health == health(lives=[LIFE]).health


@pytest.mark.parametrize("state", [HealthState.LEARNING, HealthState.CONSTANT, HealthState.NO_DATA, HealthState.FAILED])
def test_without_enough_to_go_by_there_is_no_figure(state: HealthState) -> None:
    found = health(watched=Watched(state, 3, 7), seen=evidence(score=9), alarms=[ALARM])
    assert (found.state, found.health, found.days_known, found.days_needed) == (state, None, 3, 7)


def test_a_day_nearly_without_rows_has_no_figure() -> None:
    assert health(seen=evidence(rows=FEWEST_ROWS - 1)).state is HealthState.NO_DATA
    assert health_of(WATCHED, evidence=None, lives=[], alarms=[], age=None).health is None


def test_what_no_detector_looks_at_has_a_figure_that_says_so() -> None:
    found = health_of(Watched(HealthState.PARTIAL, 0, 0), evidence=None, lives=[], alarms=[ALARM], age=None)
    assert (found.state, found.health) == (HealthState.PARTIAL, 70.0)
