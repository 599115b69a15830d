"""What is DuckDB's own: a kill at any moment, the lock, files that nobody lists, slices, deadlines."""

import asyncio
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from building.reading import ReadingBatch
from kit.clock import FakeClock, to_ms
from telemetry.duckdb_file import DuckDbLimits
from telemetry.duckdb_store import DuckDbStore
from telemetry.errors import QueryTooSlow, StoreInUse, StoreUnavailable, UnstorableBatch
from telemetry.store import Series, SeriesQuery
from tests.telemetry.killed_writer import DAY_MS, FIRST_MS, NOW, POINTS, message

ROOT = Path(__file__).parents[2]
NOW_MS = to_ms(NOW)


def store_in(home: Path, **limits: float) -> DuckDbStore:
    return DuckDbStore(home, clock=FakeClock(NOW), limits=DuckDbLimits(**limits))  # type: ignore[arg-type]


def kill_after(home: Path, *, lines: int, mode: str) -> int:
    """Runs the writer, kills it with -9 after so many acknowledged appends; the last one acknowledged."""
    command = [sys.executable, "-m", "tests.telemetry.killed_writer", str(home), mode]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(lines):
            assert writer.stdout.readline(), "the writer ended by itself"
        writer.kill()
        rest = writer.stdout.read().split()
        assert writer.wait() == -9
    return lines + len(rest)


@pytest.mark.parametrize(("mode", "lines"), [("appends", 40), ("compacts", 23), ("compacts", 58)])
async def test_a_kill_loses_nothing_that_was_acknowledged_and_doubles_nothing(
    tmp_path: Path, mode: str, lines: int
) -> None:
    last = kill_after(tmp_path, lines=lines, mode=mode)
    async with store_in(tmp_path) as store:
        kept = await store.raw(list(range(1, POINTS + 1)), start_ms=FIRST_MS, end_ms=NOW_MS, limit=1_000_000)
        assert len(await store.latest(list(range(1, POINTS + 1)))) == POINTS
        sequences, counts = np.unique(kept.value, return_counts=True)
        # One more may have been committed between its commit and its line.
        assert sequences.tolist() in (list(range(1, last + 1)), list(range(1, last + 2)))
        assert set(counts.tolist()) == {POINTS}
        await store.compact()
        again = await store.raw(list(range(1, POINTS + 1)), start_ms=FIRST_MS, end_ms=NOW_MS, limit=1_000_000)
        assert len(again) == len(kept)
        day = SeriesQuery(point_no=1, start_ms=FIRST_MS - FIRST_MS % DAY_MS, end_ms=NOW_MS, bucket_ms=DAY_MS)
        assert sum(row.count for row in (await store.series(day)).rows) == len(kept) // POINTS


def today_message(sequence: int) -> ReadingBatch:
    shifted = message(sequence)
    return ReadingBatch(shifted.point_no, shifted.ts_ms - FIRST_MS + NOW_MS - 3_600_000, shifted.value, shifted.quality)


def scattered(chance: np.random.Generator, sequence: int) -> ReadingBatch:
    """Readings of some points anywhere in the last days, some without a value."""
    count = 500
    times = chance.integers(FIRST_MS - FIRST_MS % DAY_MS, NOW_MS, count)
    quality = chance.choice([0, 1, 2, 3], count).astype(np.uint8)
    value = np.where(quality < 2, chance.normal(0, 1e3, count), np.nan)
    return ReadingBatch(chance.integers(1, 5, count).astype(np.int32), times, value, quality)


def columns(series: Series) -> list[list[str]]:
    """To the last bit; NaN as text, because it equals nothing."""
    return [
        [repr(one) for one in column.tolist()]
        for column in (series.ts_ms, series.avg, series.min, series.max, series.count, series.bad)
    ]


