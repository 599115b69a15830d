"""Brings cohorts from where they were left up to now: what is long ago from the store, the last minutes from the bus.

The bus knows when each reading came, and so judges again exactly as the first time. What it has let go of, or would be
too much to read, comes from the store, where what was late then counts.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

from bus.client import Bus
from kit.cancellation import raise_if_cancelled
from kit.logs import logger
from predictive.streaming.cohort import Cohort, Judged
from predictive.streaming.meters import StreamMeters
from predictive.streaming.stream import Stream
from telemetry.history import READINGS_A_MESSAGE, history
from telemetry.store import TelemetryQueries

log = logger(__name__)

# What came within this time is read from the bus: less than makes an equipment silent, lest one be called so whose
# last minutes the bus no longer has.
BUS_MS: Final = 10 * 60_000
# A reading is in the store so long after the bus took it, at the latest; both are read for as long.
STORED_MS: Final = 60_000
# Whoever was away for longer begins anew: what stood out before is no news.
LONGEST_MS: Final = 24 * 3_600_000
# Equipment that nothing is kept of begins so many rows ago, so that its detectors have filled their windows.
WARM_UP_ROWS: Final = 120
# What has no model yet begins so many rows ago, so that it is known whether it says anything.
LEARNERS_ROWS: Final = 15
STORE_TIMEOUT_S: Final = 60.0
POINTS_A_QUERY: Final = 500
# So many readings wait at once, of points that report every two seconds at the fastest.
READINGS_A_SLICE: Final = 1_000_000
FASTEST_MS: Final = 2_000
SHORTEST_SLICE_MS: Final = 60_000
LATEST_A_QUERY: Final = 5_000


class Past:
    def __init__(self, bus: Bus, queries: TelemetryQueries, meters: StreamMeters) -> None:
        self._bus = bus
        self._queries = queries
        self._meters = meters

    async def seed(self, cohorts: Sequence[Cohort]) -> None:
        """Lets cohorts that have just begun know what holds from before their first row."""
        for cohort in cohorts:
            try:
                async with asyncio.timeout(STORE_TIMEOUT_S):
                    await self._seed(cohort)
            except Exception as error:
                raise_if_cancelled()
                self._meters.unrecalled.inc()
                log.warning("models begin without the values that hold", error=repr(error))
                return

    async def catch_up(self, stream: Stream, *, partition: int, now_ms: int) -> list[Judged]:
        """Judges what `stream`, of one partition alone, has missed; then it has all that the bus took until now."""
        if not stream.cohorts:
            return []
        since_ms = min(cohort.next_ms for cohort in stream.cohorts)
        bus_ms = max(since_ms, now_ms - BUS_MS)
        judged = await self._from_store(stream, start_ms=since_ms, end_ms=bus_ms)
        for life_safety in (False, True):
            pages = self._bus.history(partition=partition, since_ms=bus_ms - STORED_MS, life_safety=life_safety)
            async with aclosing(pages):
                async for page in pages:
                    for delivery in page:
                        stream.inbox.take(delivery.batch, arrived_ms=delivery.arrived_ms, again=True)
        return judged

    async def _from_store(self, stream: Stream, *, start_ms: int, end_ms: int) -> list[Judged]:
        """Slice by slice, so that no more waits than may."""
        judged: list[Judged] = []
        point_nos = sorted({int(no) for cohort in stream.cohorts for no in cohort.layout.point_no})
        slice_ms = max(SHORTEST_SLICE_MS, READINGS_A_SLICE * FASTEST_MS // max(1, len(point_nos)))
        try:
            for since_ms in range(start_ms, end_ms, slice_ms):
                until_ms = min(since_ms + slice_ms, end_ms)
                async with asyncio.timeout(STORE_TIMEOUT_S):
                    await self._take_slice(stream, point_nos, start_ms=since_ms, end_ms=until_ms)
                judged += await asyncio.to_thread(stream.advance, read_until_ms=until_ms)
        except Exception as error:
            raise_if_cancelled()
            self._meters.unrecalled.inc()
            log.warning("models begin without the past that the store could not tell", error=repr(error))
        return judged

    async def _take_slice(self, stream: Stream, point_nos: Sequence[int], *, start_ms: int, end_ms: int) -> None:
        for at in range(0, len(point_nos), POINTS_A_QUERY):
            pages = history(
                self._queries, point_nos[at : at + POINTS_A_QUERY], start_ms=start_ms, end_ms=end_ms,
                readings=READINGS_A_MESSAGE,
            )  # fmt: skip
            async with aclosing(pages):
                async for page in pages:
                    stream.inbox.take_stored(page.readings)

    async def _seed(self, cohort: Cohort) -> None:
        point_nos = cohort.layout.point_no.tolist()
        for at in range(0, len(point_nos), LATEST_A_QUERY):
            latest = await self._queries.latest(point_nos[at : at + LATEST_A_QUERY])
            cohort.hold(latest)
