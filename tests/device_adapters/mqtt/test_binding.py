"""A discovered device is bound: what it said before becomes readings, once."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from bus.client import Bus
from catalog.dead_letters import DeadLetters
from catalog.directory import Directory, LiveDirectory
from catalog.discovery import Discovery
from catalog.events import DeviceBound
from catalog.loader import load_directory
from device_adapters.intake import Intake
from device_adapters.mqtt.binding import KeptSamples
from device_adapters.refusals import RefusalLine
from kit.access import Scope
from kit.clock import SystemClock, to_ms
from kit.db import Database
from kit.events import RecordingOutbox
from tests.device_adapters.directories import PROFILES
from tests.device_adapters.mqtt.estate import estate

SPOKE_AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


async def test_kept_samples_become_readings_at_the_time_they_came(
    bus: Bus, database: Database, outbox: RecordingOutbox
) -> None:
    place = await estate(database)
    registry, clock = CollectorRegistry(), SystemClock()
    discovery, letters = Discovery(PROFILES, clock, registry), DeadLetters(registry)
    topic = "site/yunqi/device/NEW-LIFT/telemetry"
    async with database.transaction() as session:
        for number, values in enumerate(({"floor": 1}, {"floor": 2, "passenger_trapped": 1}, {"nonsense": 1})):
            await discovery.note(
                session, protocol="mqtt", broker="embedded", site_code="yunqi", external_id="NEW-LIFT", topic=topic,
                payload=json.dumps({"values": values}).encode(), received_at=SPOKE_AT + timedelta(seconds=number),
            )  # fmt: skip
        [found], _ = await discovery.find(session, Scope.everywhere())
        await discovery.bind(session, Scope.everywhere(), found.id, place.ids["LIFT-06"])
    [event] = outbox.of(DeviceBound)
    refusals = RefusalLine(database, discovery=discovery, dead_letters=letters, clock=clock, registry=registry)
    async with Intake(bus, refusals, registry=registry) as intake:
        live = LiveDirectory(Directory.of(0, []))
        handler = KeptSamples(PROFILES, discovery, intake, live)
        async with database.transaction() as session:
            early = asyncio.create_task(handler.on_device_bound(session, event))
            _, waiting = await asyncio.wait([early], timeout=0.3)
            assert waiting, "whoever reads the bus does not know the new points yet"
            async with database.transaction() as another:
                live.replace(await load_directory(another))
            await early
        async with database.transaction() as session:  # a job may be run twice
            await handler.on_device_bound(session, event)
    ordinary = await _all(bus, life_safety=False)
    urgent = await _all(bus, life_safety=True)
    assert ordinary == [(to_ms(SPOKE_AT), 1.0), (to_ms(SPOKE_AT) + 1000, 2.0)]
    assert [value for _, value in urgent] == [1.0]


async def _all(bus: Bus, *, life_safety: bool) -> list[tuple[int, float]]:
    async for deliveries in bus.consume(durable="test", partitions=None, life_safety=life_safety, max_wait_s=5):
        return [(reading.ts_ms, reading.value) for delivery in deliveries for reading in delivery.batch]
    raise AssertionError