async def test_a_second_process_is_told_who_has_the_file(tmp_path: Path) -> None:
    async with store_in(tmp_path):
        code = f"""
import asyncio, sys
from pathlib import Path
from datetime import UTC, datetime
from kit.clock import SystemClock
from telemetry.duckdb_store import DuckDbStore
from telemetry.errors import StoreInUse
async def main():
    try:
        async with DuckDbStore(Path({str(tmp_path)!r}), clock=SystemClock()): pass
    except StoreInUse as error:
        print(error); sys.exit(7)
asyncio.run(main())
"""
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 7, done.stderr
    assert "recent.duckdb" in done.stdout


async def test_files_that_no_segment_lists_are_removed_at_the_start(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        await store.append([(1, message(1))])
        await store.compact()
    stray = tmp_path / "segments" / "20000-killed.parquet"
    stray.write_bytes(b"half a file")
    listed = set((tmp_path / "segments").iterdir()) - {stray}
    async with store_in(tmp_path):
        assert set((tmp_path / "segments").iterdir()) == listed


async def test_a_segment_is_sorted_by_point_and_time_even_in_many_slices(tmp_path: Path) -> None:
    async with store_in(tmp_path, slice_rows=120, flush_slice_rows=120) as store:
        for sequence in (3, 1, 2):
            await store.append([(sequence, message(sequence))])
        await store.compact()
    (file,) = (tmp_path / "segments").iterdir()
    table = pq.read_table(file)
    keys = list(zip(table["point_no"].to_pylist(), table["ts_ms"].to_pylist(), strict=True))
    assert keys == sorted(set(keys))
    assert len(keys) == 3 * POINTS
    assert pq.ParquetFile(file).num_row_groups > 1


async def test_a_day_that_is_not_over_gets_segments_without_hours(tmp_path: Path) -> None:
    today = ReadingBatch(
        np.array([1], np.int32), np.array([NOW_MS], np.int64), np.array([1.0]), np.array([0], np.uint8)
    )
    async with store_in(tmp_path) as store:
        await store.append([(1, message(1)), (2, today)])
        assert await store.compact() == 1
        stats = await store.stats()
        assert (stats.recent_rows, stats.segment_rows, stats.segments) == (0, POINTS + 1, 2)
        assert stats.bytes
        assert len(list((tmp_path / "hours").iterdir())) == 1
        assert await store.compact() == 0


async def test_many_fresh_readings_become_segments_without_waiting_for_upkeep(tmp_path: Path) -> None:
    async with store_in(tmp_path, fresh_rows=2 * POINTS) as store:
        for sequence in range(1, 101):
            await store.append([(sequence, today_message(sequence))])
        async with asyncio.timeout(30):
            while (await store.stats()).segment_rows < 2 * POINTS:
                await asyncio.sleep(0.01)
        kept = await store.raw([7], start_ms=NOW_MS - DAY_MS, end_ms=NOW_MS, limit=1_000)
        assert kept.value.tolist() == [float(sequence) for sequence in range(1, 101)]


async def test_a_day_that_is_not_over_never_has_many_segments(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        for sequence in range(1, 40):
            await store.append([(sequence, today_message(sequence)), (sequence, today_message(sequence + 1))])
            await store.compact()
            assert (await store.stats()).segments <= 16
        kept = await store.raw([7], start_ms=NOW_MS - DAY_MS, end_ms=NOW_MS, limit=1_000)
        assert kept.value.tolist() == [float(sequence) for sequence in range(1, 41)]


async def test_whole_hours_are_answered_from_what_is_stored_and_never_differ_from_the_readings(tmp_path: Path) -> None:
    hourly = SeriesQuery(point_no=3, start_ms=FIRST_MS - FIRST_MS % DAY_MS, end_ms=NOW_MS, bucket_ms=3_600_000)
    minutely = SeriesQuery(point_no=3, start_ms=hourly.start_ms, end_ms=hourly.start_ms + DAY_MS, bucket_ms=60_000)
    whole_days = hourly.start_ms, NOW_MS - NOW_MS % DAY_MS
    closed = SeriesQuery(point_no=3, start_ms=whole_days[0], end_ms=whole_days[1], bucket_ms=3_600_000)
    chance = np.random.default_rng(5)
    async with store_in(tmp_path, slice_rows=700, flush_slice_rows=700) as store:
        for sequence in range(1, 60):
            await store.append([(sequence, scattered(chance, sequence))])
        before = columns(await store.series(hourly))
        await store.compact()
        assert columns(await store.series(hourly)) == before
        kept = columns(await store.series(closed))
        for segment in (tmp_path / "segments").iterdir():
            segment.rename(tmp_path / segment.name)
        assert columns(await store.series(closed)) == kept
        with pytest.raises(StoreUnavailable):
            await store.series(minutely)


async def test_a_late_reading_counts_in_the_hours_at_once_and_after_the_next_compaction(tmp_path: Path) -> None:
    query = SeriesQuery(point_no=1, start_ms=FIRST_MS - FIRST_MS % DAY_MS, end_ms=NOW_MS, bucket_ms=12 * 3_600_000)
    async with store_in(tmp_path) as store:
        for sequence in range(1, 21):
            await store.append([(sequence, message(sequence))])
        await store.compact()
        assert [row.count for row in (await store.series(query)).rows] == [20]
        for sequence in (21, 22):
            await store.append([(sequence, message(sequence))])
            for _ in range(2):
                (bucket,) = (await store.series(query)).rows
                assert (bucket.count, bucket.max, bucket.avg) == (sequence, float(sequence), (sequence + 1) / 2)
                await store.compact()


async def test_the_hours_of_many_days_share_a_file(tmp_path: Path) -> None:
    days = 40
    query = SeriesQuery(point_no=2, start_ms=FIRST_MS - days * DAY_MS, end_ms=FIRST_MS, bucket_ms=DAY_MS)
    async with store_in(tmp_path) as store:
        for day in range(days):
            moved = message(day)
            early = ReadingBatch(moved.point_no, moved.ts_ms - (day + 1) * DAY_MS, moved.value, moved.quality)
            await store.append([(day + 1, early)])
        await store.compact()
        assert len(list((tmp_path / "hours").iterdir())) < days / 4
        assert [row.avg for row in (await store.series(query)).rows] == [float(day) for day in reversed(range(days))]
        await store.drop_before(FIRST_MS - 10 * DAY_MS)
        assert [row.avg for row in (await store.series(query)).rows] == [float(day) for day in reversed(range(10))]


async def test_the_layout_of_the_first_releases_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "segments").mkdir()
    day = FIRST_MS // DAY_MS
    with duckdb.connect(str(tmp_path / "recent.duckdb")) as older:
        columns = "point_no INTEGER, ts_ms BIGINT, value DOUBLE, quality UTINYINT, seq BIGINT"
        older.execute(f"CREATE TABLE recent ({columns}, arrival BIGINT)")
        older.execute(f"INSERT INTO recent VALUES (1, {FIRST_MS + 5}, 2.0, 0, 9, 1)")
        older.execute("CREATE TABLE segment (day BIGINT PRIMARY KEY, file VARCHAR NOT NULL, rows BIGINT NOT NULL)")
        older.execute(f"INSERT INTO segment VALUES ({day}, 'old.parquet', 1)")
        older.execute(f"CREATE TABLE newest ({columns.replace('INTEGER', 'INTEGER PRIMARY KEY')})")
        older.execute(f"INSERT INTO newest VALUES (1, {FIRST_MS}, 1.0, 0, 8)")
        file = tmp_path / "segments" / "old.parquet"
        older.execute(
            f"COPY (SELECT 1::INTEGER AS point_no, {FIRST_MS}::BIGINT AS ts_ms, 1.0::DOUBLE AS value, "
            f"0::UTINYINT AS quality, 8::BIGINT AS seq) TO '{file}' (FORMAT parquet)"
        )
    for _ in range(2):
        async with store_in(tmp_path) as store:
            kept = await store.raw([1], start_ms=FIRST_MS, end_ms=NOW_MS, limit=10)
            assert kept.value.tolist() == [1.0, 2.0]
            assert next(iter(await store.latest([1]))).value == 2.0
            await store.compact()
            assert (await store.stats()).segments == 1


async def test_a_rewritten_segment_leaves_one_file_after_the_next_upkeep(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        for sequence in (1, 2, 3):
            await store.append([(sequence, message(sequence))])
            await store.compact()
        await store.compact()
        assert len(list((tmp_path / "segments").iterdir())) == 1


async def test_appends_go_on_while_a_day_is_compacted(tmp_path: Path) -> None:
    async with store_in(tmp_path, slice_rows=200, flush_slice_rows=200) as store:
        for sequence in range(1, 200):
            await store.append([(sequence, message(sequence))])
        compacting = asyncio.create_task(store.compact())
        sequence = 200
        while not compacting.done():
            await store.append([(sequence, message(sequence))])
            sequence += 1
        assert sequence > 200
        kept = await store.raw([1], start_ms=FIRST_MS, end_ms=NOW_MS, limit=100_000)
        assert kept.value.tolist() == [float(number) for number in range(1, sequence)]


async def test_a_query_that_is_late_is_stopped_and_the_store_goes_on(tmp_path: Path) -> None:
    count = 400_000
    times, values = FIRST_MS + np.arange(count, dtype=np.int64), np.random.default_rng(1).random(count)
    noise = ReadingBatch(np.full(count, 1, np.int32), times, values, np.zeros(count, np.uint8))
    async with store_in(tmp_path, query_deadline_s=0.001) as store:
        await store.append([(1, noise)])
        query = SeriesQuery.of(point_no=1, start_ms=FIRST_MS, end_ms=FIRST_MS + DAY_MS, bucket_ms=None)
        with pytest.raises(QueryTooSlow):
            await store.series(query)
        await store.append([(2, message(2))])
        assert len(await store.latest([2])) == 1


async def test_a_batch_whose_columns_differ_in_length_is_refused_and_nothing_of_the_call_is_kept(
    tmp_path: Path,
) -> None:
    crooked = ReadingBatch(np.array([1, 2], np.int32), np.array([NOW_MS], np.int64), np.zeros(1), np.zeros(1, np.uint8))
    async with store_in(tmp_path) as store:
        with pytest.raises(UnstorableBatch, match="message 2"):
            await store.append([(1, message(1)), (2, crooked)])
        assert (await store.stats()).recent_rows == 0


async def test_the_lock_is_free_again_after_closing(tmp_path: Path) -> None:
    for _ in range(2):
        async with store_in(tmp_path) as store:
            await store.append([(1, message(1))])
    assert issubclass(StoreInUse, RuntimeError)


FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
import duckdb, numpy as np
from building.reading import ReadingBatch
from kit.clock import FakeClock
from telemetry.duckdb_store import DuckDbStore
from telemetry.errors import StoreUnavailable
from telemetry.store import Series, SeriesQuery
from tests.telemetry.killed_writer import FIRST_MS, NOW

ROWS = 50_000
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

def batch(number):
    times = FIRST_MS + number * ROWS + np.arange(ROWS, dtype=np.int64)
    values = np.random.default_rng(number).random(ROWS)
    return ReadingBatch(np.full(ROWS, 1, np.int32), times, values, np.zeros(ROWS, np.uint8))

async def main():
    async with DuckDbStore(Path(sys.argv[1]), clock=FakeClock(NOW)) as store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (17_500_000, resource.RLIM_INFINITY))
        kept, number = 0, 0
        while True:
            number += 1
            try:
                await store.append([(number, batch(number))])
                kept += 1
            except duckdb.FatalException:
                break
        try:
            await store.series(SeriesQuery.of(point_no=1, start_ms=FIRST_MS, end_ms=FIRST_MS + 1000, bucket_ms=None))
        except StoreUnavailable:
            print("unavailable")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await store.append([(number, batch(number))])
        found = await store.raw([1], start_ms=FIRST_MS, end_ms=FIRST_MS + 10**9, limit=10**8)
        print(len(found) == (kept + 1) * ROWS)

asyncio.run(main())
"""


async def test_a_disk_that_was_full_costs_nothing_once_there_is_room_again(tmp_path: Path) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    answers = [line for line in done.stdout.splitlines() if line in ("unavailable", "True", "False")]
    assert answers == ["unavailable", "True"], done.stdout + done.stderr
