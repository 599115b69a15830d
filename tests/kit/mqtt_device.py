"""A device at a real MQTT listener."""

import asyncio
import threading

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from kit.supervision.nats import NatsServer
from tests.conftest import LIVENESS_S


class Device:
    """A paho client that keeps what it was told."""

    def __init__(self, server: NatsServer, user: str, password: str, *, clean: bool = True) -> None:
        self.connected, self.lost = threading.Event(), threading.Event()
        self.refused: str | None = None
        self.granted: list[int] | None = None
        self.messages: list[tuple[str, bytes]] = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=user.replace("/", "-"), clean_session=clean)
        self.client.username_pw_set(user, password)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = lambda *_: self.lost.set()
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = lambda _c, _u, message: self.messages.append((message.topic, bytes(message.payload)))
        self.client.reconnect_delay_set(1, 1)
        self.client.connect(server.mqtt_host, server.mqtt_port)
        self.client.loop_start()

    def _on_connect(self, _client, _data, _flags, reason, _properties) -> None:
        if reason.is_failure:
            self.refused = str(reason)
        self.connected.set()

    def _on_subscribe(self, _client, _data, _mid, reasons, _properties) -> None:
        self.granted = [reason.value for reason in reasons]

    async def up(self) -> "Device":
        assert await asyncio.to_thread(self.connected.wait, LIVENESS_S)
        return self

    async def publish(self, topic: str, payload: bytes) -> None:
        info = self.client.publish(topic, payload, qos=1)
        await asyncio.to_thread(info.wait_for_publish, LIVENESS_S)

    async def subscribe(self, topic: str) -> int:
        self.granted = None
        self.client.subscribe(topic, qos=1)
        await until(lambda: self.granted is not None)
        assert self.granted is not None
        return self.granted[0]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


async def until(condition) -> None:
    async with asyncio.timeout(LIVENESS_S):
        while not condition():
            await asyncio.sleep(0.02)
