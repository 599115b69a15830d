"""Messages of durable consumers as soon as they come, with a bounded number under way.

nats-py's own `fetch(n)` either returns one message or waits out its time for the rest; a line that raises alarms can
afford neither. So the standing pull requests of the JetStream protocol are kept up here.
"""

import asyncio
import contextlib
import json
import re
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import nats.errors

from bus.answers import Answers
from bus.message import Message
from bus.wire import Take, Wire

REQUEST_EXPIRES_S = 30.0
HEARTBEAT_S = 5.0
REFUSED_PAUSE_S = 0.2
# The end of an answer comes with its last message; should it be lost, what came must not wait for it.
END_OF_ANSWER_S = 0.5

_HEARTBEAT, _NOTHING_THERE, _EXPIRED = b"100", b"404", b"408"
_STATUS = slice(9, 12)  # of b"NATS/1.0 404 No Messages"
_OWED = re.compile(rb"Nats-Pending-Messages: (\d+)")


@dataclass
class _Source:
    """One consumer: where its messages come in, and how many of those asked for are still to come."""

    consumer: str
    subscription: int | None = None
    inbox: str = ""
    outstanding: int = 0
    heard_at: float = field(default_factory=time.monotonic)
    ask_after: float = 0.0


class Pull:
    """Pulls from several consumers of one stream into one queue. `async with Pull(…) as pull: await pull.next(…)`

    It asks ahead, so that messages are here as soon as they are on the bus; with `gathers` only when `next` is called,
    for what is there then or else for the first that comes: for readers that let messages gather on the bus.
    """

    def __init__(
        self,
        wire: Wire,
        answers: Answers,
        *,
        stream: str,
        consumers: Sequence[str],
        max_messages: int,
        gathers: bool = False,
    ) -> None:
        self._wire = wire
        self._answers = answers
        self._stream = stream
        self._sources = [_Source(consumer) for consumer in consumers]
        self._window = max_messages
        self._gathers = gathers
        self._ready: deque[Message] = deque()
        self._arrived = asyncio.Event()

    async def __aenter__(self) -> Self:
        for source in self._sources:
            source.inbox = self._wire.new_inbox()
            source.subscription = await self._wire.subscribe(source.inbox, self._taker(source))
        return self

    async def __aexit__(self, *exc: object) -> None:
        for source in self._sources:
            if source.subscription is not None:
                with contextlib.suppress(nats.errors.Error):
                    await self._wire.unsubscribe(source.subscription)
        for message in self._ready:  # nobody will look at these here: another consumer need not wait for the time-out
            await message.nak()

    async def next(self, *, max_messages: int, max_wait_s: float) -> list[Message]:
        """What is there, at most `max_messages`; waits up to `max_wait_s` for the first; may be empty."""
        if not self._ready:
            await self._wait(max_wait_s)
        if self._gathers:
            await self._wait_for_end(max_messages)
        else:
            await self._top_up()
        return [self._ready.popleft() for _ in range(min(max_messages, len(self._ready)))]

    def ask_again(self) -> None:
        """After a reconnection: what was asked of the old connection will not be answered."""
        for source in self._sources:
            source.outstanding = 0
        self._arrived.set()

    async def _wait(self, max_wait_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max_wait_s):
                while not self._ready:
                    self._arrived.clear()
                    await self._top_up()
                    await self._arrived.wait()

    async def _wait_for_end(self, max_messages: int) -> None:
        """Until all that was there when we asked has come."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_OF_ANSWER_S):
                while 0 < len(self._ready) < max_messages and any(source.outstanding for source in self._sources):
                    self._arrived.clear()
                    await self._arrived.wait()

    async def _top_up(self) -> None:
        if not self._wire.is_connected:
            return  # what is asked now would all reach the bus when it is back; `ask_again` will do
        now = time.monotonic()
        # Half a window: enough under way to keep the line busy, and rarely a request of its own.
        enough = 0 if self._gathers else self._window // 2
        for source in self._sources:
            if now - source.heard_at > 2 * HEARTBEAT_S:
                source.outstanding, source.heard_at = 0, now
            if now < source.ask_after:
                continue
            if source.outstanding <= enough and len(self._ready) < self._window:
                await self._ask(source, self._window - source.outstanding)

    async def _ask(self, source: _Source, count: int) -> None:
        request = json.dumps(
            {
                "batch": count,
                "expires": int(REQUEST_EXPIRES_S * 1e9),
                "idle_heartbeat": int(HEARTBEAT_S * 1e9),
                "no_wait": self._gathers,
            }
        )
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{source.consumer}"
        source.outstanding += count
        with contextlib.suppress(nats.errors.Error):  # asked again once the connection is back
            await self._wire.send(f"PUB {subject} {source.inbox} {len(request)}\r\n{request}\r\n".encode())

    def _taker(self, source: _Source) -> Take:
        def take(subject: bytes, reply: bytes, header: bytes, payload: bytes) -> None:
            source.heard_at = time.monotonic()
            status = header[_STATUS] if not payload else b""
            if not status.isdigit():
                source.outstanding = max(0, source.outstanding - 1)
                self._ready.append(Message(subject, reply, payload, self._answers))
                self._arrived.set()
            elif status != _HEARTBEAT:  # anything else ends a request and says how many it still owed
                owed = _OWED.search(header)
                source.outstanding = max(0, source.outstanding - int(owed[1])) if owed else 0
                is_usual = status == _EXPIRED or (self._gathers and status == _NOTHING_THERE)
                source.ask_after = source.heard_at + (0.0 if is_usual else REFUSED_PAUSE_S)
                self._arrived.set()

        return take
