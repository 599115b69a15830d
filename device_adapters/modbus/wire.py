"""One socket to a Modbus device or gateway: one question at a time, its answer or a reason why there is none.

Frames are pymodbus' (`FramerSocket`, `FramerRTU`). Its transaction layer is not used: it takes several times as long
for a read as everything else of it together, and it waits for another answer where a wrong one came.
"""

import asyncio
from typing import Any, Self, cast

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU

# The longest frame there is, with room for what may follow it: beyond that it is no Modbus.
LONGEST_FRAME_BYTES = 512


class NoAnswer(Exception):
    """The answer did not come, came late or made no sense. The socket must be closed: a late answer that stays in it
    would be taken for the answer to the next question."""


class Wire(asyncio.Protocol):
    """`await Wire.opened(host, port, is_rtu=…)`, then `ask` as often as `is_open`."""

    def __init__(self, *, is_rtu: bool) -> None:
        self._framer = (FramerRTU if is_rtu else FramerSocket)(DecodePDU(is_server=False))
        self._is_rtu = is_rtu
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._asked = (0, 0)
        self._answer: asyncio.Future[bytes] | None = None
        self._number = 0

    @classmethod
    async def opened(cls, host: str, port: int, *, is_rtu: bool) -> Self:
        """Raises OSError."""
        wire = cls(is_rtu=is_rtu)
        await asyncio.get_running_loop().create_connection(lambda: wire, host, port)
        return wire

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, unit: int, question: bytes, *, timeout_s: float) -> bytes:
        """The answer's function code and data. Raises NoAnswer; the wire is closed then."""
        if self._transport is None or not self.is_open:
            raise NoAnswer("the connection is gone")
        loop = asyncio.get_running_loop()
        self._number = self._number % 0xFFFF + 1
        self._asked = (unit, 0 if self._is_rtu else self._number)
        answer: asyncio.Future[bytes] = loop.create_future()
        self._answer = answer
        deadline = loop.call_later(timeout_s, self._fail, f"no answer within {timeout_s:g} s")
        self._transport.write(self._framer.encode(question, unit, self._number))
        try:
            return await answer
        finally:
            deadline.cancel()
            self._answer = None

    def close(self) -> None:
        self._fail("closed")

    # --- called by the event loop ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        data = self._received + data
        try:
            used, unit, number, answer = self._framer.decode(data)
        except (ModbusException, IndexError) as error:
            self._fail(f"garbage: {error}")
            return
        if not used and len(data) <= LONGEST_FRAME_BYTES:
            self._received = data
            return
        if not answer or used != len(data) or self._answer is None or (unit, number) != self._asked:
            self._fail("an answer to another question, or garbage")
            return
        self._received = b""
        if not self._answer.done():
            self._answer.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"the connection is gone: {error or 'closed by the device'}")

    def _fail(self, *reasons: Any) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(NoAnswer(*reasons))
        if self._transport is not None:
            self._transport.abort()
