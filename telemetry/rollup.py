"""Rolls readings up into buckets here, for engines that answer short periods faster with the readings themselves."""

import numpy as np

from building.quality import Quality
from building.reading import ReadingBatch
from telemetry.buckets import snap
from telemetry.store import Series, SeriesQuery


def roll_up(readings: ReadingBatch, query: SeriesQuery) -> Series:
    """The series of one point's readings, oldest first and each once, as an engine would answer it."""
    buckets, begins = np.unique(readings.ts_ms - readings.ts_ms % query.bucket_ms, return_index=True)
    if not len(buckets):
        return empty_series(query)
    has_value = readings.quality <= Quality.STALE
    count = np.add.reduceat(has_value.astype(np.int64), begins)
    total = np.add.reduceat(np.where(has_value, readings.value, 0.0), begins)
    low = np.minimum.reduceat(np.where(has_value, readings.value, np.inf), begins)
    high = np.maximum.reduceat(np.where(has_value, readings.value, -np.inf), begins)
    is_valued = count > 0
    avg = np.full(len(buckets), np.nan)
    np.divide(total, count, out=avg, where=is_valued)
    return Series(
        start_ms=snap(query.start_ms, query.bucket_ms),
        bucket_ms=query.bucket_ms,
        ts_ms=buckets,
        avg=avg,
        min=np.where(is_valued, low, np.nan),
        max=np.where(is_valued, high, np.nan),
        count=count,
        bad=np.add.reduceat((~has_value).astype(np.int64), begins),
    )


def empty_series(query: SeriesQuery) -> Series:
    nothing, no_count = np.empty(0, np.float64), np.empty(0, np.int64)
    return Series(
        start_ms=snap(query.start_ms, query.bucket_ms), bucket_ms=query.bucket_ms, ts_ms=no_count, avg=nothing,
        min=nothing, max=nothing, count=no_count, bad=no_count,
    )  # fmt: skip


def with_buckets_replaced(series: Series, fresh: Series) -> Series:
    """`series` with those buckets that `fresh` has taken from it; buckets only `fresh` has are added."""
    kept = ~np.isin(series.ts_ms, fresh.ts_ms)
    order = np.argsort(np.concatenate([series.ts_ms[kept], fresh.ts_ms]))
    columns = {
        name: np.concatenate([getattr(series, name)[kept], getattr(fresh, name)])[order]
        for name in ("ts_ms", "avg", "min", "max", "count", "bad")
    }
    return Series(start_ms=series.start_ms, bucket_ms=series.bucket_ms, **columns)
