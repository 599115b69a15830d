"""Events are saved with the data they speak of; each subscribed handler becomes a job in the same transaction.

A handler runs in a transaction of its own, at least once: it is idempotent by constraint, not by luck.
"""

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import msgspec
from procrastinate import App
from procrastinate.jobs import DEFAULT_QUEUE
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import driver_connection

DELIVER = "kit.events.deliver"
LIFE_SAFETY_QUEUE = "life_safety"
LIVE_CHANNEL = "hub_live"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every event: past tense, plain values, at one site.

    `life_safety` sends its handlers to a queue and worker of their own. `live_fields` names the fields that
    open screens are told (ids only: a screen asks for the rest with its own rights).
    """

    site_id: UUID
    life_safety: bool = False


Handler = Callable[[AsyncSession, Any], Awaitable[None]]


@dataclass(frozen=True)
class Subscription:
    """One row of the table in `hub.subscriptions`: this event is handled by this, under a stable name."""

    event: type[Event]
    handler: Handler
    name: str


def on(event: type[Event], handler: Handler) -> Subscription:
    """A subscription named for the handler's room and function, e.g. `ticketing.handlers.on_alarm_raised`."""
    function = getattr(handler, "__func__", handler)
    return Subscription(event, handler, f"{function.__module__}.{function.__qualname__}")


class Outbox(Protocol):
    async def publish(self, session: AsyncSession, event: Event) -> None: ...


async def publish(session: AsyncSession, event: Event) -> None:
    """Hands the event to every subscribed handler and open screen once this session commits; never if it rolls back."""
    outbox: Outbox = session.info["outbox"]
    await outbox.publish(session, event)


class JobOutbox:
    """Turns an event into one procrastinate job a handler, deferred through the session's own connection."""

    def __init__(self, app: App, subscriptions: Iterable[Subscription]) -> None:
        self._app = app
        self._by_event: dict[type[Event], list[Subscription]] = defaultdict(list)
        for subscription in subscriptions:
            self._by_event[subscription.event].append(subscription)

    async def publish(self, session: AsyncSession, event: Event) -> None:
        await session.flush()
        subscriptions = self._by_event[type(event)]
        if subscriptions:
            connection = await driver_connection(session)
            data = msgspec.to_builtins(event)
            queue = LIFE_SAFETY_QUEUE if event.life_safety else DEFAULT_QUEUE
            for subscription in subscriptions:
                await self._app.configure_task(DELIVER, queue=queue, connection=connection).defer_async(
                    handler=subscription.name, event=data
                )
        await announce(session, event)


async def announce(session: AsyncSession, event: Event) -> None:
    """Tells open screens (LISTEN on `hub_live`) that something happened: the event's name, site and ids only."""
    ids = {name: str(value) for name in event.__struct_fields__ if isinstance(value := getattr(event, name), UUID)}
    payload = json.dumps({"event": type(event).__name__, **ids})
    await session.execute(text("SELECT pg_notify(:channel, :payload)"), {"channel": LIVE_CHANNEL, "payload": payload})


class RecordingOutbox:
    """Keeps what was published. For tests of a service without its neighbours."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def publish(self, session: AsyncSession, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]
