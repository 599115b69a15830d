"""The embedded engine: DuckDB, one writer in a thread, readers beside it on their own snapshots."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import duckdb

from building.reading import ReadingBatch
from kit.clock import Clock, to_ms
from kit.logs import logger
from telemetry import duckdb_compaction as compaction
from telemetry.columns import SequencedReadings
from telemetry.duckdb_file import DuckDbFile, DuckDbLimits
from telemetry.errors import QueryTooSlow, StoreUnavailable
from telemetry.latest import LatestValues
from telemetry.store import Series, SeriesQuery, StoreStats

log = logger(__name__)

T = TypeVar("T")


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

    async def __aenter__(self) -> Self:
        await self._write(self._file.open)
        self._latest.note(await self._write(self._file.newest))
        return self

    async def __aexit__(self, *exc: object) -> None:
        for executor in (self._compactor, self._readers, self._writer):
            await asyncio.to_thread(executor.shutdown)
        await asyncio.to_thread(self._file.close)

    async def append(self, batches: Sequence[tuple[int, ReadingBatch]]) -> None:
        if not batches:
            return
        readings = SequencedReadings.of(batches)
        await self._write(self._file.append, readings)
        self._latest.note(readings)

    async def latest(self, point_nos: Sequence[int]) -> ReadingBatch:
        return self._latest.of(point_nos)

    async def series(self, query: SeriesQuery) -> Series:
        return await self._read(self._file.series, query)

    async def raw(self, point_nos: Sequence[int], *, start_ms: int, end_ms: int, limit: int) -> ReadingBatch:
        if not point_nos:
            return ReadingBatch.empty()
        return await self._read(self._file.raw, point_nos, start_ms, end_ms, limit)

    async def stats(self) -> StoreStats:
        points = len(self._latest)
        return await self._read(lambda cursor: self._file.stats(cursor, points=points))

    async def compact(self) -> int:
        async with self._upkeep:
            # Queries that began before the last switch may still read the files it replaced; those of now do not.
            await self._write(self._file.remove_unlisted_segments)
            cut = await self._write(lambda: self._file.arrival)
            now_ms = to_ms(self._clock.now())
            days = await self._prepare(lambda at: compaction.closed_days(self._file, at, now_ms=now_ms, cut=cut))
            for day in days:
                await self._compact_day(day, cut)
            return len(days)

    async def drop_before(self, ts_ms: int) -> None:
        async with self._upkeep:
            first_kept_ms = await self._write(compaction.drop_days_before, self._file, ts_ms)
            self._latest.forget_before(first_kept_ms)

    async def _compact_day(self, day: int, cut: int) -> None:
        slice_rows = self._limits.slice_rows
        segment = await self._prepare(
            lambda cursor: compaction.write_segment(self._file, cursor, day=day, cut=cut, slice_rows=slice_rows)
        )
        await self._write(compaction.switch, self._file, segment)
        log.info("day compacted", day=day, rows=segment.rows, file=segment.file)

    async def _write(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, call, *arguments)

    async def _prepare(self, call: Callable[[Any], T]) -> T:
        def run() -> T:
            with self._file.cursor() as cursor:
                return call(cursor)

        return await asyncio.get_running_loop().run_in_executor(self._compactor, run)

    async def _read(self, call: Callable[..., T], *arguments: Any) -> T:
        """Runs a query on a snapshot of its own and stops it when it is late or nobody waits for it any more."""
        try:
            cursor = self._file.cursor()
            future = asyncio.get_running_loop().run_in_executor(self._readers, call, cursor, *arguments)
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
        cursor.interrupt()
        raise


def _put_away(cursor: Any, future: asyncio.Future[Any]) -> None:
    cursor.close()
    if not future.cancelled():
        future.exception()  # told to whoever waited; of an interrupted query nobody wants to hear more
