"""What every engine of `TelemetryStore` must do. A new engine joins `tests.contracts.engines`."""

import asyncio
import math
import random
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from building.quality import Quality
from building.reading import Reading, ReadingBatch
from kit.clock import to_ms
from telemetry.errors import BadPeriod, TooManyBuckets
from telemetry.store import Bucket, SeriesQuery, TelemetryStore
from tests.contracts.engines import ENGINES, NOW, SERVERS, Engines

NOW_MS = to_ms(NOW)
DAY_MS = 86_400_000
TODAY_MS = NOW_MS - NOW_MS % DAY_MS
YESTERDAY_MS = TODAY_MS - DAY_MS

Open = Callable[[Path], AbstractAsyncContextManager[TelemetryStore]]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    engines = Engines(tmp_path_factory.mktemp("engines"))
    with engines.stack:
        yield engines


@pytest.fixture(params=ENGINES)
def engine(engines: Engines, request: pytest.FixtureRequest) -> Open:
    return partial(engines.open, request.param)


@pytest.fixture
async def store(engine: Open, tmp_path: Path) -> AsyncIterator[TelemetryStore]:
    async with engine(tmp_path) as store:
        yield store


def batch(*readings: tuple[int, int, float] | tuple[int, int, float, Quality]) -> ReadingBatch:
    return ReadingBatch.of([Reading(*reading) for reading in readings])


async def everything(store: TelemetryStore, *points: int) -> list[Reading]:
    return list(await store.raw(points or [1], start_ms=NOW_MS - 900 * DAY_MS, end_ms=NOW_MS + DAY_MS, limit=100_000))


def rows_of(readings: Sequence[Reading]) -> list[tuple[int, int, float, Quality]]:
    return [(r.point_no, r.ts_ms, r.value, r.quality) for r in readings]


# --- append, latest, raw --------------------------------------------------------------------------------------------


async def test_an_empty_store_answers_with_nothing(store: TelemetryStore) -> None:
    assert len(await store.latest([1, 2])) == 0
    assert await everything(store) == []
    assert len(await store.series(SeriesQuery.of(point_no=1, start_ms=TODAY_MS, end_ms=NOW_MS, bucket_ms=None))) == 0
    assert await store.compact() == 0
    await store.drop_before(NOW_MS)
    assert (await store.stats()).points == 0


async def test_what_is_appended_is_read_back_oldest_first(store: TelemetryStore) -> None:
    await store.append([(1, batch((2, TODAY_MS + 5, 2.5), (1, TODAY_MS + 9, 1.5))), (2, batch((1, TODAY_MS, 0.0)))])
    assert rows_of(await everything(store, 1, 2)) == [
        (1, TODAY_MS, 0.0, Quality.OK),
        (2, TODAY_MS + 5, 2.5, Quality.OK),
        (1, TODAY_MS + 9, 1.5, Quality.OK),
    ]


async def test_raw_holds_only_the_points_and_the_period_asked_and_at_most_the_limit(store: TelemetryStore) -> None:
    await store.append([(1, batch(*((point, TODAY_MS + at, 1.0) for point in (1, 2, 3) for at in range(10))))])
    found = await store.raw([1, 3], start_ms=TODAY_MS + 2, end_ms=TODAY_MS + 5, limit=100)
    assert [(r.point_no, r.ts_ms - TODAY_MS) for r in found] == [(1, 2), (3, 2), (1, 3), (3, 3), (1, 4), (3, 4)]
    cut = await store.raw([1, 3], start_ms=TODAY_MS + 2, end_ms=TODAY_MS + 5, limit=3)
    assert [(r.point_no, r.ts_ms - TODAY_MS) for r in cut] == [(1, 2), (3, 2), (1, 3)]
    assert len(await store.raw([], start_ms=TODAY_MS, end_ms=NOW_MS, limit=5)) == 0


