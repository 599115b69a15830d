"""Several store lines on one bus and one InfluxDB: every reading is kept once, whoever dies meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from building.reading import ReadingBatch
from bus.client import Bus, BusSettings
from catalog.directory import LiveDirectory
from kit.clock import SystemClock, to_ms
from telemetry.engine_url import InfluxUrl, parse_engine_url
from telemetry.influx_store import InfluxStore
from telemetry.store_line import StoreLine
from tests.telemetry.influx_server import InfluxServer
from tests.telemetry.site import DIRECTORY, RUNNING, TEMP

CLOCK = SystemClock()
MESSAGES, READINGS = 400, 100


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InfluxServer]:
    (tmp_path / "influxdb").mkdir()
    server = InfluxServer(tmp_path / "influxdb")
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)


def store_at(server: InfluxServer) -> InfluxStore:
    url = parse_engine_url(server.url("hub"))
    assert isinstance(url, InfluxUrl)
    return InfluxStore(url, clock=CLOCK)


async def nothing_refused(**letter: Any) -> None:
    raise AssertionError(f"refused: {letter}")


class Process:
    """What `hub run store` is of its own: a connection to the bus, one to the server, a line between."""

    def __init__(self, bus: Bus, store: InfluxStore) -> None:
        self.registry = CollectorRegistry()
        line = StoreLine(
            bus=bus, store=store, directory=LiveDirectory(DIRECTORY), refuse=nothing_refused, registry=self.registry
        )
        self.work = asyncio.create_task(line.run())

    @property
    def stored(self) -> float:
        return self.registry.get_sample_value("hub_store_readings_total") or 0.0

    async def die(self) -> None:
        self.work.cancel()
        await asyncio.gather(self.work, return_exceptions=True)


@pytest.mark.long
async def test_two_lines_share_the_work_and_keep_everything_through_deaths(
    bus: Bus, bus_settings: BusSettings, server: InfluxServer
) -> None:
    start_ms = to_ms(CLOCK.now()) - 3_600_000

    def message(number: int) -> ReadingBatch:
        at = start_ms + number * READINGS + np.arange(READINGS, dtype=np.int64)
        points = np.full(READINGS, TEMP if number % 2 else RUNNING, np.int32)
        return ReadingBatch(points, at, np.full(READINGS, 1.0), np.zeros(READINGS, np.uint8))

    async with AsyncExitStack() as stack:
        one, other = [
            Process(
                await stack.enter_async_context(Bus(bus_settings)), await stack.enter_async_context(store_at(server))
            )
            for _ in range(2)
        ]
        asking = await stack.enter_async_context(store_at(server))
        for number in range(MESSAGES):
            await bus.publish(1, message(number))
            if number == MESSAGES // 4:
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
            await asyncio.sleep(0.002)
        async with asyncio.timeout(60):
            while not (one.stored and other.stored):
                await asyncio.sleep(0.05)
        await one.die()
        kept = ReadingBatch.empty()
        async with asyncio.timeout(90):
            while len(kept) < MESSAGES * READINGS:
                await asyncio.sleep(0.1)
                kept = await asking.raw([TEMP, RUNNING], start_ms=start_ms, end_ms=start_ms + 3_600_000, limit=100_000)
        async with asyncio.timeout(90):
            while await bus.pending(durable="store"):
                await asyncio.sleep(0.1)
        await other.die()
    assert len(kept) == MESSAGES * READINGS
    assert kept.ts_ms.tolist() == list(range(start_ms, start_ms + MESSAGES * READINGS))
