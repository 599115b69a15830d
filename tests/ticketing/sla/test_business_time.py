"""Business time against an oracle that walks minute by minute and asks of each whether it is open."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.sla.business_time import DAY_MIN, ROUND_THE_CLOCK, WHOLE_DAY, BusinessHours, Span
from ticketing.sla.calendars import OFFICE_WEEK

SHANGHAI = "Asia/Shanghai"
MINUTE = timedelta(minutes=1)
ORACLE_MIN = 12 * DAY_MIN
OFFICE = BusinessHours(SHANGHAI, OFFICE_WEEK)


def at(text: str, zone: str = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def is_open(hours: BusinessHours, instant: datetime) -> bool:
    local = instant.astimezone(ZoneInfo(hours.zone))
    minute = local.hour * 60 + local.minute
    return any(span.start <= minute < span.end for span in hours.open_spans(local.date()))


def slow_between(hours: BusinessHours, start: datetime, end: datetime) -> int:
    """Open minutes, one by one."""
    count, instant = 0, start
    while instant < end:
        count += is_open(hours, instant)
        instant += MINUTE
    return count


def slow_after(hours: BusinessHours, start: datetime, minutes: int) -> datetime:
    instant = start
    while minutes:
        minutes -= is_open(hours, instant)
        instant += MINUTE
    return instant


@st.composite
def spans(draw: st.DrawFn) -> tuple[Span, ...]:
    edges = sorted(draw(st.sets(st.integers(0, DAY_MIN), max_size=4)))
    return tuple(Span(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False))


# A quarter of an hour in Kathmandu's offset; no zone here sets its clocks, that is tried below.
ZONES = st.sampled_from(["UTC", SHANGHAI, "Asia/Kathmandu", "America/Bogota"])
STARTS = st.integers(0, 20 * DAY_MIN).map(lambda minutes: datetime(2026, 9, 25, tzinfo=UTC) + minutes * MINUTE)


@st.composite
def calendars(draw: st.DrawFn) -> BusinessHours:
    week = [draw(spans()) for _ in range(7)]
    open_day = draw(st.integers(0, 6))
    week[open_day] = (Span(480, 1200),)
    first = date(2026, 9, 24)
    days = draw(st.dictionaries(st.integers(0, 30).map(lambda n: first + timedelta(days=n)), spans(), max_size=6))
    return BusinessHours(draw(ZONES), tuple(week), days)


@settings(max_examples=25, deadline=None)
@given(hours=calendars(), start=STARTS, minutes=st.integers(0, 700))
def test_the_end_of_so_many_minutes_is_where_one_comes_by_counting_them(
    hours: BusinessHours, start: datetime, minutes: int
) -> None:
    assert hours.after(start, minutes) == slow_after(hours, start, minutes)


@settings(max_examples=25, deadline=None)
@given(hours=calendars(), start=STARTS, length=st.integers(-100, 6 * DAY_MIN))
def test_what_passed_is_what_one_counts(hours: BusinessHours, start: datetime, length: int) -> None:
    end = start + length * MINUTE
    assert hours.between(start, end) == slow_between(hours, start, end) * MINUTE


@settings(max_examples=60, deadline=None)
@given(hours=calendars(), start=STARTS, minutes=st.floats(0.01, 5000, allow_nan=False))
def test_so_many_minutes_later_so_many_have_passed(hours: BusinessHours, start: datetime, minutes: float) -> None:
    passed = hours.between(start, hours.after(start, minutes))
    assert abs(passed - timedelta(minutes=minutes)) <= timedelta(microseconds=10)


@settings(max_examples=60, deadline=None)
@given(
    hours=calendars(),
    start=STARTS,
    minutes=st.integers(1, 3000),
    worked=st.integers(0, 4000),
    rest=st.integers(0, 9000),
)
def test_a_rest_costs_nothing_and_mends_nothing(
    hours: BusinessHours, start: datetime, minutes: int, worked: int, rest: int
) -> None:
    due, stopped = hours.after(start, minutes), start + worked * MINUTE
    resumed = stopped + rest * MINUTE
    moved = hours.moved(due, was_running_from=stopped, runs_from=resumed)
    if due <= stopped:
        assert moved == due
    else:
        assert hours.between(start, stopped) + hours.between(resumed, moved) == minutes * MINUTE
        assert moved >= due


@settings(max_examples=50, deadline=None)
@given(hours=calendars(), start=STARTS, first=st.integers(0, 2000), second=st.integers(0, 2000))
def test_two_stretches_add_up(hours: BusinessHours, start: datetime, first: int, second: int) -> None:
    assert hours.after(hours.after(start, first), second) == hours.after(start, first + second)


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-11-20 17:30", 60, "2026-11-23 09:30"),  # Friday to Monday
        ("2026-11-20 19:00", 60, "2026-11-23 10:00"),
        ("2026-11-20 17:00", 60, "2026-11-20 18:00"),  # the end of a day, not the beginning of the next
        ("2026-11-21 12:00", 540, "2026-11-23 18:00"),
        ("2026-11-23 08:00", 0, "2026-11-23 08:00"),
    ],
)
def test_office_hours(start: str, minutes: int, end: str) -> None:
    assert OFFICE.after(at(start), minutes) == at(end)


def test_a_night_shift_runs_over_midnight() -> None:
    night = BusinessHours(SHANGHAI, ((Span(0, 360), Span(1200, DAY_MIN)),) * 7)
    assert night.after(at("2026-11-20 23:30"), 60) == at("2026-11-21 00:30")
    assert night.between(at("2026-11-20 12:00"), at("2026-11-21 12:00")) == timedelta(hours=10)


def test_round_the_clock_is_the_clock() -> None:
    start = at("2026-11-20 23:59")
    assert ROUND_THE_CLOCK.after(start, 0.5) == start + timedelta(seconds=30)
    assert ROUND_THE_CLOCK.between(start, start + timedelta(days=400)) == timedelta(days=400)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)], ids=["clocks set forward", "clocks set back"]
)
def test_where_clocks_are_set_a_day_has_the_hours_it_has(day: str, hours: int) -> None:
    berlin = BusinessHours("Europe/Berlin", (WHOLE_DAY,) * 6 + ((Span(0, 150), Span(150, DAY_MIN)),))
    start = at(f"{day} 00:00", "Europe/Berlin")
    end = (start.astimezone(ZoneInfo("Europe/Berlin")) + timedelta(days=1)).astimezone(UTC)
    assert berlin.between(start, end) == timedelta(hours=hours)
    assert berlin.after(start, hours * 60) == end
