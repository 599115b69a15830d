"""Alarm messages go to every broker: kept until the first of them has it, counted where another does not."""

import asyncio
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter

from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.metrics import MqttMetrics
from device_adapters.mqtt.publisher import MqttPublisher


class AlarmBrokers:
    """`alarms.publication.AlarmPublisher` over all brokers; the first is the one that counts as published.

    A panel that hears of alarms at another broker misses those sent while that broker is away: see
    `hub_alarm_broker_misses`.
    """

    def __init__(
        self, brokers: Sequence[Broker], *, process: str, metrics: MqttMetrics, registry: CollectorRegistry
    ) -> None:
        self._publishers = {
            broker.name: MqttPublisher(broker, metrics=metrics, client_name=f"alarms-{process}") for broker in brokers
        }
        self._misses = Counter(
            "hub_alarm_broker_misses", "Alarm messages a further broker did not take", ["broker"], registry=registry
        )

    async def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Raises OSError or TimeoutError when the first broker does not take it."""
        names = list(self._publishers)
        outcomes = await asyncio.gather(
            *(self._publishers[name].publish(topic, payload, qos) for name in names), return_exceptions=True
        )
        for name, outcome in zip(names[1:], outcomes[1:], strict=True):
            if isinstance(outcome, BaseException):
                self._misses.labels(name).inc()
        if outcomes and isinstance(outcomes[0], BaseException):
            raise outcomes[0]

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name, publisher in self._publishers.items():
                group.create_task(publisher.run(), name=f"alarms to {name}")
