"""A lasting session with one broker: connect, subscribe, check what was granted, and again after every loss."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.client import REFUSED, Connection, OnPublish
from kit.backoff import Backoff
from kit.logs import logger

log = logger(__name__)

SUBSCRIBE_AT_ONCE = 50
LOOK_FOR_NEW_FILTERS_S = 1.0
ASK_REFUSED_AGAIN_S = 30.0


class SessionState(Protocol):
    """Who wants to know how the session is."""

    def up(self) -> None: ...

    def down(self, reason: str) -> None: ...


class Session:
    """`run` until cancelled. `filters` is asked again and again: what is new is subscribed to as well.

    The broker keeps the session while we are away (clean session off), so the client id must not change. A refused
    filter does not silence the others: it marks the session down, is logged, and is asked for again.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        client_id: str,
        filters: Callable[[], Sequence[str]],
        on_publish: OnPublish,
        state: SessionState,
        first_wait_s: float = 0.5,
        longest_wait_s: float = 30.0,
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._filters = filters
        self._on_publish = on_publish
        self._state = state
        self._backoff = Backoff(first_s=first_wait_s, longest_s=longest_wait_s)
        self._reported: frozenset[str] = frozenset()
        self.connection: Connection | None = None

    async def run(self) -> None:
        while True:
            try:
                await self._live()
                reason = "connection lost"
            except TimeoutError:
                reason = "the broker does not answer in time"
            except OSError as error:
                reason = str(error) or type(error).__name__
            self._state.down(reason)
            await asyncio.sleep(self._backoff.next_s())

    async def _live(self) -> None:
        connection = Connection(self._broker, client_id=self._client_id, on_publish=self._on_publish, persistent=True)
        self.connection = connection  # before it opens: the broker may send what it kept before we can say anything
        try:
            await connection.open()
            self._backoff.reset()
            await self._stay_subscribed(connection)
        finally:
            self.connection = None
            with contextlib.suppress(OSError, TimeoutError):
                await connection.close()

    async def _stay_subscribed(self, connection: Connection) -> None:
        granted: set[str] = set()
        reported = False
        refused: dict[str, float] = {}
        loop = asyncio.get_running_loop()
        while not connection.lost.is_set():
            missing = [text for text in self._filters() if text not in granted and refused.get(text, 0) < loop.time()]
            for start in range(0, len(missing), SUBSCRIBE_AT_ONCE):
                codes = await connection.subscribe_all(missing[start : start + SUBSCRIBE_AT_ONCE])
                granted |= {text for text, code in codes.items() if code < REFUSED}
                again = loop.time() + ASK_REFUSED_AGAIN_S
                refused |= {text: again for text, code in codes.items() if code >= REFUSED}
            refused = {text: again for text, again in refused.items() if text not in granted}
            if missing or not reported:
                self._report(frozenset(refused))
                reported = True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_FOR_NEW_FILTERS_S):
                    await connection.lost.wait()

    def _report(self, refused: frozenset[str]) -> None:
        if not refused:
            self._state.up()
        else:
            self._state.down("the broker refuses the subscription of " + ", ".join(sorted(refused)))
        if refused and refused != self._reported:
            log.error(
                "broker refuses subscriptions: check the user's permissions there",
                broker=self._broker.name, filters=sorted(refused),
            )  # fmt: skip
        self._reported = refused
