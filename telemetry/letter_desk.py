"""Keeps dead letters beside the store line, so that storing never waits for the database they go to."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from uuid import UUID

from prometheus_client import Gauge

from kit.backoff import Backoff
from kit.logs import logger
from telemetry.dead_letter import DeadLetter

log = logger(__name__)

_CAPACITY = 1_000
_FULL_DELAY_S = 30.0
_WRITE_DEADLINE_S = 30.0


class Refuse(Protocol):
    """Keeps one dead letter; returns when it is kept."""

    def __call__(
        self, *, raw: bytes, reason: str, detail: str, source: str, site_id: UUID | None
    ) -> Awaitable[None]: ...


_Task = tuple[Sequence[DeadLetter], Callable[[], Awaitable[None]]]


class LetterDesk:
    """Messages whose dead letters wait to be kept; a message is settled on the bus after its letters."""

    def __init__(self, refuse: Refuse, waiting: Gauge) -> None:
        self._refuse = refuse
        self._waiting = waiting
        self._tasks: asyncio.Queue[_Task] = asyncio.Queue(_CAPACITY)

    async def put(
        self,
        letters: Sequence[DeadLetter],
        *,
        then: Callable[[], Awaitable[None]],
        else_: Callable[[float], Awaitable[None]],
    ) -> None:
        """`then()` once the letters are kept. With no room left, `else_(delay_s)` at once: the bus keeps it."""
        try:
            self._tasks.put_nowait((letters, then))
        except asyncio.QueueFull:
            await else_(_FULL_DELAY_S)
        self._waiting.set(self._tasks.qsize())

    async def run(self) -> None:
        """Writes until cancelled. While the database is away, what waits stays waiting."""
        while True:
            letters, then = await self._tasks.get()
            for letter in letters:
                await self.write(letter)
            await then()
            self._waiting.set(self._tasks.qsize())

    async def write(self, letter: DeadLetter) -> None:
        """Until it is kept."""
        backoff = Backoff(first_s=0.5, longest_s=30.0)
        while True:
            try:
                async with asyncio.timeout(_WRITE_DEADLINE_S):
                    await self._refuse(
                        raw=letter.raw, reason=letter.reason, detail=letter.detail, source=letter.source,
                        site_id=letter.site_id,
                    )  # fmt: skip
            except Exception as error:  # whatever the reason, a refusal that nobody sees is worse than a late one
                if not backoff.failures:
                    log.error("dead letter cannot be kept: is PostgreSQL up?", error=repr(error))
                await asyncio.sleep(backoff.next_s())
            else:
                return
