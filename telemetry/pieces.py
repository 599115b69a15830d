"""From readings to buckets, pure: exact pieces first, then pieces to buckets.

A piece is an hour, or for buckets that are no whole hours a bucket's share of one UTC day. Pieces are made of all their
readings at once and then added oldest first, so that a bucket is the same to the last bit whether its hours were stored
or its readings are read anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from building.quality import Quality
from telemetry.buckets import DAY_MS, HOUR_MS, snap
from telemetry.store import Series, SeriesQuery

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Columns of equal length: where a piece begins, readings with and without a value, sum, lowest, highest.

    Where `count` is 0, `total` is 0, `low` is inf and `high` is -inf.
    """

    start_ms: Int64s
    count: Int64s
    bad: Int64s
    total: Float64s
    low: Float64s
    high: Float64s

    def __len__(self) -> int:
        return len(self.start_ms)

    @classmethod
    def none(cls) -> "Pieces":
        whole, real = np.zeros(0, np.int64), np.zeros(0, np.float64)
        return cls(whole, whole, whole, real, real, real)

    @classmethod
    def joined(cls, parts: "Sequence[Pieces]") -> "Pieces":
        """All of them, oldest first."""
        names = ("start_ms", "count", "bad", "total", "low", "high")
        columns = [np.concatenate([getattr(part, name) for part in parts]) for name in names]
        order = np.argsort(columns[0], kind="stable")
        return cls(*(column[order] for column in columns))

    def where(self, mask: npt.NDArray[np.bool_]) -> "Pieces":
        return Pieces(
            self.start_ms[mask], self.count[mask], self.bad[mask], self.total[mask], self.low[mask], self.high[mask]
        )


def begins(*keys: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Where a new group begins in rows that are sorted by these keys."""
    is_first = np.zeros(len(keys[0]), np.bool_)
    is_first[:1] = True
    for key in keys:
        is_first[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(is_first)


def fold(
    starts: npt.NDArray[np.intp], value: Float64s, quality: npt.NDArray[np.uint8]
) -> tuple[Int64s, Int64s, Float64s, Float64s, Float64s]:
    """Count, bad, total, low and high of each group of rows; a group lasts until the next one's start."""
    has_value = quality <= Quality.STALE
    return (
        np.add.reduceat(has_value, starts, dtype=np.int64),
        np.add.reduceat(~has_value, starts, dtype=np.int64),
        np.add.reduceat(np.where(has_value, value, 0.0), starts),
        np.minimum.reduceat(np.where(has_value, value, np.inf), starts),
        np.maximum.reduceat(np.where(has_value, value, -np.inf), starts),
    )


def pieces_of(ts_ms: Int64s, value: Float64s, quality: npt.NDArray[np.uint8], *, bucket_ms: int) -> Pieces:
    """Of one point's readings, oldest first, each once. They hold whole UTC days of what is asked, or all of it."""
    if not len(ts_ms):
        return Pieces.none()
    if bucket_ms % HOUR_MS == 0:
        start_ms = ts_ms - ts_ms % HOUR_MS
        starts = begins(start_ms)
    else:
        start_ms = ts_ms - ts_ms % bucket_ms
        starts = begins(start_ms, ts_ms // DAY_MS)
    return Pieces(start_ms[starts], *fold(starts, value, quality))


def series_of(query: SeriesQuery, pieces: Pieces) -> Series:
    """The buckets of pieces that are sorted by their beginning."""
    bucket = pieces.start_ms - pieces.start_ms % query.bucket_ms
    starts = begins(bucket)
    if not len(starts):
        return _series(query, Pieces.none())
    folded = Pieces(
        bucket[starts],
        np.add.reduceat(pieces.count, starts),
        np.add.reduceat(pieces.bad, starts),
        np.add.reduceat(pieces.total, starts),
        np.minimum.reduceat(pieces.low, starts),
        np.maximum.reduceat(pieces.high, starts),
    )
    return _series(query, folded)


def _series(query: SeriesQuery, buckets: Pieces) -> Series:
    is_empty = buckets.count == 0
    return Series(
        start_ms=snap(query.start_ms, query.bucket_ms),
        bucket_ms=query.bucket_ms,
        ts_ms=buckets.start_ms,
        avg=np.where(is_empty, np.nan, buckets.total / np.maximum(buckets.count, 1)),
        min=np.where(is_empty, np.nan, buckets.low),
        max=np.where(is_empty, np.nan, buckets.high),
        count=buckets.count,
        bad=buckets.bad,
    )
