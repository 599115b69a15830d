"""Questions to a store of a year while readings are written to it, each timed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.part import Aim
from benchmarks.telemetry.year import YearPlan
from building.reading import ReadingBatch
from telemetry.buckets import DAY_MS
from telemetry.store import SeriesQuery, TelemetryQueries, TelemetryStore

WRITTEN_A_SECOND = 5_000
LATEST_POINTS = 5_000
# Later than this, and questions were not asked "while 5,000 readings/s are written".
LATE_AIM = Aim(at_most=1.0)
LATE_WORDS = "how far the writer beside the questions fell behind, at worst"
_APPENDS_A_SECOND = 10
_MINUTE_MS = 60_000

Question = Callable[[], Awaitable[int]]


@dataclass(frozen=True)
class Timed:
    """What a question took, ms, and how many rows its answers had in all."""

    took_ms: list[float]
    rows: int

    def percentile(self, share: float) -> float:
        return float(np.percentile(self.took_ms, share))


class Writer:
    """Writes 5,000 readings a second, of as many points, into the present day; `run` until cancelled.

    `late_s` is how far behind its pace it was at worst: beside a starved writer, questions are answered too well.
    """

    def __init__(self, store: TelemetryStore, *, today_ms: int) -> None:
        self._store = store
        self.now_ms = today_ms
        self.written = 0
        self.late_s = 0.0

    async def run(self) -> None:
        step_s = 1 / _APPENDS_A_SECOND
        due_s = time.monotonic() + step_s
        try:
            while True:
                await self.write(seconds=step_s)
                self._note_lateness(due_s)
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                due_s += step_s
        finally:
            self._note_lateness(due_s)  # an append that has not returned yet is late, too

    def _note_lateness(self, due_s: float) -> None:
        self.late_s = max(self.late_s, time.monotonic() - due_s)

    async def write(self, *, seconds: float) -> None:
        """One append of as many seconds' readings."""
        count = round(WRITTEN_A_SECOND * seconds)
        points = (np.arange(self.written, self.written + count) % LATEST_POINTS + 1).astype(np.int32)
        ts_ms = self.now_ms + (np.arange(count, dtype=np.int64) * 1000) // WRITTEN_A_SECOND
        value = np.round(40 + 5 * np.sin(ts_ms / 3e6 + points), 1)
        batch = ReadingBatch(points, ts_ms, value, np.zeros(count, np.uint8))
        await self._store.append([(10**12 + self.written, batch)])
        self.written += count
        self.now_ms += round(seconds * 1000)


class Asker:
    """Random points and days of a plan, the same for the same seed."""

    def __init__(self, store: TelemetryQueries, plan: YearPlan, *, seed: int) -> None:
        self._store = store
        self._plan = plan
        self._chance = np.random.default_rng(seed)

    async def closed_day(self) -> int:
        """24 hours of a point that reports each minute or more often, from any minute of any day."""
        start_ms = self._moment(days=1)
        return await self._series(start_ms, start_ms + DAY_MS, bucket_ms=_MINUTE_MS, among=self._plan.frequent_points)

    async def last_day(self, now_ms: int) -> int:
        """Such a point's last 24 hours, up to what is being written."""
        start_ms = now_ms - now_ms % _MINUTE_MS - DAY_MS + _MINUTE_MS
        return await self._series(start_ms, start_ms + DAY_MS, bucket_ms=_MINUTE_MS, among=self._plan.frequent_points)

    async def week(self) -> int:
        start_ms = self._moment(days=7)
        return await self._series(start_ms, start_ms + 7 * DAY_MS, bucket_ms=None)

    async def year(self) -> int:
        end_ms = self._plan.end_day * DAY_MS
        return await self._series(end_ms - self._plan.days * DAY_MS, end_ms, bucket_ms=None)

    async def newest(self) -> int:
        return len(await self._store.latest(self._all_points))

    _all_points: Sequence[int] = range(1, LATEST_POINTS + 1)

    def _moment(self, *, days: int) -> int:
        first_minute = (self._plan.end_day - self._plan.days) * DAY_MS // _MINUTE_MS
        last_minute = (self._plan.end_day - days) * DAY_MS // _MINUTE_MS
        return int(self._chance.integers(first_minute, last_minute + 1)) * _MINUTE_MS

    async def _series(self, start_ms: int, end_ms: int, *, bucket_ms: int | None, among: int = 0) -> int:
        point = int(self._chance.integers(1, (among or self._plan.points) + 1))
        query = SeriesQuery.of(point_no=point, start_ms=start_ms, end_ms=end_ms, bucket_ms=bucket_ms)
        return len(await self._store.series(query))


async def timed(question: Question, *, times: int, pause_s: float) -> Timed:
    """Asks so many times, one after the other, with a pause in between."""
    took: list[float] = []
    rows = 0
    for _ in range(times):
        begun = time.perf_counter()
        rows += await question()
        took.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(pause_s)
    return Timed(took, rows)
