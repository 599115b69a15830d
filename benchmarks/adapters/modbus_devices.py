"""Modbus TCP devices that cost next to nothing: every answer is made beforehand but for its number."""

import asyncio
import multiprocessing.connection
import random
import struct
from collections.abc import Sequence
from enum import StrEnum
from typing import cast

import uvloop

_QUESTION_BYTES = 12


class Manner(StrEnum):
    HEALTHY = "healthy"
    DEAD = "dead"  # takes the connection and every question, and says nothing
    GARBLING = "garbling"  # wrong numbers, wrong units, cut and senseless frames, in turns


class Device(asyncio.Protocol):
    """One connection. Holding registers count up from 0."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._transport: asyncio.Transport | None = None
        self._random = random.Random(1)  # noqa: S311 - senseless frames, the same in every run

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        for start in range(0, len(data), _QUESTION_BYTES):
            question = data[start : start + _QUESTION_BYTES]
            if self._manner is not Manner.DEAD:
                self._transport.write(self._answer(question))

    def _answer(self, question: bytes) -> bytes:
        count = question[10] << 8 | question[11]
        usual = question[:4] + struct.pack("!HBBB", 3 + 2 * count, question[6], 3, 2 * count) + _REGISTERS[: 2 * count]
        if self._manner is Manner.HEALTHY:
            return usual
        garbled = (
            bytes([question[0] ^ 0x55]) + usual[1:],  # another question's number
            usual[:6] + bytes([question[6] ^ 1]) + usual[7:],  # another unit
            usual[: len(usual) // 2],  # the half of it
            self._random.randbytes(40),
            question[:4] + b"\0\3" + bytes([question[6], 0x83, 0x04]),  # an exception: the device has failed
        )
        return garbled[self._random.randrange(len(garbled))]


_REGISTERS = b"".join(number.to_bytes(2, "big") for number in range(125))


def serve(manners: Sequence[Manner], hosts: Sequence[str], ready: multiprocessing.connection.Connection) -> None:
    """Device n listens at `hosts[n]`, all on one free port, which is sent to `ready`. Until it is ended."""
    uvloop.run(_serve(manners, hosts, ready))


async def _serve(manners: Sequence[Manner], hosts: Sequence[str], ready: multiprocessing.connection.Connection) -> None:
    loop = asyncio.get_running_loop()
    port = 0
    for manner, host in zip(manners, hosts, strict=True):
        server = await loop.create_server(lambda manner=manner: Device(manner), host, port)  # type: ignore[misc]
        port = server.sockets[0].getsockname()[1]
    ready.send(port)
    await asyncio.Event().wait()
