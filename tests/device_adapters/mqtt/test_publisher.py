"""Messages of the hub to a broker."""

import asyncio
import os
import signal

import pytest
from prometheus_client import CollectorRegistry

from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.metrics import MqttMetrics
from device_adapters.mqtt.publisher import MqttPublisher
from kit.supervision.nats import MQTT_USER, MqttUser, NatsServer, hash_password
from tests.conftest import LIVENESS_S
from tests.device_adapters.mqtt.rig import device, until


@pytest.fixture
def broker(nats_server: NatsServer) -> Broker:
    return Broker(
        name="embedded", host=nats_server.mqtt_host, port=nats_server.mqtt_port, username=MQTT_USER, password="mqtt"
    )


async def test_a_panel_hears_what_is_published_also_after_the_broker_was_killed(
    broker: Broker, nats_server: NatsServer
) -> None:
    await nats_server.set_mqtt_users([MqttUser("panel", hash_password("panel"), subscribe=("site/yunqi/alarms",))])
    registry = CollectorRegistry()
    publisher = MqttPublisher(broker, metrics=MqttMetrics(registry))
    running = asyncio.create_task(publisher.run())
    async with device(broker, "panel", "panel", client_id="panel") as panel:
        await panel.listen("site/yunqi/alarms")
        await publisher.publish("site/yunqi/alarms", b"raised", timeout_s=LIVENESS_S)
        await until(lambda: panel.heard == [("site/yunqi/alarms", b"raised")])
    os.kill(nats_server.pid, signal.SIGKILL)
    await until(lambda: nats_server.restarts == 1)
    await _published(publisher, b"again")
    async with device(broker, "panel", "panel", client_id="panel") as panel:
        await panel.listen("site/yunqi/alarms")
        await _published(publisher, b"heard")
        await until(lambda: panel.heard == [("site/yunqi/alarms", b"heard")])
    assert registry.get_sample_value("hub_mqtt_published_total", {"broker": "embedded"}) == 3
    running.cancel()


async def test_without_a_broker_the_caller_is_told_in_time(broker: Broker) -> None:
    nowhere = broker.model_copy(update={"port": 1})
    publisher = MqttPublisher(nowhere, metrics=MqttMetrics(CollectorRegistry()))
    running = asyncio.create_task(publisher.run())
    with pytest.raises((OSError, TimeoutError)):
        await publisher.publish("site/yunqi/alarms", b"raised", timeout_s=0.3)
    running.cancel()


async def test_a_hundred_at_once_all_arrive(broker: Broker) -> None:
    publisher = MqttPublisher(broker, metrics=MqttMetrics(CollectorRegistry()))
    running = asyncio.create_task(publisher.run())
    async with device(broker, MQTT_USER, "mqtt", client_id="listener") as listener:
        await listener.listen("site/yunqi/alarms")
        wanted = [str(number).encode() for number in range(100)]
        await asyncio.gather(*(publisher.publish("site/yunqi/alarms", one, timeout_s=LIVENESS_S) for one in wanted))
        await until(lambda: len(listener.heard) == 100)
        assert sorted(payload for _, payload in listener.heard) == sorted(wanted)
    running.cancel()


async def _published(publisher: MqttPublisher, payload: bytes) -> None:
    """As the sweep does: again until the broker has it."""
    async with asyncio.timeout(LIVENESS_S):
        while True:
            try:
                await publisher.publish("site/yunqi/alarms", payload)
                return
            except (OSError, TimeoutError):
                await asyncio.sleep(0.1)
