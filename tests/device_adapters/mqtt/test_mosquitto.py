"""The hub on a real Mosquitto with the configuration we ship: MQTT 3.1.1 and 5, QoS 0 and 1, TLS, per-device ACL."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bus.client import Bus
from device_adapters.mqtt.broker import Broker, MqttVersion
from kit.db import Database
from tests.device_adapters.mqtt.mosquitto import Mosquitto, running_mosquitto
from tests.device_adapters.mqtt.rig import device, rig, until

USERS = {"hub": "hub-secret", "LIFT-06": "lift", "WM-0001": "meter", "panel": "panel", "nbiot-smoke": "platform"}
TELEMETRY = "site/yunqi/device/{}/telemetry"


@pytest.fixture
async def mosquitto(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with running_mosquitto(tmp_path / "mosquitto", USERS) as mosquitto:
        yield mosquitto


@pytest.fixture
def broker(mosquitto: Mosquitto) -> Broker:
    return Broker(name="north", host="127.0.0.1", port=mosquitto.port, username="hub", password="hub-secret")


@pytest.mark.parametrize("version", list(MqttVersion))
async def test_devices_are_heard_in_both_versions_at_both_qualities(
    broker: Broker, bus: Bus, database: Database, version: MqttVersion
):
    north = broker.model_copy(update={"version": version})
    async with rig(north, bus, database) as running, device(broker, "LIFT-06", "lift") as lift:
        for qos in (0, 1):
            await lift.say(TELEMETRY.format("LIFT-06"), {"values": {"floor": qos, "alarm_button": qos}}, qos=qos)
        assert sorted(await running.readings(2)) == [("LIFT-06.floor", 0.0), ("LIFT-06.floor", 1.0)]
        assert len(await running.readings(2, life_safety=True)) == 2


@pytest.mark.parametrize("version", list(MqttVersion))
async def test_what_came_while_hub_and_broker_were_away_is_read_when_both_are_back(
    mosquitto: Mosquitto, broker: Broker, bus: Bus, database: Database, version: MqttVersion
):
    north = broker.model_copy(update={"version": version})
    async with rig(north, bus, database):
        pass
    async with device(broker, "WM-0001", "meter") as meter:
        sent = [
            meter.client.publish(TELEMETRY.format("WM-0001"), f'{{"values":{{"volume_m3":{n}}}}}', qos=1)
            for n in range(5000)
        ]
        for info in sent:
            await asyncio.to_thread(info.wait_for_publish, 30)
    await mosquitto.stop()
    await mosquitto.start()
    async with rig(north, bus, database) as running:
        found = await running.readings(5000)
        assert sorted(value for _, value in found) == [float(number) for number in range(5000)]


async def test_a_killed_broker_keeps_what_it_has_written(
    mosquitto: Mosquitto, broker: Broker, bus: Bus, database: Database
):
    async with rig(broker, bus, database):
        pass
    async with device(broker, "WM-0001", "meter") as meter:
        await meter.say(TELEMETRY.format("WM-0001"), {"values": {"volume_m3": 7}}, qos=1)
    said_at_ns = time.time_ns()
    await until(lambda: mosquitto.written_at_ns() > said_at_ns)
    await mosquitto.kill()
    await mosquitto.start()
    async with rig(broker, bus, database) as running:
        assert await running.readings(1) == [("WM-0001.volume_m3", 7.0)]


async def test_a_device_speaks_for_itself_only_and_a_panel_hears_alarms_only(
    broker: Broker, bus: Bus, database: Database
):
    async with (
        rig(broker, bus, database) as running,
        device(broker, "LIFT-06", "lift") as lift,
        device(broker, "panel", "panel", client_id="panel") as panel,
    ):
        await panel.listen("#")
        await lift.say(TELEMETRY.format("WM-0001"), {"values": {"volume_m3": 1}})
        await lift.say("site/yunqi/alarms", b"forged")
        await lift.say(TELEMETRY.format("LIFT-06"), {"values": {"floor": 1}})
        assert await running.readings(1) == [("LIFT-06.floor", 1.0)]
        assert panel.heard == []


async def test_a_platform_speaks_for_its_many_devices(broker: Broker, bus: Bus, database: Database):
    async with rig(broker, bus, database) as running, device(broker, "nbiot-smoke", "platform") as platform:
        await platform.say(TELEMETRY.format("SMOKE-001"), {"values": {"smoke": "alarm"}})
        assert await running.readings(1, life_safety=True) == [("SMOKE-001.smoke", 1.0)]


async def test_a_wrong_password_is_said_and_tried_again(broker: Broker, bus: Bus, database: Database):
    wrong = broker.model_copy(update={"password": "guess"})
    async with rig(wrong, bus, database, wait=False) as running:
        await until(lambda: running.adapter._ordinary.is_down)
        up = running.registry.get_sample_value("hub_mqtt_session_up", {"broker": "north", "line": "readings"})
        assert up == 0


async def test_a_broker_that_restarts_is_found_again(
    mosquitto: Mosquitto, broker: Broker, bus: Bus, database: Database
):
    async with rig(broker, bus, database) as running:
        await mosquitto.stop()
        await until(lambda: not running.adapter.is_up)
        await mosquitto.start()
        await until(lambda: running.adapter.is_up)
        async with device(broker, "LIFT-06", "lift") as lift:
            await lift.say(TELEMETRY.format("LIFT-06"), {"values": {"floor": 8}})
        assert await running.readings(1) == [("LIFT-06.floor", 8.0)]


@pytest.mark.parametrize("version", list(MqttVersion))
async def test_tls_with_a_checked_certificate(tmp_path: Path, bus: Bus, database: Database, version: MqttVersion):
    async with running_mosquitto(tmp_path / "mosquitto", USERS, tls=True) as mosquitto:
        secure = Broker(
            name="secure", host="127.0.0.1", port=mosquitto.tls_port, username="hub", password="hub-secret",
            tls=True, ca_file=mosquitto.ca_file, version=version,
        )  # fmt: skip
        async with rig(secure, bus, database) as running, device(secure, "LIFT-06", "lift") as lift:
            await lift.say(TELEMETRY.format("LIFT-06"), {"values": {"floor": 5, "passenger_trapped": True}})
            assert await running.readings(1) == [("LIFT-06.floor", 5.0)]
            assert await running.readings(1, life_safety=True) == [("LIFT-06.passenger_trapped", 1.0)]
        unchecked = secure.model_copy(update={"ca_file": None})
        async with rig(unchecked, bus, database, wait=False) as running:
            await until(lambda: running.adapter._ordinary.is_down)


async def test_two_brokers_at_once(mosquitto: Mosquitto, broker: Broker, tmp_path: Path, bus: Bus, database: Database):
    async with running_mosquitto(tmp_path / "south", USERS) as other:
        south = broker.model_copy(update={"name": "south", "port": other.port})
        async with (
            rig(broker, bus, database) as first,
            rig(south, bus, database),
            device(broker, "LIFT-06", "lift") as lift,
            device(south, "WM-0001", "meter") as meter,
        ):
            await lift.say(TELEMETRY.format("LIFT-06"), {"values": {"floor": 5}})
            await meter.say(TELEMETRY.format("WM-0001"), {"values": {"volume_m3": 6}})
            assert sorted(await first.readings(2)) == [("LIFT-06.floor", 5.0), ("WM-0001.volume_m3", 6.0)]
