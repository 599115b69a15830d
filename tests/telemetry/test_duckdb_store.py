"""What is DuckDB's own: a kill at any moment, the lock, files that nobody lists, slices, deadlines."""

import asyncio
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from building.reading import ReadingBatch
from kit.clock import FakeClock, to_ms
from telemetry.duckdb_file import DuckDbLimits
from telemetry.duckdb_store import DuckDbStore
from telemetry.errors import QueryTooSlow, StoreInUse, UnstorableBatch
from telemetry.store import SeriesQuery
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
    async with store_in(tmp_path, slice_rows=120) as store:
        for sequence in (3, 1, 2):
            await store.append([(sequence, message(sequence))])
        await store.compact()
    (file,) = (tmp_path / "segments").iterdir()
    table = pq.read_table(file)
    keys = list(zip(table["point_no"].to_pylist(), table["ts_ms"].to_pylist(), strict=True))
    assert keys == sorted(set(keys))
    assert len(keys) == 3 * POINTS
    assert pq.ParquetFile(file).num_row_groups > 1


async def test_today_stays_out_of_the_segments(tmp_path: Path) -> None:
    today = ReadingBatch(
        np.array([1], np.int32), np.array([NOW_MS], np.int64), np.array([1.0]), np.array([0], np.uint8)
    )
    async with store_in(tmp_path) as store:
        await store.append([(1, message(1)), (2, today)])
        assert await store.compact() == 1
        stats = await store.stats()
        assert (stats.recent_rows, stats.segment_rows, stats.segments) == (1, POINTS, 1)
        assert stats.bytes > 0
        assert await store.compact() == 0


async def test_a_rewritten_segment_leaves_one_file_after_the_next_upkeep(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store:
        for sequence in (1, 2, 3):
            await store.append([(sequence, message(sequence))])
            await store.compact()
        await store.compact()
        assert len(list((tmp_path / "segments").iterdir())) == 1


async def test_appends_go_on_while_a_day_is_compacted(tmp_path: Path) -> None:
    async with store_in(tmp_path, slice_rows=200) as store:
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
from telemetry.store import SeriesQuery
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
