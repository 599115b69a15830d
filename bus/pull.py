"""Messages of durable consumers as soon as they come, with a bounded number under way.

nats-py's own `fetch(n)` either returns one message or waits out its time for the rest; a line that raises alarms can
afford neither. So the standing pull requests of the JetStream protocol are kept up here.
"""

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

REQUEST_EXPIRES_S = 30.0
HEARTBEAT_S = 5.0
REFUSED_PAUSE_S = 0.2


@dataclass
class _Source:
    """One consumer: where its messages come in, and how many of those asked for are still to come."""

    consumer: str
    subscription: Subscription | None = None
    inbox: str = ""
    outstanding: int = 0
    heard_at: float = field(default_factory=time.monotonic)
    ask_after: float = 0.0


class Pull:
    """Pulls from several consumers of one stream into one queue. `async with Pull(…) as pull: await pull.next(…)`"""

    def __init__(self, client: Client, *, stream: str, consumers: Sequence[str], max_messages: int) -> None:
        self._client = client
        self._stream = stream
        self._sources = [_Source(consumer) for consumer in consumers]
        self._window = max_messages
        self._ready: deque[Msg] = deque()
        self._arrived = asyncio.Event()

    async def __aenter__(self) -> Self:
        for source in self._sources:
            source.inbox = self._client.new_inbox()
            source.subscription = await self._client.subscribe(source.inbox, cb=self._receiver(source))
        return self

    async def __aexit__(self, *exc: object) -> None:
        for source in self._sources:
            if source.subscription is not None:
                with contextlib.suppress(nats.errors.Error):
                    await source.subscription.unsubscribe()
        for message in self._ready:  # nobody will look at these here: another consumer need not wait for the time-out
            with contextlib.suppress(nats.errors.Error):
                await message.nak()

    async def next(self, *, max_messages: int, max_wait_s: float) -> list[Msg]:
        """What is there, at most `max_messages`; waits up to `max_wait_s` for the first; may be empty."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max_wait_s):
                while not self._ready:
                    self._arrived.clear()
                    await self._top_up()
                    await self._arrived.wait()
        await self._top_up()
        return [self._ready.popleft() for _ in range(min(max_messages, len(self._ready)))]

    def ask_again(self) -> None:
        """After a reconnection: what was asked of the old connection will not be answered."""
        for source in self._sources:
            source.outstanding = 0
        self._arrived.set()

    async def _top_up(self) -> None:
        now = time.monotonic()
        for source in self._sources:
            if now - source.heard_at > 2 * HEARTBEAT_S:
                source.outstanding, source.heard_at = 0, now
            if now < source.ask_after:
                continue
            # Half a window: enough under way to keep the line busy, and rarely a request of its own.
            if source.outstanding <= self._window // 2 and len(self._ready) < self._window:
                await self._ask(source, self._window - source.outstanding)

    async def _ask(self, source: _Source, count: int) -> None:
        request = {
            "batch": count,
            "expires": int(REQUEST_EXPIRES_S * 1e9),
            "idle_heartbeat": int(HEARTBEAT_S * 1e9),
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{source.consumer}"
        source.outstanding += count
        with contextlib.suppress(nats.errors.Error):  # asked again once the connection is back
            await self._client.publish(subject, json.dumps(request).encode(), reply=source.inbox)

    def _receiver(self, source: _Source) -> Callable[[Msg], Awaitable[None]]:
        async def receive(message: Msg) -> None:
            source.heard_at = time.monotonic()
            headers = message.headers or {}
            status = headers.get("Status") if not message.data else None
            if status is None:
                source.outstanding = max(0, source.outstanding - 1)
                self._ready.append(message)
                self._arrived.set()
            elif status != "100":  # 100 is a heartbeat; anything else ends a request and says how many it still owed
                owed = int(headers.get("Nats-Pending-Messages", source.outstanding))
                source.outstanding = max(0, source.outstanding - owed)
                source.ask_after = source.heard_at + (0.0 if status == "408" else REFUSED_PAUSE_S)
                self._arrived.set()

        return receive
