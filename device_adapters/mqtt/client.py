"""One MQTT connection through gmqtt: acknowledged by us, one connection a life, no reconnecting of its own.

gmqtt sends PUBACK before the callback runs (always so in MQTT 3.1.1) and loses its subscriptions when it reconnects by
itself. So the PUBLISH handler is ours, and a new connection is a new object: see `device_adapters.mqtt.session`.
"""

import asyncio
import struct
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

import gmqtt
from gmqtt.mqtt.constants import MQTTv50, MQTTv311
from gmqtt.mqtt.handler import MQTTConnectError

from device_adapters.mqtt.broker import Broker, MqttVersion
from device_adapters.mqtt.message import Message

KEEPALIVE_S = 30
# An MQTT 5 broker keeps the session this long while the hub is away; a 3.1.1 broker as its own settings say.
SESSION_EXPIRY_S = 7 * 24 * 3600
REFUSED = 0x80
_PUBACK = struct.Struct("!BBH")


class BrokerRefused(ConnectionError):
    """The broker answered CONNECT with a refusal: wrong password, not authorised, …"""


class Inbound(Message, frozen=True):
    """A PUBLISH as it came. `mid` is None at QoS 0."""

    connection: "Connection"
    mid: int | None

    def acknowledge(self) -> None:
        """PUBACK: the broker need not send it again."""
        self.connection.acknowledge([self])


OnPublish = Callable[[Inbound], None]


class Connection(gmqtt.Client):  # type: ignore[misc]
    """`await open()`, `await subscribe(filters)`, then `on_publish` is called until `lost` is set.

    Whoever gets an Inbound calls its `acknowledge` once it is safe; until then the broker sends it again after a loss.
    """

    def __init__(self, broker: Broker, *, client_id: str, on_publish: OnPublish, persistent: bool) -> None:
        lasting = {"session_expiry_interval": SESSION_EXPIRY_S} if persistent else {}
        properties = lasting if broker.version is MqttVersion.V5 else {}
        super().__init__(client_id, clean_session=not persistent, **properties)
        self.lost = asyncio.Event()
        self._broker = broker
        self._on_publish = on_publish
        self._subscribing: dict[int, asyncio.Future[tuple[int, ...]]] = {}
        self._publishing: dict[int, asyncio.Future[None]] = {}
        self._is_v5 = broker.version is MqttVersion.V5
        self._paused = False
        self._unacknowledged: set[int] = set()
        handler = self._package_handler
        handler._handle_publish_packet = self._take_publish
        handler._handle_puback_packet = self._take_puback
        self.on_subscribe = self._take_suback
        self.on_disconnect = self._take_disconnect
        if broker.username:
            self.set_auth_credentials(broker.username, broker.password)

    async def open(self, *, timeout_s: float = 10.0) -> None:
        """Raises OSError (BrokerRefused among them) or TimeoutError."""
        version = MQTTv50 if self._is_v5 else MQTTv311
        try:
            async with asyncio.timeout(timeout_s):
                await self.connect(
                    self._broker.host, self._broker.port, ssl=self._broker.tls_context() or False,
                    keepalive=KEEPALIVE_S, version=version,
                )  # fmt: skip
        except MQTTConnectError as error:
            raise BrokerRefused(str(error)) from None

    async def close(self) -> None:
        """Says goodbye, so that the broker need not find out by itself."""
        self.lost.set()
        self._fail_waiters()
        if self._connection is not None and not self._connection.is_closing():
            async with asyncio.timeout(5):
                await self.disconnect()

    async def subscribe_all(self, filters: Sequence[str], *, timeout_s: float = 10.0) -> dict[str, int]:
        """The SUBACK code of each filter: the granted QoS, or 0x80 and above for refused."""
        mid = self.subscribe([gmqtt.Subscription(text, qos=1) for text in filters])
        answer: asyncio.Future[tuple[int, ...]] = asyncio.get_running_loop().create_future()
        self._subscribing[mid] = answer
        async with asyncio.timeout(timeout_s):
            codes = await answer
        return dict(zip(filters, codes, strict=True))

    async def send(self, topic: str, payload: bytes, *, qos: int, retain: bool, timeout_s: float = 10.0) -> None:
        """Returns once the broker has it (QoS 1) or it is on its way (QoS 0). Raises OSError or TimeoutError."""
        if self.lost.is_set():
            raise ConnectionResetError("the connection to the broker is lost")
        mid, _ = self._connection.publish(gmqtt.Message(topic, payload, qos=qos, retain=retain))
        if qos == 0:
            return
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._publishing[mid] = acknowledged
        try:
            async with asyncio.timeout(timeout_s):
                await acknowledged
        finally:
            self._publishing.pop(mid, None)

    def acknowledge(self, messages: Sequence[Inbound]) -> None:
        """PUBACK for messages of this connection, in one write.

        After a loss it does nothing: the numbers mean other messages on the next connection.
        """
        if self.lost.is_set():
            return
        mids = [message.mid for message in messages if message.mid is not None]
        if mids:
            self._unacknowledged.difference_update(mids)
            self._connection.send_package(b"".join(map(_PUBACK.pack, repeat(0x40), repeat(2), mids)))

    def pause(self) -> bool:
        """Stops reading from the socket; TCP then slows the broker down, at QoS 0 too. False when it had stopped."""
        if self.lost.is_set():
            return False
        was_paused, self._paused = self._paused, True
        # Again each time: gmqtt's stream reader resumes the transport when its own small buffer has drained.
        self._connection._transport.pause_reading()
        return not was_paused

    def resume(self) -> None:
        if self._paused and not self.lost.is_set():
            self._paused = False
            self._connection._transport.resume_reading()

    # --- called by gmqtt -----------------------------------------------------------------------------------------

    def _allow_reconnect(self) -> bool:
        return False

    def _take_publish(self, command: int, packet: bytes) -> None:
        length = int.from_bytes(packet[:2], "big")
        at = 2 + length
        mid: int | None = None
        if command & 0x06:
            mid = int.from_bytes(packet[at : at + 2], "big")
            at += 2
            if mid in self._unacknowledged:
                return  # the broker grew impatient and sent it again: the first is still on its way to the bus
            self._unacknowledged.add(mid)
        payload = packet[at:]
        if self._is_v5:
            _, payload = self._package_handler._parse_properties(payload)
        topic = packet[2 : 2 + length].decode("utf-8", errors="replace")
        self._on_publish(Inbound(topic, payload or b"", bool(command & 0x01), self, mid))

    def _take_puback(self, command: int, packet: bytes) -> None:
        (mid,) = struct.unpack_from("!H", packet)
        self._package_handler.id_generator.free_id(mid)
        waiting = self._publishing.pop(mid, None)
        if waiting is None or waiting.done():
            return
        reason = packet[2] if len(packet) > 2 else 0
        if reason >= REFUSED:
            waiting.set_exception(PermissionError(f"the broker refused the message (code {reason:#x})"))
        else:
            waiting.set_result(None)

    def _take_suback(self, _client: Any, mid: int, codes: tuple[int, ...], _properties: Any) -> None:
        waiting = self._subscribing.pop(mid, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(codes)

    def _take_disconnect(self, _client: Any, _packet: Any, _error: Any = None) -> None:
        self.lost.set()
        self._fail_waiters()

    def _fail_waiters(self) -> None:
        waiters: list[asyncio.Future[Any]] = [*self._subscribing.values(), *self._publishing.values()]
        for waiting in waiters:
            if not waiting.done():
                waiting.set_exception(ConnectionResetError("the connection to the broker is lost"))
        self._subscribing.clear()
        self._publishing.clear()
