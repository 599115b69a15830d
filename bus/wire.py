"""The short way between the bus's connection and those who send or take thousands of messages a second.

Why: nats-py makes each message that comes an object with a parsed header and wakes a task for it, and each that goes a
coroutine of its own; that costs more than the hub's work with the message. Connecting, reconnecting and subscribing
stay nats-py's, and so do all messages of which there are few. What is used of its inside is used in this file only.
"""

from collections.abc import Callable, Mapping

import nats.errors
from nats.aio.client import DEFAULT_PENDING_SIZE, Client
from nats.aio.subscription import Subscription
from nats.protocol.parser import Parser

from kit.logs import logger

log = logger(__name__)

_LINE_END = b"\r\n"
_MESSAGES = (b"MSG ", b"HMSG ")

# (subject, reply or nothing, header or nothing, payload). Called by the loop that reads: it neither waits nor raises.
Take = Callable[[bytes, bytes, bytes, bytes], None]


class Wire:
    """What one connection sends at once and takes without a task. Made before the client connects."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._takers: dict[int, Take] = {}
        self._subscriptions: dict[int, Subscription] = {}
        client._ps = StraightParser(client, self._takers)

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected

    @property
    def largest_payload(self) -> int:
        """Bytes; more the server refuses."""
        return self._client.max_payload

    def new_inbox(self) -> str:
        """A subject that nobody else uses."""
        return self._client.new_inbox()

    async def subscribe(self, subject: str, take: Take) -> int:
        """Calls `take` for each message on `subject`, also after a reconnection, until `unsubscribe` of the number."""
        subscription = await self._client.subscribe(subject)
        self._takers[subscription._id] = take
        self._subscriptions[subscription._id] = subscription
        return subscription._id

    async def unsubscribe(self, number: int) -> None:
        """Raises nats.errors.Error when the connection is gone for good."""
        self._takers.pop(number)
        await self._subscriptions.pop(number).unsubscribe()

    async def send(self, commands: bytes) -> None:
        """Whole commands of the protocol, in one write. While the connection is away they wait for it.

        Raises nats.errors.Error when it is closed, or too much waits already.
        """
        client = self._client
        if client.is_closed:
            raise nats.errors.ConnectionClosedError
        if not client.is_connected and client.pending_data_size + len(commands) > DEFAULT_PENDING_SIZE:
            raise nats.errors.OutboundBufferLimitError
        await client._send_command(commands)
        if client._flush_queue is None or client._flush_queue.empty():
            await client._flush_pending()


class StraightParser(Parser):
    """nats-py's parser, but messages of some subscriptions (`takers`, by number) go straight to who takes them."""

    def __init__(self, client: Client, takers: Mapping[int, Take]) -> None:
        self._takers = takers
        self._resets = 0
        super().__init__(client)

    def reset(self) -> None:
        """A new connection: what the old one left unfinished is nothing."""
        super().reset()
        self._rest = bytearray()
        self._wanted = 0
        self._resets += 1

    async def parse(self, data: bytes = b"") -> None:
        """Every command that `data` completes, in order. Raises nats.errors.ProtocolError."""
        if self._rest:
            self._rest += data
            if len(self._rest) < self._wanted:
                return
            data = bytes(self._rest)
        resets, at = self._resets, 0
        while (stop := self._end_of_command(data, at)) <= len(data):
            if not self._is_taken(data, at, stop):
                await super().parse(data[at:stop])
                if self._resets != resets:
                    return
            at = stop
        self._rest = bytearray(data[at:])
        self._wanted = stop - at

    def _end_of_command(self, data: bytes, at: int) -> int:
        """Where the command at `at` ends; beyond the data while it is not whole."""
        line_end = data.find(_LINE_END, at)
        if line_end < 0:
            return len(data) + 1
        if data.startswith(_MESSAGES, at):
            return line_end + 4 + int(data[data.rfind(b" ", at, line_end) : line_end])
        return line_end + 2

    def _is_taken(self, data: bytes, at: int, stop: int) -> bool:
        if not data.startswith(_MESSAGES, at):
            return False
        line_end = data.find(_LINE_END, at)
        words = data[at:line_end].split()
        take = self._takers.get(int(words[2]))
        if take is None:
            return False
        has_header = words[0] == b"HMSG"
        body = line_end + 2
        payload = body + int(words[-2]) if has_header else body
        reply = words[3] if len(words) == (6 if has_header else 5) else b""
        try:
            take(words[1], reply, data[body:payload], data[payload : stop - 2])
        except Exception:  # whoever reads must go on reading; the message comes again, or its sender asks again
            log.exception("a message of the bus could not be taken", subject=words[1].decode(errors="replace"))
        return True
