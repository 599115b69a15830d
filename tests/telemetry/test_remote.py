"""Questions over the bus get the same answers as in the owning process."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from building.reading import Reading, ReadingBatch
from bus.client import Bus
from kit.clock import FakeClock, to_ms
from telemetry import remote
from telemetry.duckdb_store import DuckDbStore
from telemetry.errors import QueryTooSlow, StoreUnavailable
from telemetry.remote import RemoteTelemetry, TelemetryServer
from telemetry.store import Series, SeriesQuery, StoreStats

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
NOW_MS = to_ms(NOW)
START_MS = NOW_MS - 3_600_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckDbStore]:
    async with DuckDbStore(tmp_path / "store", clock=FakeClock(NOW)) as store:
        yield store


@pytest.fixture
async def far_away(bus: Bus, store: DuckDbStore) -> AsyncIterator[RemoteTelemetry]:
    serving = asyncio.create_task(TelemetryServer(bus=bus, store=store).run())
    client = RemoteTelemetry(bus)
    async with asyncio.timeout(20):
        while True:
            try:
                await client.stats()
                break
            except StoreUnavailable:
                await asyncio.sleep(0.02)
    yield client
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_every_question_gets_the_same_answer_over_the_bus(store: DuckDbStore, far_away: RemoteTelemetry) -> None:
    readings = [Reading(point, START_MS + n * 1000, n * 1.5) for point in (1, 2) for n in range(600)]
    await store.append([(1, ReadingBatch.of(readings))])
    assert list(await far_away.latest([2, 9, 1])) == list(await store.latest([2, 9, 1]))
    query = SeriesQuery.of(point_no=1, start_ms=START_MS, end_ms=NOW_MS, bucket_ms=60_000)
    there, here = await far_away.series(query), await store.series(query)
    assert (list(there.rows), there.start_ms, there.bucket_ms) == (list(here.rows), here.start_ms, here.bucket_ms)
    assert len(there) == 10
    asked = {"start_ms": START_MS, "end_ms": NOW_MS, "limit": 700}
    assert list(await far_away.raw([1, 2], **asked)) == list(await store.raw([1, 2], **asked))
    assert await far_away.stats() == await store.stats()
    assert len(await far_away.latest([])) == 0


async def test_an_answer_longer_than_a_message_comes_in_pages(
    store: DuckDbStore, far_away: RemoteTelemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "MAX_READINGS_AN_ANSWER", 7)
    readings = [Reading(point, START_MS + n, float(n)) for n in range(20) for point in (1, 2, 3)]
    await store.append([(1, ReadingBatch.of(readings))])
    for limit in (1, 7, 8, 20, 59, 60, 61, 1000):
        there = await far_away.raw([1, 2, 3], start_ms=START_MS, end_ms=NOW_MS, limit=limit)
        here = await store.raw([1, 2, 3], start_ms=START_MS, end_ms=NOW_MS, limit=limit)
        assert list(there) == list(here), limit


async def test_a_full_size_answer_fits_a_message_of_the_bus(store: DuckDbStore, far_away: RemoteTelemetry) -> None:
    count = remote.MAX_READINGS_AN_ANSWER + 5_000
    times = START_MS + np.arange(count, dtype=np.int64)
    batch = ReadingBatch(
        np.full(count, 1, np.int32), times, np.arange(count, dtype=np.float64), np.zeros(count, np.uint8)
    )
    await store.append([(1, batch)])
    found = await far_away.raw([1], start_ms=START_MS, end_ms=NOW_MS, limit=1_000_000)
    assert np.array_equal(found.value, batch.value)


async def test_without_an_owner_the_answer_is_that_history_is_unavailable(bus: Bus) -> None:
    with pytest.raises(StoreUnavailable):
        await RemoteTelemetry(bus).latest([1])


class SlowStore:
    async def latest(self, point_nos: object) -> ReadingBatch:
        raise QueryTooSlow(deadline_s=20.0)

    async def series(self, query: SeriesQuery) -> Series:
        raise QueryTooSlow(deadline_s=20.0)

    async def raw(self, point_nos: object, *, start_ms: int, end_ms: int, limit: int) -> ReadingBatch:
        raise QueryTooSlow(deadline_s=20.0)

    async def stats(self) -> StoreStats:
        raise QueryTooSlow(deadline_s=20.0)


class LoopBack:
    """A bus of one process."""

    def __init__(self) -> None:
        self.server = TelemetryServer(bus=self, store=SlowStore())

    async def serve(self, subject: str, handler: object) -> None: ...

    async def request(self, subject: str, payload: bytes, *, timeout_s: float) -> bytes:
        return await self.server.answer(payload)


async def test_a_query_that_was_stopped_is_told_as_such() -> None:
    with pytest.raises(QueryTooSlow) as refusal:
        await RemoteTelemetry(LoopBack()).stats()
    assert refusal.value.deadline_s == 20.0
