"""Where an equipment stands among its like and whither it goes."""

from datetime import date, timedelta
from uuid import UUID

import numpy as np
import pytest

from predictive.health.standing import FEWEST_PEERS, Heading, compare, percentiles, trend

DAY = date(2026, 11, 1)


def days(count: int) -> list[date]:
    return [DAY + timedelta(days=number) for number in range(count)]


@pytest.mark.parametrize(
    ("per_day", "heading"),
    [(-0.5, Heading.FALLING), (0.0, Heading.STEADY), (-0.05, Heading.STEADY), (0.4, Heading.RISING)],
)
def test_the_trend_is_the_middle_slope(per_day: float, heading: Heading) -> None:
    found = trend(days(20), [80 + per_day * number for number in range(20)])
    assert found is not None
    assert (found.heading, found.days) == (heading, 20)
    assert found.per_month == pytest.approx(30 * per_day)


def test_one_bad_day_does_not_turn_it_and_few_days_say_nothing() -> None:
    healths = [90.0] * 20
    healths[10] = 5.0
    found = trend(days(20), healths)
    assert found is not None
    assert found.heading is Heading.STEADY
    assert trend(days(6), [90.0, 80.0, 70.0, 60.0, 50.0, 40.0]) is None


def test_a_percentile_is_among_its_like_only() -> None:
    pumps = {UUID(int=number): float(90 + number % 10) for number in range(12)}
    fans = {UUID(int=100 + number): 10.0 for number in range(3)}
    groups = dict.fromkeys(pumps, "pump") | dict.fromkeys(fans, "fan")
    pumps[UUID(int=0)] = 40.0
    found = percentiles(pumps | fans, groups)
    assert found[UUID(int=0)] == (0.0, 11)
    assert found[UUID(int=9)] == (100.0, 11)
    assert set(found) == set(pumps)
    even = percentiles(dict.fromkeys(pumps, 80.0), groups)
    assert set(even.values()) == {(50.0, 11)}


@pytest.mark.parametrize("peers", range(FEWEST_PEERS))
def test_too_few_of_its_like_give_no_percentile(peers: int) -> None:
    healths = {UUID(int=number): 50.0 for number in range(peers + 1)}
    assert percentiles(healths, dict.fromkeys(healths, "pump")) == {}


HOURS = 72


def test_a_point_is_compared_at_a_like_load() -> None:
    """The others shake as much as this one when they run twice as fast."""
    random = np.random.default_rng(1)
    their_load = np.where(random.random((11, HOURS)) < 0.5, 1500.0, 3000.0)
    theirs = np.where(their_load == 1500, 2.8, 4.2) + random.normal(0, 0.1, (11, HOURS))
    found = compare(
        "vibration", mine=np.full(HOURS, 4.1), my_load=np.full(HOURS, 1520.0), theirs=theirs, their_load=their_load,
        load_key="speed",
    )  # fmt: skip
    assert found is not None
    assert (found.value, found.peers, found.below, found.load_point, found.load) == (4.1, 11, 1.0, "speed", 1520.0)
    assert 2.6 < found.peers_low < found.peers_high < 3.0


def test_without_others_at_that_load_nothing_is_compared() -> None:
    theirs = np.full((11, HOURS), 2.0)
    found = compare(
        "x", mine=np.ones(HOURS), my_load=np.full(HOURS, 100.0), theirs=theirs, their_load=np.full((11, HOURS), 900.0),
        load_key="load",
    )  # fmt: skip
    assert found is None
    assert (
        compare("x", mine=np.full(HOURS, np.nan), my_load=None, theirs=theirs, their_load=None, load_key=None) is None
    )
    whole = compare("x", mine=np.ones(HOURS), my_load=None, theirs=theirs, their_load=None, load_key=None)
    assert whole is not None
    assert (whole.load_point, whole.peers) == (None, 11)