async def test_latest_is_the_newest_by_event_time_in_the_order_asked(store: TelemetryStore) -> None:
    await store.append([(1, batch((1, TODAY_MS + 10, 1.0), (2, TODAY_MS + 5, 2.0)))])
    await store.append([(2, batch((1, TODAY_MS + 3, 99.0), (7, TODAY_MS, math.nan, Quality.DOWN)))])
    found = list(await store.latest([2, 999, 1, 7]))
    assert [(r.point_no, r.ts_ms) for r in found] == [(2, TODAY_MS + 5), (1, TODAY_MS + 10), (7, TODAY_MS)]
    assert (found[1].value, found[2].quality) == (1.0, Quality.DOWN)
    assert math.isnan(found[2].value)


@pytest.mark.parametrize("sequences", [(3, 7), (7, 3)])
async def test_of_the_same_reading_the_highest_sequence_wins_whichever_came_first(
    store: TelemetryStore, sequences: tuple[int, int]
) -> None:
    for sequence in sequences:
        await store.append([(sequence, batch((1, TODAY_MS, float(sequence))))])
    assert rows_of(await everything(store)) == [(1, TODAY_MS, 7.0, Quality.OK)]
    assert next(iter(await store.latest([1]))).value == 7.0
    series = await store.series(SeriesQuery.of(point_no=1, start_ms=TODAY_MS, end_ms=NOW_MS, bucket_ms=None))
    assert [(row.avg, row.count) for row in series.rows] == [(7.0, 1)]


async def test_within_one_message_the_last_wins(store: TelemetryStore) -> None:
    await store.append([(1, batch((1, TODAY_MS, 1.0), (1, TODAY_MS, 3.0), (1, TODAY_MS, 2.0)))])
    assert rows_of(await everything(store)) == [(1, TODAY_MS, 2.0, Quality.OK)]


async def test_a_reading_that_loses_its_value_keeps_its_quality(store: TelemetryStore) -> None:
    await store.append([(1, batch((1, TODAY_MS, 5.0)))])
    await store.append([(2, batch((1, TODAY_MS, math.nan, Quality.FAULT)))])
    (reading,) = await everything(store)
    assert math.isnan(reading.value)
    assert reading.quality is Quality.FAULT


# --- series ---------------------------------------------------------------------------------------------------------


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


# --- compaction, retention, restart ---------------------------------------------------------------------------------


async def three_days(store: TelemetryStore) -> None:
    for number, day_ms in enumerate((YESTERDAY_MS - DAY_MS, YESTERDAY_MS, TODAY_MS)):
        readings = [(point, day_ms + minute * 60_000, float(number)) for point in (1, 2) for minute in range(60)]
        await store.append([(number + 1, batch(*readings))])
        await store.append([(number + 10, batch((1, day_ms, 100.0 + number)))])


async def test_compaction_changes_no_answer(store: TelemetryStore) -> None:
    await three_days(store)
    query = SeriesQuery.of(point_no=1, start_ms=YESTERDAY_MS - DAY_MS, end_ms=NOW_MS, bucket_ms=None)
    before = (await everything(store, 1, 2), list((await store.series(query)).rows), list(await store.latest([1, 2])))
    await store.compact()
    after = (await everything(store, 1, 2), list((await store.series(query)).rows), list(await store.latest([1, 2])))
    assert after == before
    assert len(before[0]) == 360


@pytest.mark.parametrize(("sequence", "value"), [(99, 55.0), (0, 101.0)])
async def test_a_late_copy_of_a_compacted_reading_wins_only_by_its_sequence(
    store: TelemetryStore, sequence: int, value: float
) -> None:
    await three_days(store)
    await store.compact()
    await store.append([(sequence, batch((1, YESTERDAY_MS, 55.0)))])
    for _ in range(2):
        first = next(r for r in await everything(store, 1) if r.ts_ms == YESTERDAY_MS)
        assert first.value == value
        await store.compact()
    assert len(await everything(store, 1, 2)) == 360


