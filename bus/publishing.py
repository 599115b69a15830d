"""Putting messages into streams: many in one write, and the sequences under which the bus keeps them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_urlsafe

import msgspec
import nats.errors

from bus.wire import Wire

_HEADER = b"NATS/1.0\r\nNats-Msg-Id: %b\r\n\r\n"
_HEADER_BYTES = len(_HEADER % b"")  # of a message without an id


class NotKept(RuntimeError):
    """The bus did not take a message. It may be sent again, with the same id."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message for a stream. The bus keeps one of those that carry the same id within two minutes."""

    subject: bytes
    payload: bytes
    message_id: bytes

    @property
    def size(self) -> int:
        """Bytes as the server counts them against its limit: the header too."""
        return _HEADER_BYTES + len(self.message_id) + len(self.payload)


class _Fault(msgspec.Struct):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _PubAck(msgspec.Struct):
    """https://docs.nats.io, "JetStream wire API reference": io.nats.jetstream.api.v1.pub_ack_response"""

    seq: int = 0
    error: _Fault | None = None


class _Attempt:
    """One write: a place for each message's answer, and a future that is done when none is missing."""

    __slots__ = ("answers", "done", "missing")

    def __init__(self, messages: int) -> None:
        self.answers: list[int | NotKept] = [NotKept("no answer in time")] * messages
        self.missing = messages
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(self, place: int, answer: int | NotKept) -> None:
        self.answers[place] = answer
        self.missing -= 1
        if not self.missing and not self.done.done():
            self.done.set_result(None)


class Publishing:
    """`open` once connected, then `attempt`."""

    def __init__(self, wire: Wire, *, timeout_s: float) -> None:
        self._wire = wire
        self._timeout_s = timeout_s
        self._ids = token_urlsafe(12)
        self._last_id = 0
        self._last_reply = 0
        self._inbox = b""
        self._waiting: dict[int, tuple[_Attempt, int]] = {}
        self._decode = msgspec.json.Decoder(_PubAck).decode

    async def open(self) -> None:
        inbox = self._wire.new_inbox()
        self._inbox = inbox.encode()
        await self._wire.subscribe(f"{inbox}.*", self._take)

    def outgoing(self, subject: str, payload: bytes) -> Outgoing:
        """A message with an id that no other message has, of this process or any other, before or after."""
        self._last_id += 1
        return Outgoing(subject.encode(), payload, f"{self._ids}{self._last_id:x}".encode())

    async def attempt(self, messages: Sequence[Outgoing]) -> list[int | NotKept]:
        """Sends each once, all in one write; the sequence the bus keeps each under, or why it does not.

        Raises nats.errors.Error when nothing could be sent, MaxPayloadError among them.
        """
        if max(message.size for message in messages) > self._wire.largest_payload:
            raise nats.errors.MaxPayloadError
        if not self._wire.is_connected:
            raise nats.errors.ConnectionReconnectingError
        attempt, first = _Attempt(len(messages)), self._last_reply + 1
        self._last_reply += len(messages)
        numbers = range(first, first + len(messages))
        self._waiting.update({number: (attempt, place) for place, number in enumerate(numbers)})
        try:
            await self._wire.send(b"".join(map(self._command, messages, numbers)))
            async with asyncio.timeout(self._timeout_s):
                await attempt.done
        except TimeoutError:
            pass  # said by the answers that are missing
        finally:
            for number in numbers:
                self._waiting.pop(number, None)
        return attempt.answers

    def connection_was_lost(self) -> None:
        """What was sent on the old connection will not be answered."""
        waiting, self._waiting = self._waiting, {}
        for attempt, place in waiting.values():
            attempt.settle(place, NotKept("the connection was lost"))

    def _command(self, message: Outgoing, number: int) -> bytes:
        header = _HEADER % message.message_id
        return b"HPUB %b %b.%d %d %d\r\n%b%b\r\n" % (
            message.subject, self._inbox, number, len(header), message.size, header, message.payload,
        )  # fmt: skip

    def _take(self, subject: bytes, reply: bytes, header: bytes, payload: bytes) -> None:
        waiting = self._waiting.pop(int(subject[len(self._inbox) + 1 :]), None)
        if waiting is None:
            return  # too late: it was sent again meanwhile, with the same id
        attempt, place = waiting
        attempt.settle(place, self._answer(header, payload))

    def _answer(self, header: bytes, payload: bytes) -> int | NotKept:
        if not payload:  # status 503: no stream takes this subject, or its cluster has no leader just now
            return NotKept(f"no stream answers ({header[9:12].decode(errors='replace')})")
        try:
            told = self._decode(payload)
        except msgspec.DecodeError as error:
            return NotKept(f"an answer that cannot be read: {error}")
        if told.error is not None:
            return NotKept(f"{told.error.description} ({told.error.code}, {told.error.err_code})")
        return told.seq
