"""A lasting session with one broker: connect, subscribe, check what was granted, and again after every loss."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.client import Connection, OnPublish
from device_adapters.mqtt.packets import REFUSED
from kit.backoff import Backoff
from kit.logs import logger

log = logger(__name__)

SUBSCRIBE_AT_ONCE = 50
LOOK_FOR_NEW_FILTERS_S = 1.0
ASK_REFUSED_AGAIN_S = 30.0


Filters = Callable[[], Collection[str]]


class SessionState(Protocol):
    """Who wants to know how the session is."""

    def up(self) -> None: ...

    def down(self, reason: str) -> None: ...

    def forgotten(self) -> None:
        """The broker kept nothing of our session while we were away."""


class Session:
    """`run` until cancelled. `filters` is asked again and again: what is new is subscribed to as well.

    The broker keeps the session while we are away (clean session off), so the client id must not change. A refused
    filter does not silence the others: it marks the session down, is logged, and is asked for again. What is no longer
    among the filters is given up, and so is any of `former()` that a kept session may remember from an earlier time.
    `settled` is the very object that `filters` gave when all of it was granted last; None while nothing is.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        client_id: str,
        filters: Filters,
        former: Filters,
        on_publish: OnPublish,
        state: SessionState,
        first_wait_s: float = 0.5,
        longest_wait_s: float = 5.0,
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._filters = filters
        self._former = former
        self._on_publish = on_publish
        self._state = state
        self._backoff = Backoff(first_s=first_wait_s, longest_s=longest_wait_s)
        self._reported: frozenset[str] = frozenset()
        self._was_here = False
        self.settled: object = None

    async def run(self) -> None:
        while True:
            try:
                reason = await self._live()
            except TimeoutError:
                reason = "the broker does not answer in time"
            except OSError as error:
                reason = str(error) or type(error).__name__
            self._state.down(reason)
            await asyncio.sleep(self._backoff.next_s())

    async def _live(self) -> str:
        """One connection from its beginning to its end; why it ended."""
        connection = Connection(self._broker, client_id=self._client_id, on_publish=self._on_publish, persistent=True)
        try:
            await connection.open()
            self._backoff.reset()
            if self._was_here and not connection.session_present:
                self._state.forgotten()
            self._was_here = True
            await self._stay_subscribed(connection)
            return connection.reason
        finally:
            self.settled = None
            with contextlib.suppress(OSError, TimeoutError):
                await connection.close()

    async def _stay_subscribed(self, connection: Connection) -> None:
        subscriptions = _Subscriptions(connection)
        if connection.session_present:
            wanted = set(self._filters())
            await subscriptions.give_up([text for text in self._former() if text not in wanted])
        reported = False
        while not connection.lost.is_set():
            filters = self._filters()
            has_asked = await subscriptions.ask_for(filters)
            if has_asked or not reported:
                self._report(frozenset(subscriptions.refused))
                reported = True
            self.settled = None if subscriptions.refused else filters
            await subscriptions.give_up(list(subscriptions.granted.difference(filters)))
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


class _Subscriptions:
    """What one connection was granted, and until when it need not ask again for what was refused."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.granted: set[str] = set()
        self.refused: dict[str, float] = {}

    async def ask_for(self, filters: Collection[str]) -> bool:
        """Subscribes to what is new, or refused long enough ago; whether anything was asked."""
        now = asyncio.get_running_loop().time
        self.refused = {text: again for text, again in self.refused.items() if text in filters}
        missing = [text for text in filters if text not in self.granted and self.refused.get(text, 0.0) < now()]
        for some in _chunks(missing):
            codes = await self._connection.subscribe_all(some)
            for text, code in codes.items():
                if code < REFUSED:
                    self.granted.add(text)
                    self.refused.pop(text, None)
                else:
                    self.refused[text] = now() + ASK_REFUSED_AGAIN_S
        return bool(missing)

    async def give_up(self, filters: Sequence[str]) -> None:
        for some in _chunks(filters):
            await self._connection.unsubscribe_all(some)
        self.granted.difference_update(filters)


def _chunks(texts: Sequence[str]) -> list[Sequence[str]]:
    return [texts[start : start + SUBSCRIBE_AT_ONCE] for start in range(0, len(texts), SUBSCRIBE_AT_ONCE)]