async def test_retention_forgets_whole_days_before_and_nothing_else(store: TelemetryStore) -> None:
    await three_days(store)
    await store.append([(50, batch((9, YESTERDAY_MS - DAY_MS + 5, 9.0)))])
    await store.compact()
    await store.drop_before(YESTERDAY_MS + 30 * 60_000)
    left = await everything(store, 1, 2, 9)
    assert {r.ts_ms // DAY_MS for r in left} == {YESTERDAY_MS // DAY_MS, TODAY_MS // DAY_MS}
    assert len(left) == 240
    assert [r.point_no for r in await store.latest([1, 9])] == [1]


@pytest.mark.parametrize("compacted", [False, True])
async def test_everything_is_there_after_a_restart(engine: Open, tmp_path: Path, compacted: bool) -> None:
    async with engine(tmp_path) as store:
        await three_days(store)
        await store.append([(60, batch((5, YESTERDAY_MS, 5.0)))])
        if compacted:
            await store.compact()
        before = (await everything(store, 1, 2, 5), list(await store.latest([1, 2, 5])))
    async with engine(tmp_path) as store:
        assert (await everything(store, 1, 2, 5), list(await store.latest([1, 2, 5]))) == before
        await store.append([(61, batch((5, YESTERDAY_MS, 6.0)))])
        await store.compact()
        assert [r.value for r in await everything(store, 5)] == [6.0]


async def test_many_write_and_ask_at_once(store: TelemetryStore) -> None:
    async def write(writer: int) -> None:
        for number in range(20):
            readings = [(point, TODAY_MS + number, float(writer)) for point in range(writer * 10, writer * 10 + 10)]
            await store.append([(writer * 100 + number, batch(*readings))])

    async def ask() -> None:
        for _ in range(10):
            query = SeriesQuery.of(point_no=1, start_ms=YESTERDAY_MS, end_ms=NOW_MS, bucket_ms=None)
            await asyncio.gather(store.series(query), store.compact(), store.latest([1]), store.stats())

    await asyncio.gather(*(write(writer) for writer in range(4)), ask())
    assert len(await everything(store, *range(40))) == 40 * 20


# --- big, wide and at once ------------------------------------------------------------------------------------------


def wide(*, points: int, instants: int, start_ms: int) -> ReadingBatch:
    """Every point at every instant, a second apart; the value says which."""
    number = np.tile(np.arange(1, points + 1, dtype=np.int32), instants)
    at = np.repeat(np.arange(instants, dtype=np.int64), points)
    return ReadingBatch(number, start_ms + at * 1_000, number + at / 64, np.zeros(len(number), np.uint8))


async def test_ten_thousand_points_in_one_append(store: TelemetryStore) -> None:
    await store.append([(1, wide(points=10_000, instants=5, start_ms=TODAY_MS))])
    points = random.Random(1).sample(range(1, 10_001), 10_000)
    newest = await store.latest(points)
    assert newest.point_no.tolist() == points
    assert set(newest.ts_ms.tolist()) == {TODAY_MS + 4_000}
    assert (newest.value == newest.point_no + 4 / 64).all()
    kept = await store.raw(points, start_ms=TODAY_MS, end_ms=TODAY_MS + 4_000, limit=100_000)
    assert (len(kept), len(set(zip(kept.ts_ms.tolist(), kept.point_no.tolist(), strict=True)))) == (40_000, 40_000)
    assert kept.point_no[:3].tolist() == [1, 2, 3]
    page = await store.raw(points, start_ms=TODAY_MS, end_ms=TODAY_MS + 4_000, limit=25_001)
    assert (page.ts_ms[-1], page.point_no[-1]) == (TODAY_MS + 2_000, 5_001)
    assert (await store.stats()).points == 10_000


async def test_a_long_period_read_in_pages_is_the_whole_of_it(store: TelemetryStore) -> None:
    for number in range(3):
        await store.append([(number + 1, wide(points=2, instants=7_000, start_ms=YESTERDAY_MS + number * 3_500_000))])
    start_ms, found = YESTERDAY_MS, 0
    while True:
        page = await store.raw([1, 2], start_ms=start_ms, end_ms=TODAY_MS, limit=4_000)
        if len(page) < 4_000:
            found += len(page)
            break
        start_ms = int(page.ts_ms[-1])
        found += int((page.ts_ms < start_ms).sum())
    assert found == 2 * 14_000  # halves of the messages lie over each other
    query = SeriesQuery(point_no=2, start_ms=YESTERDAY_MS, end_ms=TODAY_MS, bucket_ms=3_600_000)
    assert [row.count for row in (await store.series(query)).rows] == [3_600, 3_600, 3_600, 3_200]


async def test_a_whole_message_that_comes_again_late_changes_nothing(store: TelemetryStore) -> None:
    old = wide(points=50, instants=40, start_ms=YESTERDAY_MS)
    young = ReadingBatch(old.point_no, old.ts_ms, -old.value, old.quality)
    await store.append([(10, old)])
    await store.append([(20, young)])
    await store.append([(10, old)])
    await store.compact()
    await store.append([(10, old), (15, old)])
    kept = await store.raw(range(1, 51), start_ms=YESTERDAY_MS, end_ms=NOW_MS, limit=100_000)
    assert sorted(zip(kept.point_no.tolist(), kept.ts_ms.tolist(), kept.value.tolist(), strict=True)) == sorted(
        zip(young.point_no.tolist(), young.ts_ms.tolist(), young.value.tolist(), strict=True)
    )
    newest = await store.latest(range(1, 51))
    assert (newest.value < 0).all()


async def test_sequences_far_apart_and_far_up_are_compared_as_numbers(store: TelemetryStore) -> None:
    for sequence in (2**40 + 7, 999_999, 3, 2**40 + 8, 2**31, 1_000_000):
        await store.append([(sequence, batch((1, TODAY_MS, float(sequence))))])
    assert rows_of(await everything(store)) == [(1, TODAY_MS, float(2**40 + 8), Quality.OK)]


async def test_values_come_back_to_the_last_bit(store: TelemetryStore) -> None:
    values = [0.1 + 0.2, -0.0, 1e-300, 1.7976931348623157e308, 5e-324, 123456789.123456789, float(2**53 + 2), -1 / 3]
    await store.append([(1, batch(*((1, TODAY_MS + at, value) for at, value in enumerate(values))))])
    assert [r.value for r in await everything(store)] == values


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/St_Johns"])
async def test_days_and_buckets_are_those_of_utc_wherever_we_are(
    store: TelemetryStore, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        around_midnight = [(1, TODAY_MS - 1, 1.0), (1, TODAY_MS, 2.0), (1, TODAY_MS + 1, 3.0)]
        await store.append([(1, batch(*around_midnight))])
        query = SeriesQuery(point_no=1, start_ms=YESTERDAY_MS, end_ms=NOW_MS, bucket_ms=DAY_MS)
        assert [(r.ts_ms, r.avg) for r in (await store.series(query)).rows] == [(YESTERDAY_MS, 1.0), (TODAY_MS, 2.5)]
        await store.compact()
        await store.drop_before(TODAY_MS + 5)
        assert [r.value for r in await everything(store)] == [2.0, 3.0]
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_what_was_appended_is_seen_by_whoever_asks_next_while_others_append(store: TelemetryStore) -> None:
    async def append_and_ask(point: int) -> None:
        for number in range(15):
            await store.append([(number + 1, batch((point, TODAY_MS + number, float(number))))])
            found = await store.raw([point], start_ms=TODAY_MS, end_ms=NOW_MS, limit=100)
            assert [r.value for r in found] == [float(at) for at in range(number + 1)]
            (newest,) = await store.latest([point])
            assert newest.value == number

    await asyncio.gather(*(append_and_ask(point) for point in range(1, 7)))


async def test_the_newest_reading_never_goes_away_or_back_while_more_are_written(store: TelemetryStore) -> None:
    readings = wide(points=3, instants=400, start_ms=TODAY_MS)
    await store.append([(1, wide(points=3, instants=1, start_ms=TODAY_MS - 1_000))])
    done = False

    async def write() -> None:
        nonlocal done
        for number in range(12):
            later = ReadingBatch(readings.point_no, readings.ts_ms + number * 400_000, readings.value, readings.quality)
            await store.append([(number + 2, later)])
        done = True

    async def ask() -> None:
        known_ms = [0, 0, 0]
        while not done:
            newest = await store.latest([1, 2, 3])
            assert newest.point_no.tolist() == [1, 2, 3]
            assert not np.isnan(newest.value).any()
            assert all(now_ms >= before_ms for now_ms, before_ms in zip(newest.ts_ms, known_ms, strict=True))
            known_ms = newest.ts_ms.tolist()
            await asyncio.sleep(0)

    await asyncio.gather(write(), ask(), ask())


@pytest.mark.parametrize("engine", SERVERS, indirect=True)
async def test_two_stores_of_one_server_are_one_store(engine: Open, tmp_path: Path) -> None:
    async with engine(tmp_path) as one, engine(tmp_path) as other:
        await asyncio.gather(*(
            store.append([(sequence, batch((1, TODAY_MS, float(sequence)), (2, TODAY_MS + sequence, 1.0)))])
            for sequence, store in enumerate([one, other] * 10, start=1)
        ))  # fmt: skip
        for store in (one, other):
            assert rows_of(await everything(store)) == [(1, TODAY_MS, 20.0, Quality.OK)]
            assert len(await everything(store, 2)) == 20


# --- any order, any number of deliveries ----------------------------------------------------------------------------

instants = st.sampled_from([YESTERDAY_MS, YESTERDAY_MS + 1, TODAY_MS, TODAY_MS + 1])
readings = st.builds(
    Reading,
    point_no=st.integers(1, 3),
    ts_ms=instants,
    value=st.integers(-5, 5).map(float),
    quality=st.sampled_from([Quality.OK, Quality.STALE]),
)
messages = st.lists(st.lists(readings, min_size=1, max_size=4), min_size=1, max_size=6)


@pytest.mark.parametrize("name", ENGINES)
@settings(max_examples=25, deadline=None)
@given(messages=messages, seed=st.integers(0, 2**32))
def test_any_order_and_duplication_of_messages_gives_the_same_store(
    engines: Engines, name: str, messages: list[list[Reading]], seed: int
) -> None:
    numbered = [(number, ReadingBatch.of(message)) for number, message in enumerate(messages, start=1)]
    chance = random.Random(seed)
    shuffled = [message for message in numbered for _ in range(chance.randint(1, 3))]
    chance.shuffle(shuffled)
    expected = {(r.point_no, r.ts_ms): (r.value, r.quality) for _, message in numbered for r in message}

    async def stored(deliveries: Sequence[tuple[int, ReadingBatch]]) -> dict[tuple[int, int], tuple[float, Quality]]:
        with tempfile.TemporaryDirectory() as folder:
            async with engines.open(name, Path(folder)) as store:
                for delivery in deliveries:
                    await store.append([delivery])
                    if chance.random() < 0.3:
                        await store.compact()
                newest = {r.point_no: (r.ts_ms, r.value) for r in await store.latest([1, 2, 3])}
                kept = {(r.point_no, r.ts_ms): (r.value, r.quality) for r in await everything(store, 1, 2, 3)}
                assert newest == {p: (ts, value) for (p, ts), (value, _) in sorted(kept.items())}
                return kept

    assert asyncio.run(stored(shuffled)) == expected
