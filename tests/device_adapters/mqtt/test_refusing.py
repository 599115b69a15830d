"""A flood of what cannot be used: counted to the last, acknowledged, a few examples kept, nobody else the worse."""

import asyncio
from functools import partial

import pytest

from bus.client import Bus
from device_adapters.mqtt.broker import Broker
from kit.db import Database
from kit.supervision.nats import MQTT_USER, NatsServer
from tests.conftest import LIVENESS_S
from tests.device_adapters.directories import directory, equipment
from tests.device_adapters.mqtt.rig import LIFT, METER, Device, Rig, device, rig, until

TELEMETRY = "site/yunqi/device/{}/telemetry"
FLOOD = 500
NEW = equipment("nbiot-water-meter", "NEW-1", first_point=300)


@pytest.fixture
def broker(nats_server: NatsServer) -> Broker:
    return Broker(
        name="embedded", host=nats_server.mqtt_host, port=nats_server.mqtt_port, username=MQTT_USER, password="mqtt"
    )


def flood(hub: Device, code: str, payload: bytes) -> None:
    for _ in range(FLOOD):
        hub.client.publish(TELEMETRY.format(code), payload, qos=1)


def sample(running: Rig, name: str, **labels: str) -> float:
    return running.registry.get_sample_value(name, labels) or 0.0


def _has_refused(running: Rig, reason: str) -> bool:
    return sample(running, "hub_intake_refused_total", reason=reason) == FLOOD


async def acknowledged(running: Rig, hub: Device) -> None:
    """Returns once the broker is told of everything. The gauge is renewed when something comes."""
    async with asyncio.timeout(LIVENESS_S):
        while True:
            await hub.say(TELEMETRY.format("LIFT-06"), {"values": {"floor": 1}})
            await asyncio.sleep(0.1)
            if sample(running, "hub_mqtt_waiting_messages", broker="embedded", line="readings") == 0:
                return


async def test_of_a_known_device_the_rest_is_counted_beside_its_last_letter(
    broker: Broker, bus: Bus, database: Database
) -> None:
    async with rig(broker, bus, database) as running, device(broker, MQTT_USER, "mqtt") as hub:
        flood(hub, "WM-0001", b'{"values":{"volume_m3":1')
        flood(hub, "WM-0001", b'{"values":{"volume_m3":"a lot"}}')
        await hub.say(TELEMETRY.format("WM-0001"), {"values": {"volume_m3": 9}})
        assert await running.readings(1) == [("WM-0001.volume_m3", 9.0)]
        for reason in ("not_json", "bad_value"):
            await until(partial(_has_refused, running, reason))
        counted = 0
        async with asyncio.timeout(LIVENESS_S):
            while counted < 2 * FLOOD:
                counted = sum(1 + letter.more_alike for letter in await running.letters(40))
                await asyncio.sleep(0.1)
        assert counted == 2 * FLOOD
        assert len(await running.letters(40)) == 40
        await acknowledged(running, hub)


async def test_of_an_unknown_device_the_rest_is_among_its_messages_until_it_is_known(
    broker: Broker, bus: Bus, database: Database
) -> None:
    async with rig(broker, bus, database) as running, device(broker, MQTT_USER, "mqtt") as hub:
        flood(hub, "NEW-1", b'{"values":{"volume_m3":1}}')
        await until(lambda: sample(running, "hub_intake_unknown_device_total") == FLOOD)
        messages = 0
        async with asyncio.timeout(LIVENESS_S):
            while messages < FLOOD:
                messages = (await running.discovered())[0].messages
                await asyncio.sleep(0.1)
        assert messages == FLOOD
        await acknowledged(running, hub)
        known = sample(running, "hub_intake_readings_total", line="readings")
        running.live.replace(directory(LIFT, METER, NEW, version=2))
        await hub.say(TELEMETRY.format("NEW-1"), {"values": {"volume_m3": 2}})
        await until(lambda: sample(running, "hub_intake_readings_total", line="readings") > known)
        assert ("NEW-1.volume_m3", 2.0) in await running.readings(int(known) + 1)
        assert sample(running, "hub_intake_unknown_device_total") == FLOOD
