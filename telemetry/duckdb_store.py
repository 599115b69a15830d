"""The embedded engine: DuckDB, one writer in a thread, readers beside it on their own snapshots."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import duckdb

from building.reading import ReadingBatch
from kit.clock import Clock, to_ms
from kit.logs import logger
from telemetry import duckdb_queries as queries
from telemetry.buckets import DAY_MS
from telemetry.columns import SequencedReadings
from telemetry.duckdb_compaction import (
    Compaction,
    NewSegment,
    Stopped,
    drop_days_before,
    list_flushed,
    list_joined,
    list_merged,
)
from telemetry.duckdb_file import DuckDbFile, DuckDbLimits
from telemetry.duckdb_snapshot import copy_store
from telemetry.errors import QueryTooSlow, StoreUnavailable
from telemetry.latest import LatestValues
from telemetry.store import Series, SeriesQuery, StoreStats

log = logger(__name__)

T = TypeVar("T")

# After a flush that failed (a full disk), the next is not tried with every append.
_FLUSH_AGAIN_S = 30.0


class DuckDbStore:
    """A TelemetryStore in a folder of its own. `async with` opens and closes it; raises StoreInUse then."""

    def __init__(self, folder: Path, *, clock: Clock, limits: DuckDbLimits | None = None) -> None:
        self._clock = clock
        self._limits = limits or DuckDbLimits()
        self._file = DuckDbFile(folder, self._limits)
        self._latest = LatestValues()
        self._writer = ThreadPoolExecutor(1, "telemetry-writer")
        self._readers = ThreadPoolExecutor(self._limits.readers, "telemetry-reader")
        self._compactor = ThreadPoolExecutor(1, "telemetry-compactor")
        self._upkeep = asyncio.Lock()
        self._closing = threading.Event()
        self._compaction = Compaction(self._file, limits=self._limits, stop=self._closing)
        self._flushing: asyncio.Task[None] | None = None
        self._flush_after_s = float("-inf")

    async def __aenter__(self) -> Self:
        await self._write(self._file.open)
        self._latest.note(await self._write(self._file.newest))
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._closing.set()
        if self._flushing is not None:
            await asyncio.wait([self._flushing])
        for executor in (self._compactor, self._readers, self._writer):
            await asyncio.to_thread(executor.shutdown)
        await asyncio.to_thread(self._file.close)

    async def append(self, batches: Sequence[tuple[int, ReadingBatch]]) -> None:
        if not batches:
            return
        readings = SequencedReadings.of(batches)
        await self._write(self._file.append, readings)
        self._latest.note(readings)
        self._flush_if_large()

    async def latest(self, point_nos: Sequence[int]) -> ReadingBatch:
        return self._latest.of(point_nos)

    async def series(self, query: SeriesQuery) -> Series:
        return await self._read(queries.series, self._file, query)

    async def raw(self, point_nos: Sequence[int], *, start_ms: int, end_ms: int, limit: int) -> ReadingBatch:
        if not point_nos:
            return ReadingBatch.empty()
        return await self._read(queries.raw, self._file, point_nos, start_ms, end_ms, limit)

    async def stats(self) -> StoreStats:
        points = len(self._latest)
        return await self._read(lambda file, cursor: file.stats(cursor, points=points), self._file)

    async def compact(self) -> int:
        async with self._upkeep:
            today = to_ms(self._clock.now()) // DAY_MS
            days = await self._flush(today)
            for day in await self._prepare(partial(self._compaction.unfinished_days, today=today)):
                await self._list_merged(await self._prepare(self._compaction.merge_day, day))
                days.add(day)
            for span in await self._prepare(self._compaction.scattered_spans):
                await self._write(list_joined, self._file, await self._prepare(self._compaction.join_hours, span))
            await self._write(self._file.remove_unlisted_files)
            return len(days)

    async def drop_before(self, ts_ms: int) -> None:
        async with self._upkeep:
            first_kept_ms = await self._write(drop_days_before, self._file, ts_ms)
            self._latest.forget_before(first_kept_ms)

    async def snapshot(self, target: Path) -> None:
        """Copies the store into a new folder while it runs; appends wait meanwhile. Raises FileExistsError, OSError."""
        async with self._upkeep:
            await self._write(copy_store, self._file, target)

    # --- upkeep -------------------------------------------------------------------------------------------------------

    def _flush_if_large(self) -> None:
        is_due = self._file.fresh_rows >= self._limits.fresh_rows and self._clock.monotonic() >= self._flush_after_s
        if is_due and (self._flushing is None or self._flushing.done()):
            self._flushing = asyncio.create_task(self._flush_beside(), name="telemetry flush")

    async def _flush_beside(self) -> None:
        try:
            async with self._upkeep:
                await self._flush(to_ms(self._clock.now()) // DAY_MS)
                await self._write(self._file.remove_unlisted_files)
        except Stopped:
            pass
        except Exception:  # the readings stay where they are, and the next flush or compaction takes them
            self._flush_after_s = self._clock.monotonic() + _FLUSH_AGAIN_S
            log.exception("fresh readings could not be made a segment")

    async def _flush(self, today: int) -> set[int]:
        """Fresh readings become segments. The closed days that are thereby done."""
        if self._file.fresh_rows:
            await self._write(self._file.rotate)
        done: set[int] = set()
        for number in await self._prepare(self._compaction.settled_tables):
            flushed = await self._prepare(partial(self._compaction.flush, today=today), number)
            await self._write(list_flushed, self._file, flushed)
            done |= {segment.day for segment in flushed.segments if segment.hours_file is not None}
            log.info("readings flushed", rows=sum(segment.rows for segment in flushed.segments))
        small = await self._prepare(self._compaction.merge_small, today)
        if small is not None:
            await self._list_merged(small)
        return done

    async def _list_merged(self, segment: NewSegment) -> None:
        await self._write(list_merged, self._file, segment)
        log.info("segments merged", day=segment.day, rows=segment.rows, file=segment.file)

    # --- threads ------------------------------------------------------------------------------------------------------

    async def _write(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, call, *arguments)

    async def _prepare(self, call: Callable[..., T], *arguments: Any) -> T:
        def run() -> T:
            with self._file.cursor() as cursor:
                return call(cursor, *arguments)

        return await asyncio.get_running_loop().run_in_executor(self._compactor, run)

    async def _read(self, call: Callable[..., T], file: DuckDbFile, *arguments: Any) -> T:
        """Runs a query on a snapshot of its own and stops it when it is late or nobody waits for it any more."""
        try:
            cursor = self._file.cursor()
            future = asyncio.get_running_loop().run_in_executor(self._readers, call, file, cursor, *arguments)
            future.add_done_callback(partial(_put_away, cursor))
            async with asyncio.timeout(self._limits.query_deadline_s):
                return await _interrupting(cursor, future)
        except TimeoutError:
            raise QueryTooSlow(deadline_s=self._limits.query_deadline_s) from None
        except (duckdb.FatalException, duckdb.ConnectionException, duckdb.IOException) as error:
            log.error("telemetry store does not answer", error=str(error))
            raise StoreUnavailable from error


async def _interrupting(cursor: Any, future: asyncio.Future[T]) -> T:
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        # The query may have ended in this very moment, and its cursor with it. That must not hide the cancellation.
        with contextlib.suppress(duckdb.Error):
            cursor.interrupt()
        raise


def _put_away(cursor: Any, future: asyncio.Future[Any]) -> None:
    cursor.close()
    if not future.cancelled():
        future.exception()  # told to whoever waited; of an interrupted query nobody wants to hear more
