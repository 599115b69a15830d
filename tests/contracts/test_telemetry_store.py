"""What every engine of `TelemetryStore` must do. A new engine joins `tests.contracts.engines`."""

import asyncio
import math
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from building.quality import Quality
from building.reading import Reading, ReadingBatch
from telemetry.store import SeriesQuery, TelemetryStore
from tests.contracts.conftest import Open
from tests.contracts.engines import ENGINES, Engines
from tests.contracts.readings import DAY_MS, NOW_MS, TODAY_MS, YESTERDAY_MS, batch, everything, rows_of

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
@settings(max_examples=16, deadline=None)
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
