"""Whose turn it is on one socket: a command waits for at most the question that is under way, never for a poll."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """A lock with two queues: commands, and everything else."""

    def __init__(self) -> None:
        self._is_taken = False
        self._first: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def taken(self, *, is_command: bool) -> AsyncIterator[None]:
        if self._is_taken:
            await self._wait(self._first if is_command else self._others)
        self._is_taken = True
        try:
            yield
        finally:
            self._hand_on()

    async def _wait(self, queue: "deque[asyncio.Future[None]]") -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            # Cancelled in the very moment in which the turn came: it is the next one's.
            if turn.done() and not turn.cancelled():
                self._hand_on()
            raise

    def _hand_on(self) -> None:
        """The turn goes straight to whoever waits, so that nobody takes it in between."""
        for queue in (self._first, self._others):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._is_taken = False
