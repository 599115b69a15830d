"""Alarm messages go to every broker: kept until the first of them has it, counted where another does not."""

import asyncio
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter

from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.metrics import MqttMetrics
from device_adapters.mqtt.publisher import MqttPublisher

# Messages under way to further brokers; beyond that one that hangs misses some, and the first never waits for it.
FURTHER_LIMIT = 5_000


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
        self._under_way: set[asyncio.Task[None]] = set()

    async def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Raises OSError or TimeoutError when the first broker does not take it; for the others nobody waits."""
        if not self._publishers:
            return
        first, *further = self._publishers
        for name in further:
            if len(self._under_way) >= FURTHER_LIMIT:
                self._misses.labels(name).inc()
                continue
            sending = asyncio.create_task(self._send_further(name, topic, payload, qos), name=f"alarm to {name}")
            self._under_way.add(sending)
            sending.add_done_callback(self._under_way.discard)
        await self._publishers[first].publish(topic, payload, qos)

    async def _send_further(self, name: str, topic: str, payload: bytes, qos: int) -> None:
        try:
            await self._publishers[name].publish(topic, payload, qos)
        except (OSError, TimeoutError):
            self._misses.labels(name).inc()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, publisher in self._publishers.items():
                group.create_task(publisher.run(), name=f"alarms to {name}")
