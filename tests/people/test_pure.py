"""Phones and rotas: pure."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from people.phones import masked, normal_phone
from people.rota import RotaPattern, shifts_of


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("13800138000", "13800138000"),
        ("138 0013 8000", "13800138000"),
        ("+86 138-0013-8000", "13800138000"),
        ("008613800138000", "13800138000"),
        ("8613800138000", "13800138000"),
        ("0571-88880000", "057188880000"),
        ("（0571）8888 0000", "057188880000"),
        ("+44 20 7946 0958", "+442079460958"),
        ("86138001380", None),
        ("", None),
        ("1.38E+10", None),
    ],
)
def test_numbers_are_kept_one_way(written: str, kept: str | None):
    assert normal_phone(written) == kept


@pytest.mark.parametrize(
    ("phone", "shown"),
    [("13800138000", "138****8000"), ("057188880000", "057*****0000"), ("12345", "123**"), (None, None)],
)
def test_a_masked_number_cannot_be_called(phone: str | None, shown: str | None):
    assert masked(phone) == shown


def shifts(
    pattern: RotaPattern, start: datetime, days: float, zone: str = "Asia/Shanghai"
) -> list[tuple[datetime, datetime]]:
    return list(shifts_of(pattern, timezone=zone, start=start, end=start + timedelta(days=days)))


NIGHTS = RotaPattern(date(2026, 11, 1), every_days=2, starts_minute=20 * 60, hours=12)


def test_last_nights_shift_that_still_runs_is_among_them():
    morning = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)  # 02:00 of the 22nd in Shanghai
    found = shifts(NIGHTS, morning, 3)
    assert found[0] == (datetime(2026, 11, 21, 12, 0, tzinfo=UTC), datetime(2026, 11, 22, 0, 0, tzinfo=UTC))
    assert [starts.day for starts, _ in found] == [21, 23]


def test_a_rota_of_the_future_waits_for_its_first_day():
    start = datetime(2026, 10, 20, tzinfo=UTC)
    assert [starts.date() for starts, _ in shifts(NIGHTS, start, 14)] == [date(2026, 11, 1)]


def test_shifts_meet_when_the_clocks_change():
    always = RotaPattern(date(2026, 1, 1), every_days=1, starts_minute=0, hours=24)
    found = shifts(always, datetime(2026, 10, 24, 12, tzinfo=UTC), 3, "Europe/Berlin")
    assert all(ends == starts for (_, ends), (starts, _) in pairwise(found))
    assert {ends - starts for starts, ends in found} == {timedelta(hours=24), timedelta(hours=25)}


@given(
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.integers(1, 28),
    st.integers(0, 1439),
    st.integers(1, 24),
    st.integers(0, 2 * 365 * 86_400),
)
def test_shifts_of_a_rota_never_overlap_and_all_touch_the_span(
    first_day: date, every_days: int, starts_minute: int, hours: int, start_s: int
):
    pattern = RotaPattern(first_day, every_days, starts_minute, hours)
    start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=start_s)
    found = shifts(pattern, start, 30)
    assert all(ends <= starts for (_, ends), (starts, _) in pairwise(found))
    assert all(ends > start and starts < start + timedelta(days=30) for starts, ends in found)
    if first_day <= start.date():
        assert len(found) >= 30 // every_days
