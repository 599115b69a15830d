"""The adapter on the embedded broker, the real bus and PostgreSQL."""

import asyncio
import os
import signal
import time
from collections.abc import Sequence

import pytest

from building.reading import ReadingBatch
from bus.client import Bus
from device_adapters.mqtt.broker import Broker
from kit.db import Database
from kit.supervision.nats import MQTT_USER, MqttUser, NatsServer, hash_password
from tests.conftest import LIVENESS_S
from tests.device_adapters.directories import directory
from tests.device_adapters.mqtt.rig import LIFT, METER, SMOKE, device, rig, until

TELEMETRY = "site/yunqi/device/{}/telemetry"
Batches = Sequence[tuple[int, ReadingBatch]]


@pytest.fixture
def broker(nats_server: NatsServer) -> Broker:
    return Broker(
        name="embedded", host=nats_server.mqtt_host, port=nats_server.mqtt_port, username=MQTT_USER, password="mqtt"
    )


async def test_readings_reach_the_bus_and_life_safety_its_own_line(broker: Broker, bus: Bus, database: Database):
    async with rig(broker, bus, database) as running, device(broker, MQTT_USER, "mqtt") as hub:
        for qos in (0, 1):
            await hub.say(TELEMETRY.format("LIFT-06"), {"values": {"floor": qos, "passenger_trapped": qos}}, qos=qos)
        assert sorted(await running.readings(2)) == [("LIFT-06.floor", 0.0), ("LIFT-06.floor", 1.0)]
        urgent = await running.readings(2, life_safety=True)
        assert sorted(urgent) == [("LIFT-06.passenger_trapped", 0.0), ("LIFT-06.passenger_trapped", 1.0)]


async def test_a_flood_arrives_whole_in_large_batches(broker: Broker, bus: Bus, database: Database):
    async with rig(broker, bus, database) as running, device(broker, MQTT_USER, "mqtt") as hub:
        for number in range(3000):
            hub.client.publish(
                TELEMETRY.format("WM-0001"), f'{{"values":{{"volume_m3":{number},"flow_l_h":1}}}}', qos=1
            )
        found = await running.readings(6000)
        assert sorted(value for key, value in found if key.endswith("volume_m3")) == [float(n) for n in range(3000)]
        batches = running.registry.get_sample_value("hub_intake_batch_readings_count")
        assert batches is not None
        assert batches < 600


async def test_links_follow_the_last_will_and_the_telemetry(broker: Broker, bus: Bus, database: Database):
    status = "site/yunqi/device/LIFT-06/status"
    async with rig(broker, bus, database) as running:
        async with device(broker, MQTT_USER, "mqtt", client_id="lift", will=(status, b"offline"), kill=True) as lift:
            await lift.say(status, b"online", retain=True)
            await until(lambda: running.links == [(LIFT.equipment_id, True)])
        await until(lambda: running.links[-1] == (LIFT.equipment_id, False))
        async with device(broker, MQTT_USER, "mqtt", client_id="lift") as lift:
            await lift.say(TELEMETRY.format("LIFT-06"), {"values": {"floor": 1}})
            await until(lambda: running.links[-1] == (LIFT.equipment_id, True))


async def test_bad_input_is_kept_with_its_reason_and_harms_nobody(broker: Broker, bus: Bus, database: Database):
    async with rig(broker, bus, database) as running, device(broker, MQTT_USER, "mqtt") as hub:
        topic = TELEMETRY.format("LIFT-06")
        for payload in (b"\xff", b"[" * 100_000, b" " * 300_000, b'{"values":{"floor":NaN}}', b'{"values":{"flor":1}}'):
            await hub.say(topic, payload)
        await hub.say(TELEMETRY.format("NEW-1"), {"values": {"floor": 3}})
        await hub.say(topic, {"values": {"floor": 9}})
        assert await running.readings(1) == [("LIFT-06.floor", 9.0)]
        letters = await running.letters(5)
        assert {letter.reason for letter in letters} == {
            "not_json", "too_deep", "too_large", "not_a_number", "unknown_point",
        }  # fmt: skip
        assert all(letter.site_id in (LIFT.site_id, None) for letter in letters)
        assert any("LIFT-06 has no point flor" in letter.detail for letter in letters)
        assert all(letter.source == "mqtt:embedded" for letter in letters)
        [found] = await running.discovered()
        assert (found.external_id, found.site_code, found.broker) == ("NEW-1", "yunqi", "embedded")
        assert running.adapter.is_up


async def test_what_came_while_the_hub_was_away_is_read_when_it_is_back(broker: Broker, bus: Bus, database: Database):
    async with rig(broker, bus, database):
        pass
    async with device(broker, MQTT_USER, "mqtt") as hub:
        for number in range(50):
            await hub.say(TELEMETRY.format("WM-0001"), {"values": {"volume_m3": number}})
        await hub.say(TELEMETRY.format("SMOKE-001"), {"values": {"smoke": 1}})
    async with rig(broker, bus, database) as running:
        found = await running.readings(50)
        assert [value for _, value in found] == [float(number) for number in range(50)]
        assert await running.readings(1, life_safety=True) == [("SMOKE-001.smoke", 1.0)]


