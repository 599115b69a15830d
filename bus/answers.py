"""What readers tell the bus of messages they were given: gathered for a moment, so that many go in one write."""

import asyncio
import contextlib

import nats.errors

from bus.wire import Wire

# An acknowledgement that comes later keeps nobody waiting; one that is lost in a crash means one more delivery.
GATHER_S = 0.05


class Answers:
    """`soon` is sent within `GATHER_S`, `now` at once, and before it what waits; `flush` before the connection ends."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._waiting: list[bytes] = []
        self._sending: asyncio.Task[None] | None = None

    def soon(self, reply: bytes, word: bytes) -> None:
        self._waiting.append(_command(reply, word))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_later(), name="bus answers")

    async def now(self, reply: bytes, word: bytes) -> None:
        self._waiting.append(_command(reply, word))
        await self.flush()

    async def flush(self) -> None:
        commands, self._waiting = self._waiting, []
        if commands:
            with contextlib.suppress(nats.errors.Error):  # then they are delivered once more
                await self._wire.send(b"".join(commands))

    async def close(self) -> None:
        """Sends what waits."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        await self.flush()

    async def _send_later(self) -> None:
        await asyncio.sleep(GATHER_S)
        self._sending = None
        await self.flush()


def _command(reply: bytes, word: bytes) -> bytes:
    return b"PUB %b %d\r\n%b\r\n" % (reply, len(word), word)
