"""Time between failures, days of a site, what a digest says."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insight.reckoning import counts_all_failures, day_before, is_due, late_words, percent, reliability
from ticketing.figures import Figure, FigureFilter, Group, Value

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
LATER = BEGIN + timedelta(days=99)
SHANGHAI, SYDNEY = ZoneInfo("Asia/Shanghai"), ZoneInfo("Australia/Sydney")


def failed(times: int, hours: float) -> Group:
    mean = hours * 3600 / times if times else None
    return Group("PUMP", {Figure.FAILURES: Value(times, mean=mean, total=hours * 3600 if times else None)})


def test_between_two_failures_lies_the_time_in_which_it_ran() -> None:
    found = reliability(
        failed(2, 20), units=3, since=BEGIN, until=BEGIN + timedelta(days=10), now=BEGIN + timedelta(99)
    )
    assert (found.failures, found.mttr_h, found.mtbf_h) == (2, 10, (3 * 240 - 20) / 2)


def test_without_a_failure_nothing_is_known_of_the_time_between_two() -> None:
    found = reliability(failed(0, 0), units=3, since=BEGIN, until=BEGIN + timedelta(days=10), now=LATER)
    assert (found.failures, found.mtbf_h, found.mttr_h) == (0, None, None)


def test_what_has_not_passed_yet_was_not_watched() -> None:
    found = reliability(
        failed(1, 0), units=1, since=BEGIN, until=BEGIN + timedelta(days=30), now=BEGIN + timedelta(days=2)
    )
    assert found.mtbf_h == 48


def test_some_of_the_failures_tell_no_time_between_two() -> None:
    everything = FigureFilter(since=BEGIN, until=LATER, site_id=uuid4(), building_id=uuid4(), equipment_id=uuid4())
    assert counts_all_failures(everything)
    some: list[dict[str, Any]] = [{"assignee_id": uuid4()}, {"kind": "repair"}, {"category": "water"}, {"priority": 1}]
    for narrowed in some:
        assert not counts_all_failures(replace(everything, **narrowed))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 50), st.floats(0, 5_000), st.integers(0, 20), st.integers(1, 400))
def test_it_is_never_below_nothing(times: int, hours: float, units: int, days: int) -> None:
    until = BEGIN + timedelta(days=days)
    found = reliability(failed(times, hours), units=units, since=BEGIN, until=until, now=until)
    assert found.mtbf_h is not None
    assert 0 <= found.mtbf_h <= units * days * 24 / times * (1 + 1e-12)  # rounding, at most


@pytest.mark.parametrize(
    ("moment", "zone", "hours"),
    [
        (datetime(2026, 11, 22, 0, 5, tzinfo=UTC), SHANGHAI, 24),
        (datetime(2026, 11, 22, 15, 59, tzinfo=UTC), SHANGHAI, 24),
        # The day on which clocks go forward has 23 hours, the one on which they go back 25.
        (datetime(2026, 10, 5, 1, 0, tzinfo=UTC), SYDNEY, 23),
        (datetime(2026, 4, 6, 1, 0, tzinfo=UTC), SYDNEY, 25),
    ],
)
def test_yesterday_is_a_day_of_the_site(moment: datetime, zone: ZoneInfo, hours: int) -> None:
    day = day_before(moment, zone)
    assert (day.until - day.since).total_seconds() == hours * 3600
    assert day.until.astimezone(zone).time() == day.since.astimezone(zone).time() == time()
    assert day.until <= moment < day.until + timedelta(days=1)


def test_a_digest_is_due_from_its_hour_on_local_to_the_site() -> None:
    assert not is_due(datetime(2026, 11, 21, 23, 59, tzinfo=UTC), SHANGHAI, at=time(8))
    assert is_due(datetime(2026, 11, 22, 0, 0, tzinfo=UTC), SHANGHAI, at=time(8))
    assert is_due(datetime(2026, 11, 22, 3, 59, tzinfo=UTC), SHANGHAI, at=time(8))
    # A hub that is first started in the afternoon or at night.
    assert not is_due(datetime(2026, 11, 22, 4, 0, tzinfo=UTC), SHANGHAI, at=time(8))
    assert not is_due(datetime(2026, 11, 22, 15, 0, tzinfo=UTC), SHANGHAI, at=time(8))
    assert not is_due(datetime(2026, 11, 22, 16, 0, tzinfo=UTC), SHANGHAI, at=time(8))


def test_shares_and_late_orders_are_said_as_people_read_them() -> None:
    assert [percent(2, 3), percent(0, 4), percent(0, 0)] == ["67%", "0%", "—"]
    assert late_words([("WO-1", "3栋", 5.25), ("WO-2", "5栋", 1)]) == "WO-1 3栋 5.2h; WO-2 5栋 1.0h"
