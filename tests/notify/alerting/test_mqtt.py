"""Alarms told to a topic of a real broker."""

import asyncio

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from connectors.errors import NotConfigured, TemporaryFailure
from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.metrics import MqttMetrics
from device_adapters.mqtt.publisher import MqttPublisher
from kit.ids import new_id
from kit.supervision.nats import MQTT_USER, NatsServer
from notify.alerting.carriers import Letter, MqttCarrier, TopicPublisher
from tests.device_adapters.mqtt.rig import device, until


def letter() -> Letter:
    message = {"site_code": "yunqi", "event": {"type": "alarm.raised", "data": {"severity": "critical"}}}
    return Letter("siren", new_id(), "ab12", message)


async def test_a_siren_hears_what_its_topic_is_told(nats_server: NatsServer) -> None:
    broker = Broker(
        name="embedded", host=nats_server.mqtt_host, port=nats_server.mqtt_port, username=MQTT_USER, password="mqtt"
    )
    publisher = MqttPublisher(broker, metrics=MqttMetrics(CollectorRegistry()))
    running = asyncio.create_task(publisher.run())
    async with device(broker, MQTT_USER, "mqtt", client_id="siren") as siren:
        await siren.listen("site/yunqi/alerts/siren")
        await MqttCarrier(publisher).send(letter())
        await until(lambda: len(siren.heard) == 1)
    [(topic, payload)] = siren.heard
    assert topic == "site/yunqi/alerts/siren"
    assert msgspec.json.decode(payload) == {
        "id": "msg_ab12", "type": "alarm.raised", "data": {"severity": "critical"}
    }  # fmt: skip
    running.cancel()


class Away:
    """A broker that is not there."""

    async def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        raise ConnectionResetError


@pytest.mark.parametrize(("publisher", "error"), [(None, NotConfigured), (Away(), TemporaryFailure)])
async def test_without_a_broker_it_is_known_why(publisher: TopicPublisher | None, error: type[Exception]) -> None:
    with pytest.raises(error):
        await MqttCarrier(publisher).send(letter())
