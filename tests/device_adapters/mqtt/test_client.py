"""One connection against a broker that a test plays by hand: what real brokers do rarely, or wrongly."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from device_adapters.mqtt import client as client_module
from device_adapters.mqtt import packets
from device_adapters.mqtt.broker import Broker, MqttVersion
from device_adapters.mqtt.client import BrokerRefused, Connection
from device_adapters.mqtt.packets import REPEATED, Kind, Packet, PacketReader, Publish
from device_adapters.mqtt.session import Session
from tests.conftest import LIVENESS_S
from tests.device_adapters.mqtt.rig import until

WELCOME = b"\x20\x02\x00\x00"
WELCOME_BACK = b"\x20\x02\x01\x00"


class Played:
    """The broker's side of its connections: what it was told, and how to tell the client something."""

    def __init__(self) -> None:
        self.heard: list[Packet] = []
        self.writers: list[asyncio.StreamWriter] = []

    def kinds(self) -> list[int]:
        return [packet.kind for packet in self.heard]

    def say(self, data: bytes) -> None:
        self.writers[-1].write(data)


@asynccontextmanager
async def played(
    answer: Callable[[Played, Packet], Awaitable[bytes]], *, version: MqttVersion = MqttVersion.V311
) -> AsyncIterator[tuple[Played, Broker]]:
    """A broker that answers each packet with what `answer` makes of it."""
    side = Played()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        side.writers.append(writer)
        packets_in = PacketReader(is_v5=version is MqttVersion.V5)
        while data := await reader.read(65_536):
            for packet in packets_in.feed(data)[1]:
                side.heard.append(packet)
                writer.write(await answer(side, packet))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield side, Broker(name="played", host="127.0.0.1", port=port, version=version)
    finally:
        for writer in side.writers:
            writer.close()
        server.close()


async def usual(side: Played, packet: Packet) -> bytes:
    match packet.kind:
        case Kind.CONNECT:
            return WELCOME
        case Kind.SUBSCRIBE:
            granted = bytes([1]) * filters_in(packet)
            return b"\x90" + bytes([2 + len(granted)]) + packet.body[:2] + granted
        case Kind.UNSUBSCRIBE:
            return b"\xb0\x02" + packet.body[:2]
        case Kind.PINGREQ:
            return b"\xd0\x00"
        case _:
            return b""


def filters_in(packet: Packet) -> int:
    at, count = 2, 0
    while at < len(packet.body):
        at += 2 + int.from_bytes(packet.body[at : at + 2], "big") + 1
        count += 1
    return count


def message(payload: bytes, *, mid: int, repeated: bool = False) -> bytes:
    encoded = packets.publish("t", payload, mid=mid, retain=False, is_v5=False)
    return bytes([encoded[0] | (REPEATED if repeated else 0)]) + encoded[1:]


@asynccontextmanager
async def connected(broker: Broker, taken: list[Publish]) -> AsyncIterator[Connection]:
    connection = Connection(
        broker, client_id="hub", on_publish=lambda _, publishes: taken.extend(publishes), persistent=True
    )
    await connection.open()
    try:
        yield connection
    finally:
        await connection.close()


async def test_a_message_repeated_while_on_its_way_is_read_once_and_again_after_it_was_acknowledged() -> None:
    taken: list[Publish] = []
    async with played(usual) as (side, broker), connected(broker, taken) as connection:
        side.say(message(b"1", mid=7) + message(b"1", mid=7, repeated=True))
        await until(lambda: len(taken) == 1)
        connection.acknowledge([taken[0][2]])
        side.say(message(b"2", mid=7, repeated=True))
        await until(lambda: [payload for _, _, _, payload in taken] == [b"1", b"2"])


async def test_a_number_that_the_broker_uses_twice_means_two_messages() -> None:
    taken: list[Publish] = []
    async with played(usual) as (side, broker), connected(broker, taken):
        side.say(message(b"1", mid=7) + message(b"2", mid=7))
        await until(lambda: [payload for _, _, _, payload in taken] == [b"1", b"2"])


async def test_acknowledgements_of_one_turn_are_one_write() -> None:
    taken: list[Publish] = []
    async with played(usual) as (side, broker), connected(broker, taken) as connection:
        side.say(message(b"1", mid=1) + message(b"2", mid=2))
        await until(lambda: len(taken) == 2)
        for _, _, mid, _ in taken:
            connection.acknowledge_soon(mid)
        await until(lambda: side.kinds().count(Kind.PUBACK) == 2)
        assert connection.unacknowledged == 0


