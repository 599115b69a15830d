import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.buckets import (
    AUTOMATIC_BUCKETS,
    DAY_MS,
    EARLIEST_MS,
    LATEST_MS,
    MAX_BUCKETS,
    ROUND_BUCKETS_MS,
    bucket_count,
    check_buckets,
    smallest_bucket_ms,
    snap,
)
from telemetry.errors import BadPeriod, TooManyBuckets

NOON_MS = EARLIEST_MS + 9_000 * DAY_MS + DAY_MS // 2

periods = st.tuples(st.integers(EARLIEST_MS, LATEST_MS - 1), st.integers(1, LATEST_MS - EARLIEST_MS)).map(
    lambda pair: (pair[0], min(pair[0] + pair[1], LATEST_MS))
)


@given(st.integers(EARLIEST_MS, LATEST_MS), st.sampled_from(ROUND_BUCKETS_MS))
def test_a_bucket_begins_at_a_multiple_of_its_width_and_holds_its_instant(ts_ms: int, width: int) -> None:
    start = snap(ts_ms, width)
    assert start % width == 0
    assert start <= ts_ms < start + width


@given(periods, st.sampled_from([AUTOMATIC_BUCKETS, MAX_BUCKETS]))
def test_the_chosen_width_fits_any_period(period: tuple[int, int], buckets: int) -> None:
    start_ms, end_ms = period
    width = smallest_bucket_ms(start_ms=start_ms, end_ms=end_ms, buckets=buckets)
    assert bucket_count(start_ms=start_ms, end_ms=end_ms, bucket_ms=width) <= buckets


@pytest.mark.parametrize(
    ("length_ms", "width_s"), [(60_000, 1), (3_600_000, 5), (DAY_MS, 120), (7 * DAY_MS, 900), (365 * DAY_MS, 43_200)]
)
def test_charts_get_round_widths(length_ms: int, width_s: int) -> None:
    chosen = smallest_bucket_ms(start_ms=NOON_MS, end_ms=NOON_MS + length_ms, buckets=AUTOMATIC_BUCKETS)
    assert chosen == width_s * 1000


def test_too_many_buckets_says_which_width_would_do() -> None:
    with pytest.raises(TooManyBuckets) as refusal:
        check_buckets(start_ms=NOON_MS, end_ms=NOON_MS + 365 * DAY_MS, bucket_ms=60_000)
    fits = refusal.value.smallest_s * 1000
    check_buckets(start_ms=NOON_MS, end_ms=NOON_MS + 365 * DAY_MS, bucket_ms=fits)
    assert refusal.value.asked == 365 * 1440


@pytest.mark.parametrize(
    ("start_ms", "end_ms"), [(NOON_MS, NOON_MS), (NOON_MS, NOON_MS - 1), (0, NOON_MS), (NOON_MS, LATEST_MS + 1)]
)
def test_an_empty_or_impossible_period_is_refused(start_ms: int, end_ms: int) -> None:
    with pytest.raises(BadPeriod):
        check_buckets(start_ms=start_ms, end_ms=end_ms, bucket_ms=1000)