class HeldBus:
    """A bus that takes nothing until told to."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.asked = asyncio.Event()
        self.open = asyncio.Event()

    async def publish_all(self, batches: Batches, *, life_safety: bool = False) -> list[int]:
        self.asked.set()
        await self.open.wait()
        return await self._bus.publish_all(batches, life_safety=life_safety)


@pytest.mark.parametrize("point", ["floor", "passenger_trapped"])
async def test_nothing_is_acknowledged_before_the_bus_has_it(broker: Broker, bus: Bus, database: Database, point: str):
    """The hub dies between receiving and storing: the broker still has the message."""
    held = HeldBus(bus)
    async with rig(broker, bus, database, intake_bus=held), device(broker, MQTT_USER, "mqtt") as hub:
        await hub.say(TELEMETRY.format("LIFT-06"), {"values": {point: 1}})
        await asyncio.wait_for(held.asked.wait(), 20)
    async with rig(broker, bus, database) as running:
        found = await running.readings(1, life_safety=point == "passenger_trapped")
        assert found == [(f"LIFT-06.{point}", 1.0)]


async def test_smoke_does_not_wait_for_a_bus_that_is_busy_with_readings(broker: Broker, bus: Bus, database: Database):
    class SlowForReadings(HeldBus):
        async def publish_all(self, batches: Batches, *, life_safety: bool = False) -> list[int]:
            if life_safety:
                return await self._bus.publish_all(batches, life_safety=True)
            return await super().publish_all(batches)

    slow = SlowForReadings(bus)
    async with rig(broker, bus, database, intake_bus=slow) as running, device(broker, MQTT_USER, "mqtt") as hub:
        for number in range(500):
            hub.client.publish(TELEMETRY.format("WM-0001"), f'{{"values":{{"volume_m3":{number}}}}}', qos=1)
        await asyncio.wait_for(slow.asked.wait(), 20)
        await hub.say(TELEMETRY.format("SMOKE-001"), {"values": {"smoke": 1, "battery_pct": 90}})
        assert await running.readings(1, life_safety=True) == [("SMOKE-001.smoke", 1.0)]
        slow.open.set()
        assert len(await running.readings(501)) == 501


async def test_a_killed_broker_comes_back_and_everyone_goes_on(
    broker: Broker, bus: Bus, database: Database, nats_server: NatsServer
):
    async with rig(broker, bus, database) as running:
        async with device(broker, MQTT_USER, "mqtt") as hub:
            await hub.say(TELEMETRY.format("LIFT-06"), {"values": {"floor": 1}})
            await running.readings(1)
        os.kill(nats_server.pid, signal.SIGKILL)
        await until(lambda: not running.adapter.is_up)
        await until(lambda: nats_server.restarts == 1)
        await until(lambda: running.adapter.is_up)
        async with device(broker, MQTT_USER, "mqtt") as hub:
            await hub.say(TELEMETRY.format("LIFT-06"), {"values": {"floor": 2, "alarm_button": True}})
        assert ("LIFT-06.floor", 2.0) in await running.readings(1)
        assert await running.readings(1, life_safety=True) == [("LIFT-06.alarm_button", 1.0)]


async def test_a_refused_subscription_is_noticed_and_the_granted_ones_work(
    broker: Broker, bus: Bus, database: Database, nats_server: NatsServer
):
    allowed = ("site/+/device/+/telemetry", "site/+/device/+/status")
    narrow = MqttUser("narrow", hash_password("narrow"), subscribe=allowed)
    await nats_server.set_mqtt_users([narrow])
    limited = broker.model_copy(update={"username": "narrow", "password": "narrow"})
    async with rig(limited, bus, database, wait=False) as running, device(broker, MQTT_USER, "mqtt") as hub:
        await until(lambda: all(line.is_up for line in running.adapter._life_safety))
        await until(lambda: running.adapter._ordinary.is_down)
        await hub.say(TELEMETRY.format("LIFT-06"), {"values": {"floor": 4}})
        assert await running.readings(1) == [("LIFT-06.floor", 4.0)]
    only_native = limited.model_copy(update={"profiles": ["gb24476-elevator", "nbiot-smoke", "nbiot-water-meter"]})
    async with rig(only_native, bus, database) as running:
        assert running.adapter.is_up


async def test_a_new_equipment_is_understood_without_a_restart(broker: Broker, bus: Bus, database: Database):
    async with (
        rig(broker, bus, database, entries=(LIFT,)) as running,
        device(broker, MQTT_USER, "mqtt") as hub,
    ):
        await hub.say(TELEMETRY.format("WM-0001"), {"values": {"volume_m3": 1}})
        await running.discovered()
        running.live.replace(directory(LIFT, METER, SMOKE, version=2))
        await hub.say(TELEMETRY.format("WM-0001"), {"values": {"volume_m3": 2}})
        await hub.say(TELEMETRY.format("SMOKE-001"), {"values": {"smoke": 1}})
        assert await running.readings(1) == [("WM-0001.volume_m3", 2.0)]
        assert await running.readings(1, life_safety=True) == [("SMOKE-001.smoke", 1.0)]


async def test_a_lone_reading_does_not_wait_long(broker: Broker, bus: Bus, database: Database):
    async with rig(broker, bus, database) as running, device(broker, MQTT_USER, "mqtt") as hub:
        await hub.say(TELEMETRY.format("LIFT-06"), {"values": {"floor": 1}})
        await running.readings(1)
        started = time.monotonic()
        await hub.say(TELEMETRY.format("LIFT-06"), {"values": {"floor": 2}})
        await running.readings(1)
        assert time.monotonic() - started < LIVENESS_S
