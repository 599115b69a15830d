"""nats-py's connection, and what goes past it."""

import asyncio
from typing import Any, cast

import pytest
from nats.aio.client import Client

from bus.client import Bus
from bus.wire import StraightParser, Wire
from tests.conftest import LIVENESS_S

STREAM = (
    b'INFO {"max_payload":9}\r\n'
    b"MSG ours.1 7 5\r\nhello\r\n"
    b"PING\r\n"
    b"MSG ours.2 7 reply.here 7\r\na\r\nMSG \r\n"
    b"HMSG ours.3 7 $JS.ACK.x 16 19\r\nNATS/1.0\r\nA: b\r\nxyz\r\n"
    b"+OK\r\n"
    b"MSG theirs 8 3\r\nabc\r\n"
    b"HMSG ours.4 7 28 28\r\nNATS/1.0 404 No Messages\r\n\r\n\r\n"
    b"-ERR 'slow'\r\n"
    b"PONG\r\n"
)
TAKEN = [
    (b"ours.1", b"", b"", b"hello"),
    (b"ours.2", b"reply.here", b"", b"a\r\nMSG "),
    (b"ours.3", b"$JS.ACK.x", b"NATS/1.0\r\nA: b\r\n", b"xyz"),
    (b"ours.4", b"", b"NATS/1.0 404 No Messages\r\n\r\n", b""),
]
OTHERS = ["info {'max_payload': 9}", "ping", "msg 8 theirs abc", "err 'slow'", "pong"]


class RecordingClient:
    """What nats-py's parser calls."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def _process_info(self, info: dict[str, Any]) -> None:
        self.told.append(f"info {info}")

    async def _process_ping(self) -> None:
        self.told.append("ping")

    async def _process_pong(self) -> None:
        self.told.append("pong")

    async def _process_err(self, error: str) -> None:
        self.told.append(f"err {error}")

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, header: bytes) -> None:
        self.told.append(f"msg {sid} {subject.decode()} {data.decode()}")


class Straight:
    """A parser with one subscription, number 7, that takes."""

    def __init__(self) -> None:
        self.client = RecordingClient()
        self.taken: list[tuple[bytes, ...]] = []
        self.parser = StraightParser(cast(Client, self.client), {7: self._take})

    def _take(self, *message: bytes) -> None:
        self.taken.append(message)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20, 50, 1000])
async def test_however_the_stream_is_cut_everything_comes_once_and_in_order(size: int) -> None:
    straight = Straight()
    for start in range(0, len(STREAM), size):
        await straight.parser.parse(STREAM[start : start + size])
    assert straight.taken == TAKEN
    assert straight.client.told == OTHERS


async def test_what_a_lost_connection_left_unfinished_is_forgotten() -> None:
    straight = Straight()
    await straight.parser.parse(b"MSG ours.1 7 500\r\nhel")
    straight.parser.reset()
    await straight.parser.parse(STREAM)
    assert straight.taken == TAKEN


async def test_one_who_cannot_take_a_message_stops_nobody() -> None:
    straight = Straight()

    def break_down(*message: bytes) -> None:
        raise ValueError("not today")

    parser = StraightParser(cast(Client, straight.client), {7: break_down})
    await parser.parse(STREAM)
    assert straight.client.told == OTHERS


async def test_a_taker_hears_what_is_said_until_it_lets_go(bus: Bus) -> None:
    wire, heard = bus._wire, list[tuple[bytes, ...]]()
    number = await wire.subscribe("words.*", lambda *message: heard.append(message))
    await wire.send(b"PUB words.1 3\r\none\r\nPUB words.2 back 3\r\ntwo\r\n")
    async with asyncio.timeout(LIVENESS_S):
        while len(heard) < 2:
            await asyncio.sleep(0.01)
    assert heard == [(b"words.1", b"", b"", b"one"), (b"words.2", b"back", b"", b"two")]
    await wire.unsubscribe(number)
    await wire.send(b"PUB words.1 5\r\nthree\r\n")
    assert await bus._client.rtt() > 0
    assert len(heard) == 2


def test_the_parser_of_the_client_is_ours() -> None:
    """Newer versions of nats-py may keep it elsewhere: then nothing would come at all."""
    client = Client()
    Wire(client)
    assert isinstance(client._ps, StraightParser)
