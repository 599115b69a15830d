"""A site's meters out of the telemetry store, a few at a time."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from building.quality import Quality
from building.reading import ReadingBatch
from catalog.directory import PointEntry
from predictive.consumption.days import DAY_MS, days_of, first_midnight_ms, local_day
from predictive.consumption.meters import MeterPoints
from predictive.consumption.register import HOUR_MS, Floats, Integers, read_register
from predictive.consumption.suspicion import Meter
from telemetry.store import MAX_RAW_READINGS, SeriesQuery, TelemetryQueries

# Meters that report seldom are read reading by reading, the others by hours: both are a few thousand rows a meter.
_SELDOM_S: Final = 900.0
_READINGS_AT_ONCE: Final = 200_000
METERS_AT_ONCE: Final = 40


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days of a site's standard local time, the last one still going on."""

    first: date
    start_ms: int
    days: int

    @classmethod
    def until(cls, now: datetime, zone: ZoneInfo, *, days: int) -> "Span":
        start_ms = first_midnight_ms(zone, now) - (days - 1) * DAY_MS
        return cls(local_day(zone, start_ms), start_ms, days)

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.days * DAY_MS

    @property
    def today(self) -> date:
        return self.first + timedelta(days=self.days - 1)


async def read_meters(
    queries: TelemetryQueries, meters: Sequence[MeterPoints], span: Span, *, typical_h: float
) -> list[Meter]:
    """The meters, in their order. Raises QueryTooSlow, StoreUnavailable."""
    seldom = [one.register for one in meters if one.register.reporting.interval_s >= _SELDOM_S]
    shown = await _readings(queries, seldom, span)
    for meter in meters:
        if meter.register.point_no not in shown:
            shown[meter.register.point_no] = await _by_hour(queries, meter.register, span)
    changes = {
        meter.ratio.point_no: await _changes_ms(queries, meter.ratio, span)
        for meter in meters
        if meter.ratio is not None
    }
    found = await asyncio.to_thread(_meters, meters, shown, changes, span, typical_h)
    return [await _with_flow(queries, points, meter) for points, meter in zip(meters, found, strict=True)]


async def outdoor_temps(queries: TelemetryQueries, point: PointEntry, span: Span) -> Floats:
    """float64[days]: the mean of each day, NaN where nothing was read."""
    query = SeriesQuery(point_no=point.point_no, start_ms=span.start_ms, end_ms=span.end_ms, bucket_ms=HOUR_MS)
    series = await queries.series(query)
    day = (series.ts_ms - span.start_ms) // DAY_MS
    known = np.isfinite(series.avg)
    count = np.bincount(day[known], minlength=span.days)[: span.days]
    total = np.bincount(day[known], weights=series.avg[known], minlength=span.days)[: span.days]
    return np.asarray(np.where(count >= 12, total / np.maximum(count, 1), np.nan), np.float64)


def _meters(
    meters: Sequence[MeterPoints], shown: Mapping[int, tuple[Integers, Floats]], changes: Mapping[int, list[int]],
    span: Span, typical_h: float,
) -> list[Meter]:  # fmt: skip
    found = []
    for meter in meters:
        ts_ms, value = shown[meter.register.point_no]
        register = read_register(
            ts_ms, value, start_ms=span.start_ms, hours=span.days * 24,
            ratio_changes_ms=changes.get(meter.ratio.point_no, []) if meter.ratio else [],
        )  # fmt: skip
        found.append(Meter.of(register, days_of(register, first=span.first, typical_h=typical_h)))
    return found


async def _readings(
    queries: TelemetryQueries, points: Sequence[PointEntry], span: Span
) -> dict[int, tuple[Integers, Floats]]:
    """Every reading of the points, a stretch of time at a time, so that memory stays bounded."""
    numbers = [point.point_no for point in points]
    parts: list[ReadingBatch] = []
    at_ms = span.start_ms
    while numbers and at_ms < span.end_ms:
        limit = min(_READINGS_AT_ONCE, MAX_RAW_READINGS)
        batch = await queries.raw(numbers, start_ms=at_ms, end_ms=span.end_ms, limit=limit)
        parts.append(batch)
        if len(batch) < limit:
            break
        # What shares the last time seen may have been cut: it is asked again, and read once by its identity.
        at_ms = max(int(batch.ts_ms[-1]), at_ms + 1)
    return {number: _of_point(parts, number) for number in numbers}


def _of_point(parts: Sequence[ReadingBatch], number: int) -> tuple[Integers, Floats]:
    mine = [(part.point_no == number) & (part.quality <= Quality.STALE) for part in parts]
    ts = [part.ts_ms[rows] for part, rows in zip(parts, mine, strict=True)]
    value = [part.value[rows] for part, rows in zip(parts, mine, strict=True)]
    return np.concatenate([np.empty(0, np.int64), *ts]), np.concatenate([np.empty(0), *value])


async def _by_hour(queries: TelemetryQueries, point: PointEntry, span: Span) -> tuple[Integers, Floats]:
    """What the register showed at the end of each hour: the most it showed in it."""
    query = SeriesQuery(point_no=point.point_no, start_ms=span.start_ms, end_ms=span.end_ms, bucket_ms=HOUR_MS)
    series = await queries.series(query)
    return series.ts_ms + HOUR_MS, series.max


async def _changes_ms(queries: TelemetryQueries, point: PointEntry, span: Span) -> list[int]:
    batch = await queries.raw([point.point_no], start_ms=span.start_ms, end_ms=span.end_ms, limit=10_000)
    good = batch.quality <= Quality.STALE
    ts, value = batch.ts_ms[good], batch.value[good]
    return [int(at) for at in ts[1:][value[1:] != value[:-1]]]


async def _with_flow(queries: TelemetryQueries, points: MeterPoints, meter: Meter) -> Meter:
    """Asks the sensor of flow only of a meter that stands still, for as long as it has."""
    register = meter.register
    if points.flow is None or register.still_since_ms is None or register.last_ms is None:
        return meter
    if register.last_ms - register.still_since_ms < HOUR_MS:
        return meter
    since_ms = max(register.still_since_ms, register.last_ms - 7 * DAY_MS)
    query = SeriesQuery(
        point_no=points.flow.point_no, start_ms=since_ms, end_ms=register.last_ms + 1, bucket_ms=HOUR_MS
    )
    series = await queries.series(query)
    # The first hour still has some of the time when it moved. What has flown in every hour since flows.
    lows = series.min[1:][np.isfinite(series.min[1:])]
    flow = float(np.median(lows)) if len(lows) else None
    return replace(meter, flow=flow)
