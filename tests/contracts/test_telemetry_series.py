"""What every engine must answer to who asks for a series. A new engine joins `tests.contracts.engines`."""

import math
import random
from collections.abc import Sequence

import pytest

from building.quality import Quality
from building.reading import Reading, ReadingBatch
from telemetry.errors import BadPeriod, TooManyBuckets
from telemetry.store import Bucket, SeriesQuery, TelemetryStore
from tests.contracts.readings import DAY_MS, NOW_MS, TODAY_MS, YESTERDAY_MS, batch


async def test_a_series_rolls_up_into_buckets_counted_from_the_epoch(store: TelemetryStore) -> None:
    minute = 60_000
    values = [(1, TODAY_MS + 10_000, 1.0), (1, TODAY_MS + 59_999, 3.0), (1, TODAY_MS + 3 * minute, -4.0)]
    await store.append([(1, batch(*values, (2, TODAY_MS, 50.0)))])
    query = SeriesQuery(point_no=1, start_ms=TODAY_MS + 5_000, end_ms=TODAY_MS + 4 * minute, bucket_ms=minute)
    series = await store.series(query)
    assert (series.start_ms, series.bucket_ms) == (TODAY_MS, minute)
    assert [(row.ts_ms, row.avg, row.min, row.max, row.count, row.bad) for row in series.rows] == [
        (TODAY_MS, 2.0, 1.0, 3.0, 2, 0),
        (TODAY_MS + 3 * minute, -4.0, -4.0, -4.0, 1, 0),
    ]


async def test_the_start_of_a_period_belongs_to_it_and_the_end_does_not(store: TelemetryStore) -> None:
    await store.append([(1, batch((1, TODAY_MS, 1.0), (1, TODAY_MS + 1_000, 2.0), (1, TODAY_MS + 2_000, 3.0)))])
    query = SeriesQuery(point_no=1, start_ms=TODAY_MS + 1_000, end_ms=TODAY_MS + 2_000, bucket_ms=1_000)
    assert [row.avg for row in (await store.series(query)).rows] == [2.0]


async def test_readings_without_a_value_are_counted_and_in_no_average(store: TelemetryStore) -> None:
    await store.append(
        [
            (
                1,
                batch(
                    (1, TODAY_MS, 10.0),
                    (1, TODAY_MS + 1, 20.0, Quality.STALE),
                    (1, TODAY_MS + 2, math.nan, Quality.FAULT),
                    (1, TODAY_MS + 3, math.nan, Quality.DOWN),
                    (1, TODAY_MS + 60_000, math.nan, Quality.UNKNOWN),
                ),
            )
        ]
    )
    query = SeriesQuery(point_no=1, start_ms=TODAY_MS, end_ms=TODAY_MS + 120_000, bucket_ms=60_000)
    first, second = (await store.series(query)).rows
    assert (first.avg, first.min, first.max, first.count, first.bad) == (15.0, 10.0, 20.0, 2, 2)
    assert (second.avg, second.min, second.max, second.count, second.bad) == (None, None, None, 0, 1)


async def test_zero_is_a_value_in_a_series(store: TelemetryStore) -> None:
    await store.append([(1, batch((1, TODAY_MS, 0.0)))])
    query = SeriesQuery(point_no=1, start_ms=TODAY_MS, end_ms=TODAY_MS + 1_000, bucket_ms=1_000)
    assert [(row.avg, row.count) for row in (await store.series(query)).rows] == [(0.0, 1)]


WIDTHS_MS = [60_000, 7 * 60_000, 3_600_000, 5 * 3_600_000, 12 * 3_600_000, DAY_MS, 7 * DAY_MS]


@pytest.mark.parametrize("bucket_ms", WIDTHS_MS)
async def test_a_series_is_what_its_readings_say_compacted_or_not_and_with_late_ones(
    store: TelemetryStore, bucket_ms: int
) -> None:
    chance = random.Random(bucket_ms)
    start_ms = YESTERDAY_MS - DAY_MS

    def some() -> ReadingBatch:
        moments = [chance.randrange(start_ms, NOW_MS) for _ in range(300)]
        qualities = [Quality.OK, Quality.OK, Quality.STALE, Quality.FAULT]
        drawn = [(moment, chance.choice(qualities)) for moment in moments]
        return batch(
            *(
                (1, moment, round(chance.gauss(20, 5), 1) if quality.has_value else math.nan, quality)
                for moment, quality in drawn
            )
        )

    asked = {"start_ms": start_ms, "end_ms": min(NOW_MS, start_ms + 4_000 * bucket_ms), "bucket_ms": bucket_ms}
    query = SeriesQuery(point_no=1, **asked)
    for sequence in (1, 2, 3):
        await store.append([(sequence, some())])
        for _ in range(2):
            assert_is(list((await store.series(query)).rows), await expected_buckets(store, query))
            await store.compact()


async def expected_buckets(store: TelemetryStore, query: SeriesQuery) -> list[Bucket]:
    found: dict[int, list[Reading]] = {}
    for reading in await store.raw([query.point_no], start_ms=query.start_ms, end_ms=query.end_ms, limit=100_000):
        found.setdefault(reading.ts_ms - reading.ts_ms % query.bucket_ms, []).append(reading)
    return [bucket_of(ts_ms, readings) for ts_ms, readings in sorted(found.items())]


def bucket_of(ts_ms: int, readings: Sequence[Reading]) -> Bucket:
    values = [reading.value for reading in readings if reading.quality.has_value]
    bad = len(readings) - len(values)
    if not values:
        return Bucket(ts_ms, None, None, None, 0, bad)
    return Bucket(ts_ms, math.fsum(values) / len(values), min(values), max(values), len(values), bad)


def assert_is(found: Sequence[Bucket], expected: Sequence[Bucket]) -> None:
    """Equal but for the order in which an engine adds numbers up."""
    assert [(row.ts_ms, row.min, row.max, row.count, row.bad) for row in found] == [
        (row.ts_ms, row.min, row.max, row.count, row.bad) for row in expected
    ]
    assert [row.avg for row in found] == [row.avg and pytest.approx(row.avg, rel=1e-12, abs=1e-12) for row in expected]


def test_a_query_that_would_answer_too_much_cannot_be_made() -> None:
    with pytest.raises(TooManyBuckets) as refusal:
        SeriesQuery(point_no=1, start_ms=TODAY_MS, end_ms=TODAY_MS + DAY_MS, bucket_ms=1_000)
    assert refusal.value.smallest_s == 30
    with pytest.raises(BadPeriod):
        SeriesQuery.of(point_no=1, start_ms=TODAY_MS, end_ms=TODAY_MS, bucket_ms=None)
