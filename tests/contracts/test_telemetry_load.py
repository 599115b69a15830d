"""What every engine must bear: much, many points, many at once. A new engine joins `tests.contracts.engines`."""

import asyncio
import random
import time
from pathlib import Path

import numpy as np
import pytest

from building.quality import Quality
from building.reading import ReadingBatch
from telemetry.store import SeriesQuery, TelemetryStore
from tests.contracts.conftest import Open
from tests.contracts.engines import SERVERS
from tests.contracts.readings import DAY_MS, NOW_MS, TODAY_MS, YESTERDAY_MS, batch, everything, rows_of


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
