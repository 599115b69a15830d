"""Connections that are slow, cut, held back or half dead: the line goes on and loses nothing."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any

import pytest
from sqlalchemy import text

from building.reading import Reading, ReadingBatch
from bus.client import Bus, BusSettings
from device_adapters.mqtt.broker import Broker
from kit.db import Database
from kit.supervision.nats import BUS_USER, MQTT_USER, NatsServer
from tests.conftest import LIVENESS_S
from tests.device_adapters.mqtt.rig import device, rig
from tests.fault_proxy import FaultProxy, fault_proxy
from tests.network.test_partition import moved

TOPIC = "site/yunqi/device/WM-0001/telemetry"
HELD_S = 2.5


async def slow(proxy: FaultProxy) -> None:
    proxy.up.delay_s = proxy.down.delay_s = 0.05
    proxy.up.bytes_per_s = proxy.down.bytes_per_s = 200_000


async def cut(proxy: FaultProxy) -> None:
    proxy.reset()


async def half_dead(proxy: FaultProxy) -> None:
    proxy.forget()


async def held_back(proxy: FaultProxy) -> None:
    proxy.hold()
    await asyncio.sleep(HELD_S)
    proxy.release()


async def deaf_one_way(proxy: FaultProxy) -> None:
    """What we say arrives, what is answered does not."""
    proxy.down.is_held = True
    await asyncio.sleep(HELD_S)
    proxy.release()


Fault = Callable[[FaultProxy], Coroutine[Any, Any, None]]
LONG = [pytest.param(fault, marks=pytest.mark.long) for fault in (half_dead, deaf_one_way)]
FAULTS = pytest.mark.parametrize("fault", [slow, cut, held_back, *LONG], ids=lambda fault: fault.__name__)


@FAULTS
async def test_readings_of_a_broker_behind_a_bad_line_all_arrive(
    fault: Fault, nats_server: NatsServer, bus: Bus, database: Database
) -> None:
    direct = Broker(name="site", host="127.0.0.1", port=nats_server.mqtt_port, username=MQTT_USER, password="mqtt")
    async with fault_proxy(nats_server.mqtt_port) as proxy:
        behind = direct.model_copy(update={"port": proxy.port})
        async with rig(behind, bus, database) as running, device(direct, MQTT_USER, "mqtt") as meter:
            await meter.say(TOPIC, {"values": {"volume_m3": 0}})
            harm = asyncio.create_task(fault(proxy))
            for number in range(1, 60):
                await meter.say(TOPIC, {"values": {"volume_m3": number}})
            await harm
            found: set[float] = set()
            async with asyncio.timeout(LIVENESS_S * 2):
                while len(found) < 60:
                    found |= {value for _, value in await running.readings(1)}
    assert found == set(map(float, range(60)))


@FAULTS
async def test_batches_published_over_a_bad_line_are_on_the_bus_once(
    fault: Fault, nats_server: NatsServer, bus: Bus
) -> None:
    async with fault_proxy(nats_server.config.port) as proxy:
        settings = BusSettings(f"nats://127.0.0.1:{proxy.port}", BUS_USER, "bus")
        async with asyncio.timeout(LIVENESS_S * 2), Bus(settings) as behind:
            await behind.publish(1, batch(0))
            harm = asyncio.create_task(fault(proxy))
            await asyncio.gather(*(behind.publish(1, batch(number)) for number in range(1, 40)))
            await harm
    assert await values(bus, 40) == list(map(float, range(40)))


@FAULTS
async def test_what_was_consumed_over_a_bad_line_comes_whole(fault: Fault, nats_server: NatsServer, bus: Bus) -> None:
    async with fault_proxy(nats_server.config.port) as proxy:
        settings = BusSettings(f"nats://127.0.0.1:{proxy.port}", BUS_USER, "bus")
        async with Bus(settings) as behind:
            await bus.publish(1, batch(0))
            consuming = asyncio.create_task(values(behind, 40))
            harm = asyncio.create_task(fault(proxy))
            for number in range(1, 40):
                await bus.publish(1, batch(number))
            assert await consuming == list(map(float, range(40)))
            await harm


@pytest.mark.parametrize("fault", [slow, cut, held_back], ids=lambda f: f.__name__)
async def test_transactions_go_on_over_a_bad_line_to_the_database(fault: Fault, database_url: str) -> None:
    port = int(database_url.rpartition(":")[2].split("/")[0])
    async with (
        fault_proxy(port) as proxy,
        Database(moved(database_url, host="127.0.0.1", port=proxy.port)) as behind,
    ):
        assert await answers(behind)
        harm = asyncio.create_task(fault(proxy))
        async with asyncio.timeout(LIVENESS_S):
            while not await answers(behind) or not harm.done():
                await asyncio.sleep(0.05)
        assert await answers(behind)


async def answers(database: Database) -> bool:
    try:
        async with database.transaction() as session:
            return bool(await session.scalar(text("SELECT 1")) == 1)
    except Exception:
        return False


def batch(number: int) -> ReadingBatch:
    return ReadingBatch.of([Reading(1, 1_700_000_000_000 + number, float(number))])


async def values(bus: Bus, count: int) -> list[float]:
    """The values of so many readings, sorted; a batch that came again counts once."""
    found: set[tuple[int, float]] = set()
    async with asyncio.timeout(LIVENESS_S * 2), aclosing(bus.consume(durable="test", partitions=None)) as pages:
        async for page in pages:
            for delivery in page:
                found |= {(delivery.sequence, reading.value) for reading in delivery.batch}
                await delivery.ack()
            if len(found) >= count:
                break
    return sorted(value for _, value in found)
