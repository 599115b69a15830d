"""Messages of the hub to a broker: alarms for panels and other systems."""

import asyncio
import contextlib

from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.client import Connection
from device_adapters.mqtt.metrics import MqttMetrics
from device_adapters.mqtt.packets import Publish
from kit.backoff import Backoff
from kit.ids import new_id
from kit.logs import logger

log = logger(__name__)


class MqttPublisher:
    """`run` beside whatever publishes; `publish` returns once the broker has the message."""

    def __init__(self, broker: Broker, *, metrics: MqttMetrics, client_name: str = "alarms") -> None:
        self._broker = broker
        # A client id of its own a process: two with the same one would put each other out without end.
        self._client_id = f"{broker.client_id}-{client_name}-{new_id().hex[-8:]}"
        self._published = metrics.published.labels(broker.name)
        self._connection: Connection | None = None
        self._ready = asyncio.Event()

    async def publish(
        self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False, timeout_s: float = 5.0
    ) -> None:
        """Raises OSError (PermissionError when the broker refuses this message) or TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self._ready.wait()
            connection = self._connection
            if connection is None:
                raise ConnectionResetError("the connection to the broker is lost")
            await connection.send(topic, payload, qos=qos, retain=retain, timeout_s=timeout_s)
        self._published.inc()

    async def run(self) -> None:
        backoff = Backoff(first_s=0.5, longest_s=5.0)
        while True:
            try:
                reason = await self._live(backoff)
            except (OSError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
            if backoff.failures == 0:
                log.error("broker takes no messages of ours", broker=self._broker.name, reason=reason)
            await asyncio.sleep(backoff.next_s())

    async def _live(self, backoff: Backoff) -> str:
        """One connection from its beginning to its end; why it ended."""
        connection = Connection(self._broker, client_id=self._client_id, on_publish=_ignore, persistent=False)
        try:
            await connection.open()
            if backoff.reset():
                log.info("broker takes our messages again", broker=self._broker.name)
            self._connection = connection
            self._ready.set()
            await connection.lost.wait()
            return connection.reason
        finally:
            self._ready.clear()
            self._connection = None
            with contextlib.suppress(OSError, TimeoutError):
                await connection.close()


def _ignore(connection: Connection, publishes: list[Publish]) -> None:
    """Nothing is subscribed here."""
