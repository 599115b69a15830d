"""Alarm messages to several brokers: the first counts, and no other holds it up."""

import asyncio

from prometheus_client import CollectorRegistry

from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.metrics import MqttMetrics
from hub.alarm_brokers import AlarmBrokers
from kit.supervision.nats import MQTT_USER, NatsServer
from kit.supervision.ports import free_port
from tests.conftest import LIVENESS_S


async def test_a_broker_that_is_away_misses_a_message_and_does_not_hold_up_the_first(nats_server: NatsServer) -> None:
    registry = CollectorRegistry()
    brokers = [
        Broker(name="own", host="127.0.0.1", port=nats_server.mqtt_port, username=MQTT_USER, password="mqtt"),
        Broker(name="away", host="127.0.0.1", port=free_port()),
    ]
    alarms = AlarmBrokers(brokers, process="test", metrics=MqttMetrics(registry), registry=registry)
    running = asyncio.create_task(alarms.run())
    async with asyncio.timeout(LIVENESS_S):
        await alarms.publish("site/test/alarms", b"{}")
        assert not registry.get_sample_value("hub_alarm_broker_misses_total", {"broker": "away"})
        while registry.get_sample_value("hub_alarm_broker_misses_total", {"broker": "away"}) != 1:
            await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_without_a_broker_nothing_is_said() -> None:
    registry = CollectorRegistry()
    await AlarmBrokers([], process="test", metrics=MqttMetrics(registry), registry=registry).publish("a", b"{}")