async def test_a_broker_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PING_EVERY_S", 0.05)
    monkeypatch.setattr(client_module, "SILENT_FOR_S", 0.3)

    async def silent(side: Played, packet: Packet) -> bytes:
        return WELCOME if packet.kind == Kind.CONNECT else b""

    async with played(silent) as (_, broker), connected(broker, []) as connection:
        await asyncio.wait_for(connection.lost.wait(), LIVENESS_S)
        assert "silent" in connection.reason


async def test_a_broker_that_answers_pings_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PING_EVERY_S", 0.02)
    async with played(usual) as (side, broker), connected(broker, []) as connection:
        await until(lambda: side.kinds().count(Kind.PINGREQ) > 3)
        assert not connection.lost.is_set()


async def test_whoever_takes_the_session_over_is_named_as_the_reason() -> None:
    async def welcome_v5(side: Played, packet: Packet) -> bytes:
        return b"\x20\x03\x00\x00\x00" if packet.kind == Kind.CONNECT else b""

    async with played(welcome_v5, version=MqttVersion.V5) as (side, broker), connected(broker, []) as connection:
        side.say(b"\xe0\x02\x8e\x00")
        await asyncio.wait_for(connection.lost.wait(), LIVENESS_S)
        assert "client_id" in connection.reason


@pytest.mark.parametrize("nonsense", [b"\x30\x02\x00\x09", b"\x34\x05\x00\x01t\x00\x01", b"\x10\x00"])
async def test_what_is_no_mqtt_ends_the_connection(nonsense: bytes) -> None:
    async with played(usual) as (side, broker), connected(broker, []) as connection:
        side.say(nonsense)
        await asyncio.wait_for(connection.lost.wait(), LIVENESS_S)


async def test_a_refusal_is_said_in_words() -> None:
    async def refuse(side: Played, packet: Packet) -> bytes:
        return b"\x20\x02\x00\x04"

    async with played(refuse) as (_, broker):
        connection = Connection(broker, client_id="hub", on_publish=lambda *_: None, persistent=False)
        with pytest.raises(BrokerRefused, match="password"):
            await connection.open()
        await connection.close()


async def test_what_waits_for_an_answer_hears_of_the_loss() -> None:
    async with played(usual) as (side, broker), connected(broker, []) as connection:
        sending = asyncio.create_task(connection.send("t", b"alarm", qos=1, retain=False, timeout_s=LIVENESS_S))
        await asyncio.sleep(0.05)
        side.writers[-1].transport.abort()
        with pytest.raises(ConnectionResetError):
            await sending
        with pytest.raises(ConnectionResetError):
            await connection.send("t", b"alarm", qos=0, retain=False)


class Told:
    def __init__(self) -> None:
        self.said: list[str] = []

    def up(self) -> None:
        self.said.append("up")

    def down(self, reason: str) -> None:
        self.said.append("down")

    def forgotten(self) -> None:
        self.said.append("forgotten")


async def test_a_session_that_the_broker_forgot_is_told_and_one_it_kept_is_cleared_of_former_filters() -> None:
    async def forgetful(side: Played, packet: Packet) -> bytes:
        if packet.kind == Kind.CONNECT:
            return WELCOME if side.kinds().count(Kind.CONNECT) < 3 else WELCOME_BACK
        return await usual(side, packet)

    told = Told()
    async with played(forgetful) as (side, broker):
        filters = {"new/+": None}
        session = Session(
            broker, client_id="hub", filters=lambda: filters, former=lambda: ["old/+", "new/+"],
            on_publish=lambda *_: None, state=told, first_wait_s=0.01,
        )  # fmt: skip
        running = asyncio.create_task(session.run())
        for round_no in (1, 2):
            await until(lambda count=round_no: told.said.count("up") == count)  # type: ignore[misc]
            assert session.settled is filters
            side.writers[-1].transport.abort()
        await until(lambda: told.said.count("up") == 3)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert told.said == ["up", "down", "forgotten", "up", "down", "up"]
    given_up = [packet.body for packet in side.heard if packet.kind == Kind.UNSUBSCRIBE]
    assert [body[2:] for body in given_up] == [b"\x00\x05old/+"]


async def test_filters_that_are_no_longer_wanted_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device_adapters.mqtt.session.LOOK_FOR_NEW_FILTERS_S", 0.02)
    wanted = ["a", "b"]
    async with played(usual) as (side, broker):
        session = Session(
            broker, client_id="hub", filters=lambda: list(wanted), former=list, on_publish=lambda *_: None,
            state=Told(),
        )  # fmt: skip
        running = asyncio.create_task(session.run())
        await until(lambda: Kind.SUBSCRIBE in side.kinds())
        wanted.remove("a")
        await until(lambda: Kind.UNSUBSCRIBE in side.kinds())
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    [given_up] = [packet.body[2:] for packet in side.heard if packet.kind == Kind.UNSUBSCRIBE]
    assert given_up == b"\x00\x01a"
