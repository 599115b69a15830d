"""Events are saved with the data they speak of; each subscribed handler becomes a job in the same transaction.

A handler runs in a transaction of its own, at least once: it is idempotent by constraint, not by luck.
"""

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import msgspec
import psycopg
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DEFAULT_QUEUE
from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import driver_connection
from kit.ids import new_id

DELIVER = "kit.events.deliver"
LIFE_SAFETY_QUEUE = "life_safety"
LIVE_CHANNEL = "hub_live"
_ORIGIN = "event origin"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every event: past tense, plain values, at one site.

    `life_safety` sends its handlers to a queue and worker of their own. `live_fields` names the fields that
    open screens are told (ids only: a screen asks for the rest with its own rights).
    """

    site_id: UUID
    life_safety: bool = False


Handler = Callable[[AsyncSession, Any], Awaitable[None]]


@dataclass(frozen=True)
class Origin:
    """Where what a session does comes from.

    `event_id`: of the event being handled, the same for all its handlers however often one runs; None outside a
    handler. `causes` names what set it off where that must not set itself off again (rules on orders), oldest first:
    handed on to the handlers of whatever the session publishes.
    """

    event_id: UUID | None = None
    causes: tuple[str, ...] = ()


def origin(session: AsyncSession) -> Origin:
    found: Origin = session.info.get(_ORIGIN, Origin())
    return found


def set_origin(session: AsyncSession, origin: Origin) -> None:
    session.info[_ORIGIN] = origin


# Whether a handler has anything to do with an event; asked when it is published, from what the event itself says.
Concerns = Callable[[Any], bool]


@dataclass(frozen=True)
class Subscription:
    """One row of the table in `hub.subscriptions`: this event is handled by this, under a stable name.

    With `when`, an event that it says no to becomes no job. One handler may hear of several events.
    """

    event: type[Event]
    handler: Handler
    name: str
    when: Concerns | None = None

    @property
    def key(self) -> str:
        """What a job says of it: the handler alone would not tell as which event its words are to be read."""
        return f"{self.name} {self.event.__name__}"


def on(event: type[Event], handler: Handler, *, when: Concerns | None = None) -> Subscription:
    """A subscription named for the handler's room and function, e.g. `ticketing.handlers.on_alarm_raised`."""
    function = getattr(handler, "__func__", handler)
    return Subscription(event, handler, f"{function.__module__}.{function.__qualname__}", when)


class Outbox(Protocol):
    async def publish(self, session: AsyncSession, events: Sequence[Event]) -> None: ...


async def publish(session: AsyncSession, *events: Event) -> None:
    """Hands the events to every subscribed handler and open screen once this session commits; never if it rolls back.

    However many they are, they take two statements at most.
    """
    if events:
        outbox: Outbox = session.info["outbox"]
        await outbox.publish(session, events)


class JobOutbox:
    """Turns an event into one procrastinate job a handler, deferred through the session's own connection."""

    def __init__(self, app: App, subscriptions: Iterable[Subscription]) -> None:
        self._app = app
        self._by_event: dict[type[Event], list[Subscription]] = defaultdict(list)
        for subscription in subscriptions:
            self._by_event[subscription.event].append(subscription)

    async def publish(self, session: AsyncSession, events: Sequence[Event]) -> None:
        await session.flush()
        jobs: dict[str, list[dict[str, Any]]] = defaultdict(list)
        causes = list(origin(session).causes)
        for event in events:
            queue = LIFE_SAFETY_QUEUE if event.life_safety else DEFAULT_QUEUE
            told = {"event": msgspec.to_builtins(event), "event_id": str(new_id()), "causes": causes}
            for subscription in self._by_event[type(event)]:
                if subscription.when is None or subscription.when(event):
                    jobs[queue].append({"handler": subscription.key, **told})
        connection = await driver_connection(session)
        for queue, arguments in jobs.items():
            await self._defer(connection, queue, arguments)
        await _announce(connection, events)

    async def _defer(
        self, connection: psycopg.AsyncConnection[Any], queue: str, arguments: Sequence[dict[str, Any]]
    ) -> None:
        deferrer = self._app.configure_task(DELIVER, queue=queue, connection=connection)
        try:
            await deferrer.batch_defer_async(*arguments)
        except ConnectorException as wrapped:
            # In a pipeline this is any statement's failure, and whoever tries again knows the driver's errors only.
            if isinstance(wrapped.__context__, psycopg.Error):
                raise wrapped.__context__ from None
            raise


async def _announce(connection: psycopg.AsyncConnection[Any], events: Sequence[Event]) -> None:
    """Tells open screens (LISTEN on `hub_live`) that something happened: the events' names, sites and ids only."""
    notify = "SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) AS payload"
    await connection.execute(notify, (LIVE_CHANNEL, [_announcement(event) for event in events]))


def _announcement(event: Event) -> str:
    ids = {name: str(value) for name in event.__struct_fields__ if isinstance(value := getattr(event, name), UUID)}
    return json.dumps({"event": type(event).__name__, **ids})


class RecordingOutbox:
    """Keeps what was published. For tests of a service without its neighbours."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def publish(self, session: AsyncSession, events: Sequence[Event]) -> None:
        self.events += events

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]
