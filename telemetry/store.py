"""What a time-series store does, whichever engine does it: `tests/contracts/test_telemetry_store.py`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from building.reading import ReadingBatch
from telemetry.buckets import AUTOMATIC_BUCKETS, check_buckets, check_period, smallest_bucket_ms

MAX_RAW_READINGS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesQuery:
    """A point's readings with `start_ms` <= time < `end_ms`, rolled up into buckets of `bucket_ms`.

    A query that exists can be answered: raises BadPeriod or TooManyBuckets when made.
    """

    point_no: int
    start_ms: int
    end_ms: int
    bucket_ms: int

    def __post_init__(self) -> None:
        assert self.bucket_ms >= 1_000
        check_buckets(start_ms=self.start_ms, end_ms=self.end_ms, bucket_ms=self.bucket_ms)

    @classmethod
    def of(cls, *, point_no: int, start_ms: int, end_ms: int, bucket_ms: int | None) -> Self:
        """The query with the bucket asked for, or with a round one that gives a chart's worth of rows."""
        if bucket_ms is None:
            check_period(start_ms=start_ms, end_ms=end_ms)
            bucket_ms = smallest_bucket_ms(start_ms=start_ms, end_ms=end_ms, buckets=AUTOMATIC_BUCKETS)
        return cls(point_no=point_no, start_ms=start_ms, end_ms=end_ms, bucket_ms=bucket_ms)


@dataclass(frozen=True, slots=True)
class Bucket:
    """`ts_ms` is where the bucket begins. `count` readings had a value; `bad` had none (fault, down, unknown).

    `avg`, `min` and `max` are None where `count` is 0.
    """

    ts_ms: int
    avg: float | None
    min: float | None
    max: float | None
    count: int
    bad: int


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Columns of equal length, oldest bucket first; buckets without a reading are absent.

    `start_ms` is the beginning of the first bucket the query touches, `bucket_ms` the width used. `avg`, `min` and
    `max` are NaN where `count` is 0.
    """

    start_ms: int
    bucket_ms: int
    ts_ms: npt.NDArray[np.int64]
    avg: npt.NDArray[np.float64]
    min: npt.NDArray[np.float64]
    max: npt.NDArray[np.float64]
    count: npt.NDArray[np.int64]
    bad: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ts_ms)

    @property
    def rows(self) -> Iterator[Bucket]:
        columns = (self.ts_ms, self.avg, self.min, self.max, self.count, self.bad)
        for ts_ms, avg, low, high, count, bad in zip(*(column.tolist() for column in columns), strict=True):
            yield Bucket(ts_ms, avg, low, high, count, bad) if count else Bucket(ts_ms, None, None, None, 0, bad)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStats:
    """`recent_rows` may hold readings twice until compaction; `segment_rows` never. `bytes` is what lies on disk.

    None: a server that keeps no such count, or not in reasonable time.
    """

    recent_rows: int | None
    segment_rows: int
    segments: int
    bytes: int | None
    points: int | None


class TelemetryQueries(Protocol):
    """The questions anyone may ask, in the owning process or over the bus."""

    async def latest(self, point_nos: Sequence[int]) -> ReadingBatch:
        """The newest reading (by event time) of each point that has one, in the order asked."""
        ...

    async def series(self, query: SeriesQuery) -> Series:
        """Readings without a value count as `bad` and are in no average. Raises QueryTooSlow."""
        ...

    async def raw(self, point_nos: Sequence[int], *, start_ms: int, end_ms: int, limit: int) -> ReadingBatch:
        """Every reading with `start_ms` <= time < `end_ms`, oldest first (then by point), at most `limit` of them.

        An answer of `limit` readings may be cut: ask on from the last time seen. Raises QueryTooSlow.
        """
        ...

    async def stats(self) -> StoreStats: ...


class TelemetryStore(TelemetryQueries, Protocol):
    """A store and its upkeep. Identity of a reading is (point, time); the highest bus sequence wins, whatever the order
    and number of deliveries; of two in one batch the later wins."""

    async def append(self, batches: Sequence[tuple[int, ReadingBatch]]) -> None:
        """Keeps (bus sequence, batch) pairs; when it returns they survive a kill.

        Raises UnstorableBatch when a batch's own data is the reason: it never will be kept. Any other failure may be
        tried again; what a failed call left behind changes no answer once it has been.
        """
        ...

    async def compact(self) -> int:
        """Moves closed days to where they are small and sorted, each reading once. How many days."""
        ...

    async def drop_before(self, ts_ms: int) -> None:
        """Forgets the whole UTC days that lie before `ts_ms`; nothing at or after it."""
        ...
