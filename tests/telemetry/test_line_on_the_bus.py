"""The reading line on real servers: Modbus registers → adapter → intake → nats-server → store line → DuckDB."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from building.reading import ReadingBatch
from bus.client import Bus
from catalog.directory import Directory, LiveDirectory
from device_adapters.intake import Intake
from device_adapters.links import LinkBook
from device_adapters.modbus.adapter import ModbusAdapter
from device_adapters.modbus.settings import ModbusSettings
from device_adapters.refusals import RefusalLine
from kit.clock import SystemClock, to_ms
from telemetry.duckdb_store import DuckDbStore
from telemetry.store_line import GATHER_S, StoreLine
from tests.conftest import LIVENESS_S
from tests.device_adapters.modbus.bench import PROBE, device, equipment, port_of, profiles, serving
from tests.small_disk import small_disk
from tests.telemetry.site import DIRECTORY, TEMP

CLOCK = SystemClock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckDbStore]:
    async with DuckDbStore(tmp_path / "telemetry", clock=CLOCK) as store:
        yield store


async def nothing_refused(**letter: Any) -> None:
    raise AssertionError(f"refused: {letter}")


async def nobody(*_: object) -> None: ...


@asynccontextmanager
async def running(*works: Any) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(work.run()) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def line_to(store: DuckDbStore, bus: Bus, directory: Directory) -> StoreLine:
    return StoreLine(
        bus=bus,
        store=store,
        directory=LiveDirectory(directory),
        refuse=nothing_refused,
        registry=CollectorRegistry(),
    )


def message(number: int) -> ReadingBatch:
    start = to_ms(CLOCK.now()) - 3_600_000 + number * 100
    return ReadingBatch(
        np.full(100, TEMP, np.int32),
        start + np.arange(100, dtype=np.int64),
        np.full(100, 20.0),
        np.zeros(100, np.uint8),
    )


async def test_registers_of_a_device_become_rows_of_the_store(bus: Bus, store: DuckDbStore) -> None:
    async with serving([device(1, holding={10: [1234, 0, 7]})]) as server:
        probe = equipment("P", PROBE, port=port_of(server))
        live = LiveDirectory(Directory.of(1, [probe]))
        refusals = cast(RefusalLine, None)  # nothing of this device is refused
        async with Intake(bus, refusals) as intake:
            adapter = ModbusAdapter(
                directory=live,
                profiles=profiles(),
                intake=intake,
                links=LinkBook(on_links=nobody, clock=CLOCK),
                settings=ModbusSettings(),
                clock=CLOCK,
                registry=CollectorRegistry(),
            )
            async with running(adapter, line_to(store, bus, live.current)):
                points = [probe.points["level_m"].point_no, probe.points["flow_l_s"].point_no]
                found: list[float] = []
                async with asyncio.timeout(30):
                    while len(found) < 2:
                        found = (await store.latest(points)).value.tolist()
                        await asyncio.sleep(0.02)
    assert found == [pytest.approx(12.34), 7.0]


async def test_what_was_published_while_no_store_line_ran_is_stored_when_it_runs_again(
    bus: Bus, store: DuckDbStore
) -> None:
    for number in range(50):
        await bus.publish(1, message(number))
    async with running(line_to(store, bus, DIRECTORY)):
        async with asyncio.timeout(30):
            while not len(await store.latest([TEMP])):
                await asyncio.sleep(0.02)
        for number in range(50, 60):
            await bus.publish(1, message(number))
        kept = ReadingBatch.empty()
        async with asyncio.timeout(30):
            while len(kept) < 6_000:
                now_ms = to_ms(CLOCK.now())
                kept = await store.raw([TEMP], start_ms=now_ms - 7_200_000, end_ms=now_ms, limit=10_000)
                await asyncio.sleep(0.05)
        async with asyncio.timeout(30):
            while await bus.pending(durable="store"):
                await asyncio.sleep(0.05)
    assert len(kept) == 6_000


async def test_messages_gather_between_appends(bus: Bus, store: DuckDbStore, monkeypatch: pytest.MonkeyPatch) -> None:
    appended: list[int] = []
    append = store.append

    async def counting(batches: Sequence[tuple[int, ReadingBatch]]) -> None:
        appended.append(len(batches))
        await append(batches)

    monkeypatch.setattr(store, "append", counting)
    started = time.monotonic()
    async with running(line_to(store, bus, DIRECTORY)):
        await publish(bus, messages=100)
        async with asyncio.timeout(30):
            while sum(appended) < 100:
                await asyncio.sleep(0.01)
    assert len(appended) <= (time.monotonic() - started) / GATHER_S + 2


@pytest.mark.long  # what was under way when a line was cut off comes again only after the bus's acknowledgement wait
async def test_a_line_that_is_cut_off_in_the_middle_loses_and_doubles_nothing(bus: Bus, store: DuckDbStore) -> None:
    publishing = asyncio.create_task(publish(bus, messages=200))
    for _ in range(6):
        async with running(line_to(store, bus, DIRECTORY)):
            await asyncio.sleep(0.1)
    await publishing
    async with running(line_to(store, bus, DIRECTORY)):
        async with asyncio.timeout(90):
            while await bus.pending(durable="store"):
                await asyncio.sleep(0.1)
        now_ms = to_ms(CLOCK.now())
        kept = await store.raw([TEMP], start_ms=now_ms - 7_200_000, end_ms=now_ms + 60_000, limit=100_000)
    assert len(kept) == 20_000


async def publish(bus: Bus, *, messages: int) -> None:
    base = message(0)
    for number in range(messages):
        await bus.publish(1, ReadingBatch(base.point_no, base.ts_ms + number * 100, base.value, base.quality))


async def test_a_full_disk_of_the_store_keeps_readings_on_the_bus_until_there_is_room(bus: Bus, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", megabytes=24) as disk:
        async with DuckDbStore(disk.folder / "telemetry", clock=CLOCK) as store:
            line = line_to(store, bus, DIRECTORY)
            async with running(line):
                await bus.publish(1, message(0))
                await stored(store, 100)
                disk.fill()
                for number in range(1, 60):
                    await bus.publish(1, message(number))
                async with asyncio.timeout(LIVENESS_S):
                    while line.refusing_for_s == 0:
                        await asyncio.sleep(0.05)
                assert await bus.pending(durable="store") > 0, "what is not stored is not acknowledged"
                disk.empty()
                await stored(store, 6_000)
                assert line.refusing_for_s == 0


async def stored(store: DuckDbStore, count: int) -> None:
    """Returns once so many readings can be read, each once."""
    start_ms = to_ms(CLOCK.now()) - 2 * 3_600_000
    async with asyncio.timeout(LIVENESS_S * 2):
        while True:
            found = await store.raw([TEMP], start_ms=start_ms, end_ms=start_ms + 3 * 3_600_000, limit=100_000)
            if len(found) >= count:
                assert len(np.unique(found.ts_ms)) == len(found)
                return
            await asyncio.sleep(0.1)
