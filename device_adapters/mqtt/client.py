"""One MQTT connection: nothing is acknowledged but by us, one connection a life, no reconnecting of its own.

Why our own: a message costs a few microseconds here, clients that make an object a packet take five times as much; and
PUBACK is ours to send once the bus has what the message said. See `device_adapters.mqtt.session` for reconnecting.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Self, cast

from device_adapters.mqtt import packets
from device_adapters.mqtt.broker import Broker, MqttVersion
from device_adapters.mqtt.packets import REFUSED, REPEATED, Hello, Kind, MalformedPacket, Packet, PacketReader, Publish
from kit.logs import logger

log = logger(__name__)

# The broker is told so; we speak much more often, to notice within seconds that nobody is there any more.
KEEPALIVE_S = 30
PING_EVERY_S = 4.0
SILENT_FOR_S = 14.0
# As much as a read of the socket brings when there is more: about a thousand messages, some milliseconds of work.
A_LOT_BYTES = 128 * 1024
# An MQTT 5 broker keeps the session this long while the hub is away; a 3.1.1 broker as its own settings say.
SESSION_EXPIRY_S = 7 * 24 * 3600

OnPublish = Callable[["Connection", list[Publish]], None]


class BrokerRefused(ConnectionError):
    """The broker answered CONNECT with a refusal: wrong password, not authorised, …"""


class Connection(asyncio.Protocol):
    """`await open()`, `await subscribe_all(filters)`, then `on_publish` is called until `lost` is set.

    Whoever gets a Publish calls `acknowledge` with its number once it is safe; until then the broker sends it again
    after a loss. A message that the broker repeats meanwhile is left out. `reason` says why the connection was lost.
    """

    def __init__(self, broker: Broker, *, client_id: str, on_publish: OnPublish, persistent: bool) -> None:
        self.lost = asyncio.Event()
        self.reason = "connection lost"
        self.session_present = False
        self._broker = broker
        self._client_id = client_id
        self._on_publish = on_publish
        self._persistent = persistent
        self._is_v5 = broker.version is MqttVersion.V5
        self._reader = PacketReader(is_v5=self._is_v5)
        self._transport: asyncio.Transport | None = None
        self._welcomed: asyncio.Future[bytes] | None = None
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._last_mid = 0
        self._room = asyncio.Semaphore(0)
        self._unacknowledged: set[bytes] = set()
        self._settled: list[bytes] = []
        self._paused = False
        self._heard_at = 0.0
        self._pinging: asyncio.TimerHandle | None = None

    @property
    def unacknowledged(self) -> int:
        """Messages received that the broker is still to be told of."""
        return len(self._unacknowledged)

    async def open(self, *, timeout_s: float = 10.0) -> None:
        """Raises OSError (BrokerRefused among them) or TimeoutError."""
        loop = asyncio.get_running_loop()
        self._welcomed = loop.create_future()
        tls = self._broker.tls_context()
        async with asyncio.timeout(timeout_s):
            await loop.create_connection(self._itself, self._broker.host, self._broker.port, ssl=tls)
            self._write(packets.connect(self._hello(), is_v5=self._is_v5))
            welcome = packets.read_connack(await self._welcomed, is_v5=self._is_v5)
        if welcome.code:
            raise BrokerRefused(welcome.reason)
        self.session_present = welcome.session_present
        self._room = asyncio.Semaphore(welcome.receive_maximum)
        self._ping(min(PING_EVERY_S, (welcome.keepalive_s or KEEPALIVE_S) / 2))

    async def close(self) -> None:
        """Says goodbye, so that the broker need not find out by itself."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._pinging is not None:
            self._pinging.cancel()
        self._write(packets.disconnect())
        transport.close()
        try:
            async with asyncio.timeout(5):
                await self.lost.wait()
        except TimeoutError:
            transport.abort()

    async def subscribe_all(self, filters: Sequence[str], *, timeout_s: float = 10.0) -> dict[str, int]:
        """The SUBACK code of each filter: the granted QoS, or 0x80 and above for refused."""
        mid, answer = self._expect_answer()
        self._write(packets.subscribe(mid, filters, qos=1, is_v5=self._is_v5))
        codes = await self._answer(mid, answer, timeout_s=timeout_s)
        return dict(zip(filters, codes, strict=True))

    async def unsubscribe_all(self, filters: Sequence[str], *, timeout_s: float = 10.0) -> None:
        mid, answer = self._expect_answer()
        self._write(packets.unsubscribe(mid, filters, is_v5=self._is_v5))
        await self._answer(mid, answer, timeout_s=timeout_s)

    async def send(self, topic: str, payload: bytes, *, qos: int, retain: bool, timeout_s: float = 10.0) -> None:
        """Returns once the broker has it (QoS 1) or it is on its way (QoS 0). Raises OSError or TimeoutError."""
        if qos == 0:
            self._write(packets.publish(topic, payload, mid=None, retain=retain, is_v5=self._is_v5))
            return
        async with asyncio.timeout(timeout_s), self._room:
            mid, answer = self._expect_answer()
            self._write(packets.publish(topic, payload, mid=mid, retain=retain, is_v5=self._is_v5))
            code = await self._answer(mid, answer, timeout_s=timeout_s)
        if code >= REFUSED:
            raise PermissionError(f"the broker refused the message (code {code:#x})")

    def acknowledge(self, mids: Sequence[bytes]) -> None:
        """PUBACK for messages of this connection, in one write.

        After a loss it does nothing: the numbers mean other messages on the next connection.
        """
        if mids and not self.lost.is_set():
            self._unacknowledged.difference_update(mids)
            self._write(packets.pubacks(mids))

    def acknowledge_soon(self, mid: bytes) -> None:
        """As `acknowledge`, in one write with those of the same turn of the event loop. No number: nothing to do."""
        if not mid:
            return
        if not self._settled:
            asyncio.get_running_loop().call_soon(self._acknowledge_settled)
        self._settled.append(mid)

    def pause(self) -> bool:
        """Stops reading from the socket; TCP then slows the broker down, at QoS 0 too. False when it had stopped."""
        if self._paused or self._transport is None or self.lost.is_set():
            return False
        self._paused = True
        self._transport.pause_reading()
        return True

    def resume(self) -> None:
        if not self._paused or self._transport is None or self.lost.is_set():
            return
        self._paused = False
        self._heard_at = asyncio.get_running_loop().time()
        self._transport.resume_reading()

    def give_up(self, reason: str) -> None:
        """Ends the connection at once: the broker sends again what is not acknowledged."""
        self.reason = reason
        if self._transport is not None:
            self._transport.abort()

    # --- called by the event loop ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._heard_at = loop.time()
        try:
            publishes, others = self._reader.feed(data)
            for packet in others:
                self._take(packet)
            if publishes:
                self._on_publish(self, self._new_ones(publishes))
            if len(data) >= A_LOT_BYTES and self._transport is not None:
                # The event loop would read on for as long as there is something; others have work as well.
                self._transport.pause_reading()
                loop.call_soon(self._read_on)
        except MalformedPacket as error:
            self.give_up(str(error))
        except Exception as error:  # what came stays unacknowledged and comes again on the next connection
            log.exception("messages could not be read", broker=self._broker.name)
            self.give_up(repr(error))

    def connection_lost(self, error: Exception | None) -> None:
        if self._pinging is not None:
            self._pinging.cancel()
        if error is not None:
            self.reason = str(error) or type(error).__name__
        self.lost.set()
        gone = ConnectionResetError(self.reason)
        waiting: list[asyncio.Future[Any]] = list(self._answers.values())
        for answer in waiting if self._welcomed is None else [self._welcomed, *waiting]:
            if not answer.done():
                answer.set_exception(gone)
        self._answers.clear()

    # --- inside ------------------------------------------------------------------------------------------------------

    def _itself(self) -> Self:
        return self

    def _hello(self) -> Hello:
        return Hello(
            client_id=self._client_id,
            username=self._broker.username,
            password=self._broker.password,
            keepalive_s=KEEPALIVE_S,
            clean=not self._persistent,
            session_expiry_s=SESSION_EXPIRY_S if self._persistent else None,
        )

    def _acknowledge_settled(self) -> None:
        mids, self._settled = self._settled, []
        self.acknowledge(mids)

    def _new_ones(self, publishes: list[Publish]) -> list[Publish]:
        """Without those that the broker repeats while the first is still on its way to the bus.

        By its number alone a message is no repetition: Mosquitto 2.0.11 has been seen to give numbers again that are
        still in use, to other messages, when it has very many under way.
        """
        known = self._unacknowledged
        if not [True for one in publishes if one[0] & REPEATED]:
            known.update([mid for _, _, mid, _ in publishes if mid])
            return publishes
        fresh: list[Publish] = []
        for one in publishes:
            if not one[0] & REPEATED or one[2] not in known:
                fresh.append(one)
                known.update([one[2]] if one[2] else ())
        return fresh

    def _read_on(self) -> None:
        if not self._paused and self._transport is not None and not self.lost.is_set():
            self._transport.resume_reading()

    def _take(self, packet: Packet) -> None:
        match packet.kind:
            case Kind.CONNACK:
                assert self._welcomed is not None
                if not self._welcomed.done():
                    self._welcomed.set_result(packet.body)
            case Kind.PUBACK:
                self._settle(*packets.read_puback(packet.body))
            case Kind.SUBACK | Kind.UNSUBACK:
                self._settle(*packets.read_suback(packet.body, is_v5=self._is_v5))
            case Kind.DISCONNECT:
                self.give_up(packets.read_disconnect(packet.body))
            case Kind.PINGRESP:
                pass
            case other:
                raise MalformedPacket(f"a broker has no business to send packets of kind {other}")

    def _settle(self, mid: int, result: Any) -> None:
        answer = self._answers.get(mid)
        if answer is not None and not answer.done():
            answer.set_result(result)

    def _expect_answer(self) -> tuple[int, asyncio.Future[Any]]:
        """A packet identifier that is free, and what its answer will be."""
        if self.lost.is_set():
            raise ConnectionResetError(self.reason)
        mid = self._last_mid % 0xFFFF + 1
        while mid in self._answers:
            mid = mid % 0xFFFF + 1
        self._last_mid = mid
        answer = self._answers[mid] = asyncio.get_running_loop().create_future()
        return mid, answer

    async def _answer(self, mid: int, answer: asyncio.Future[Any], *, timeout_s: float) -> Any:
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        finally:
            self._answers.pop(mid, None)

    def _write(self, data: bytes) -> None:
        if self.lost.is_set() or self._transport is None:
            raise ConnectionResetError(self.reason)
        try:
            self._transport.write(data)
        except RuntimeError as error:  # uvloop's word for a transport that it closed while we were being cancelled
            raise ConnectionResetError(self.reason or str(error)) from error

    def _ping(self, every_s: float) -> None:
        """Asks whether anybody is there; a broker that says nothing at all for `SILENT_FOR_S` is given up."""
        loop = asyncio.get_running_loop()
        silent_s = loop.time() - self._heard_at
        if silent_s > SILENT_FOR_S and not self._paused:
            self.give_up(f"the broker has been silent for {silent_s:.0f} s")
            return
        with contextlib.suppress(OSError):
            self._write(packets.pingreq())
        self._pinging = loop.call_later(every_s, self._ping, every_s)
