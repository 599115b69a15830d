"""An MQTT adapter on a real broker, a real bus and a real PostgreSQL, and a paho device that talks to it."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client import CollectorRegistry

from building.link import LinkChange
from bus.client import Bus
from catalog.dead_letters import DeadLetters
from catalog.directory import EquipmentEntry, LiveDirectory
from catalog.discovery import Discovery
from catalog.models import Site
from device_adapters.intake import Intake, ReadingBus
from device_adapters.links import LinkBook
from device_adapters.mqtt.adapter import MqttAdapter
from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.metrics import MqttMetrics
from device_adapters.refusals import RefusalLine
from kit.access import Scope
from kit.clock import SystemClock
from kit.db import Database
from tests.conftest import LIVENESS_S
from tests.device_adapters.directories import PROFILES, SITE_ID, directory, equipment

LIFT = equipment("gb24476-elevator", "LIFT-06", first_point=1)
SMOKE = equipment("nbiot-smoke", "SMOKE-001", first_point=100, partition=5)
METER = equipment("nbiot-water-meter", "WM-0001", first_point=200)


@dataclass
class Rig:
    adapter: MqttAdapter
    bus: Bus
    registry: CollectorRegistry
    live: LiveDirectory
    database: Database
    discovery: Discovery
    dead_letters: DeadLetters
    links: list[tuple[UUID, bool]] = field(default_factory=list)

    async def readings(
        self, count: int, *, life_safety: bool = False, durable: str = "test"
    ) -> list[tuple[str, float]]:
        """(point key, value) of what is on the bus, once there are `count`; acknowledges them."""
        keys = {
            point.point_no: f"{entry.code}.{point.key}"
            for entry in self.live.current.entries
            for point in entry.points.values()
        }
        found: list[tuple[str, float]] = []
        async with asyncio.timeout(LIVENESS_S):
            stream = self.bus.consume(durable=durable, partitions=None, life_safety=life_safety, max_wait_s=0.2)
            async for deliveries in stream:
                for delivery in deliveries:
                    found += [(keys[reading.point_no], reading.value) for reading in delivery.batch]
                    await delivery.ack()
                if len(found) >= count:
                    break
            await stream.aclose()
        return found

    async def letters(self, count: int = 1) -> list[Any]:
        async with asyncio.timeout(LIVENESS_S):
            while True:
                async with self.database.transaction() as session:
                    found, total = await self.dead_letters.find(session, Scope.everywhere())
                if total >= count:
                    return found
                await asyncio.sleep(0.05)

    async def discovered(self, count: int = 1) -> list[Any]:
        async with asyncio.timeout(LIVENESS_S):
            while True:
                async with self.database.transaction() as session:
                    found, total = await self.discovery.find(session, Scope.everywhere())
                if total >= count:
                    return found
                await asyncio.sleep(0.05)


@asynccontextmanager
async def rig(
    broker: Broker,
    bus: Bus,
    database: Database,
    *,
    entries: tuple[EquipmentEntry, ...] = (LIFT, SMOKE, METER),
    intake_bus: ReadingBus | None = None,
    wait: bool = True,
) -> AsyncIterator[Rig]:
    """An adapter that runs; `wait` until its sessions are up. `intake_bus` stands between it and the bus."""
    async with database.transaction() as session:
        await session.merge(Site(id=SITE_ID, code="yunqi", name="云栖花园", timezone="Asia/Shanghai", settings={}))
    registry, clock, live = CollectorRegistry(), SystemClock(), LiveDirectory(directory(*entries))
    discovery, dead_letters = Discovery(PROFILES, clock, registry), DeadLetters(registry)
    refusals = RefusalLine(database, discovery=discovery, dead_letters=dead_letters, clock=clock, registry=registry)
    told: list[tuple[UUID, bool]] = []

    async def on_links(changes: Sequence[LinkChange]) -> None:
        told.extend((change.equipment_id, change.is_up) for change in changes)

    links = LinkBook(on_links=on_links, clock=clock)
    async with Intake(intake_bus or bus, refusals, registry=registry) as intake:
        adapter = MqttAdapter(
            broker, directory=live, profiles=PROFILES, intake=intake, links=links, clock=clock,
            metrics=MqttMetrics(registry),
        )  # fmt: skip
        tasks = [asyncio.create_task(work) for work in (refusals.run(), links.run(), adapter.run())]
        try:
            if wait:
                await until(lambda: adapter.is_up)
            yield Rig(adapter, bus, registry, live, database, discovery, dead_letters, told)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class Device:
    """A paho client: `async with device(broker, user, password) as lift: await lift.say(topic, payload)`."""

    def __init__(self, client: paho.Client) -> None:
        self.client = client
        self.heard: list[tuple[str, bytes]] = []
        self.granted: list[int] | None = None

    async def say(self, topic: str, payload: Any, *, qos: int = 1, retain: bool = False) -> None:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        info = self.client.publish(topic, raw, qos=qos, retain=retain)
        await asyncio.to_thread(info.wait_for_publish, LIVENESS_S)
        assert info.is_published()

    async def listen(self, topic: str) -> int:
        self.granted = None
        self.client.subscribe(topic, qos=1)
        await until(lambda: self.granted is not None)
        assert self.granted is not None
        return self.granted[0]


@asynccontextmanager
async def device(
    broker: Broker,
    user: str | None = None,
    password: str | None = None,
    *,
    client_id: str = "",
    will: tuple[str, bytes] | None = None,
    kill: bool = False,
) -> AsyncIterator[Device]:
    """A connected device. `kill` ends it without a goodbye, so that its last will is published."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
    client.max_inflight_messages_set(1000)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    if user is not None:
        client.username_pw_set(user, password)
    if will is not None:
        client.will_set(will[0], will[1], qos=1, retain=True)
    if broker.tls:
        client.tls_set(str(broker.ca_file))
    found = Device(client)
    client.on_message = lambda _c, _u, message: found.heard.append((message.topic, bytes(message.payload)))
    client.on_subscribe = lambda _c, _u, _m, codes, _p: setattr(found, "granted", [code.value for code in codes])
    client.connect(broker.host, broker.port)
    client.loop_start()
    try:
        assert await asyncio.to_thread(connected.wait, LIVENESS_S)
        yield found
    finally:
        if kill:
            sock = client.socket()
            assert sock is not None
            client.loop_stop()
            sock.close()
        else:
            client.disconnect()
            client.loop_stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIVENESS_S):
        while not condition():
            await asyncio.sleep(0.01)
