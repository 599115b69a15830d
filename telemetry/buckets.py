"""Buckets of a series, pure: which width fits a period, and where buckets begin."""

from collections.abc import Sequence

from telemetry.errors import BadPeriod, TooManyBuckets

MAX_BUCKETS = 5_000
AUTOMATIC_BUCKETS = 1_000
EARLIEST_MS = 946_684_800_000  # 2000-01-01
LATEST_MS = 7_258_118_400_000  # 2200-01-01

_SECOND_MS = 1_000
_MINUTE_MS = 60 * _SECOND_MS
HOUR_MS = 60 * _MINUTE_MS
DAY_MS = 24 * HOUR_MS
ROUND_BUCKETS_MS: Sequence[int] = (
    *(n * _SECOND_MS for n in (1, 2, 5, 10, 15, 30)),
    *(n * _MINUTE_MS for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR_MS for n in (1, 2, 3, 6, 12)),
    *(n * DAY_MS for n in (1, 7, 30)),
)


def check_period(*, start_ms: int, end_ms: int) -> None:
    """Raises BadPeriod unless `start_ms` < `end_ms` and both lie on the time axis."""
    if not EARLIEST_MS <= start_ms < end_ms <= LATEST_MS:
        raise BadPeriod(start_ms=start_ms, end_ms=end_ms)


def snap(ts_ms: int, bucket_ms: int) -> int:
    """The start of the bucket that holds `ts_ms`. Buckets are counted from the epoch, so that they are the same for
    every period asked and two charts line up."""
    return ts_ms - ts_ms % bucket_ms


def bucket_count(*, start_ms: int, end_ms: int, bucket_ms: int) -> int:
    """How many buckets a period touches, the partly covered first and last included."""
    return (snap(end_ms - 1, bucket_ms) - snap(start_ms, bucket_ms)) // bucket_ms + 1


def smallest_bucket_ms(*, start_ms: int, end_ms: int, buckets: int) -> int:
    """The smallest round width that covers the period in at most `buckets` buckets."""
    for width in ROUND_BUCKETS_MS:
        if bucket_count(start_ms=start_ms, end_ms=end_ms, bucket_ms=width) <= buckets:
            return width
    return -(-(end_ms - start_ms) // (buckets - 1) // DAY_MS) * DAY_MS


def check_buckets(*, start_ms: int, end_ms: int, bucket_ms: int) -> None:
    """Raises BadPeriod or TooManyBuckets."""
    check_period(start_ms=start_ms, end_ms=end_ms)
    asked = bucket_count(start_ms=start_ms, end_ms=end_ms, bucket_ms=bucket_ms)
    if asked > MAX_BUCKETS:
        fits = smallest_bucket_ms(start_ms=start_ms, end_ms=end_ms, buckets=MAX_BUCKETS)
        raise TooManyBuckets(asked=asked, limit=MAX_BUCKETS, smallest_s=fits // _SECOND_MS)
