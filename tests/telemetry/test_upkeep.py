import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import duckdb
from prometheus_client import CollectorRegistry

from building.reading import Reading, ReadingBatch
from kit.clock import FakeClock, to_ms
from telemetry.duckdb_store import DuckDbStore, _interrupting
from telemetry.store import TelemetryStore
from telemetry.upkeep import TelemetryUpkeep
from tests.conftest import LIVENESS_S

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
DAY_MS = 86_400_000


async def test_a_round_forgets_what_is_too_old_and_compacts_the_rest(tmp_path: Path) -> None:
    registry, clock = CollectorRegistry(), FakeClock(NOW)
    async with DuckDbStore(tmp_path, clock=clock) as store:
        days = [Reading(1, to_ms(NOW) - days * DAY_MS, float(days)) for days in range(10)]
        await store.append([(1, ReadingBatch.of(days))])
        upkeep = TelemetryUpkeep(store=store, clock=clock, retention_days=4, interval_s=3600, registry=registry)
        await upkeep.once()
        kept = await store.raw([1], start_ms=to_ms(NOW) - 20 * DAY_MS, end_ms=to_ms(NOW) + 1, limit=100)
    assert kept.value.tolist() == [4.0, 3.0, 2.0, 1.0, 0.0]
    assert registry.get_sample_value("hub_store_rows", {"where": "segments"}) == 5
    assert registry.get_sample_value("hub_store_rows", {"where": "recent"}) == 0


class FullDisk:
    rounds = 0

    async def drop_before(self, ts_ms: int) -> None:
        self.rounds += 1
        raise OSError("no space left on device")


async def test_a_round_that_fails_is_counted_and_the_next_one_tries_again() -> None:
    registry, disk = CollectorRegistry(), FullDisk()
    upkeep = TelemetryUpkeep(
        store=cast(TelemetryStore, disk),
        clock=FakeClock(NOW),
        retention_days=1,
        interval_s=0.01,
        registry=registry,
    )
    task = asyncio.create_task(upkeep.run())
    async with asyncio.timeout(20):
        while disk.rounds < 3:
            await asyncio.sleep(0.01)
    task.cancel()
    failures = registry.get_sample_value("hub_store_upkeep_failures_total")
    assert failures is not None
    assert failures >= 2


class Deaf:
    """Makes an error of its own out of being told to stop."""

    def __init__(self) -> None:
        self.began = asyncio.Event()

    async def drop_before(self, ts_ms: int) -> None:
        self.began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise OSError("the connection is closed") from None


async def test_upkeep_that_is_told_to_stop_amid_a_round_stops_whatever_the_store_makes_of_it() -> None:
    store = Deaf()
    upkeep = TelemetryUpkeep(
        store=cast(TelemetryStore, store), clock=FakeClock(NOW), retention_days=1, interval_s=3600,
        registry=CollectorRegistry(),
    )  # fmt: skip
    task = asyncio.create_task(upkeep.run())
    await store.began.wait()
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=LIVENESS_S)
    assert done, "it goes on as if nobody had told it to stop"
    assert task.cancelled()


async def test_whoever_no_longer_waits_for_a_query_that_has_just_ended_is_cancelled_all_the_same() -> None:
    class Cursor:
        def interrupt(self) -> None:
            raise duckdb.ConnectionException("Connection already closed!")

    asking = asyncio.create_task(_interrupting(Cursor(), asyncio.get_running_loop().create_future()))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking], timeout=LIVENESS_S)
    assert asking.cancelled()
