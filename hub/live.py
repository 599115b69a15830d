"""Open screens hear of every event at once: PostgreSQL NOTIFY → one listener a process → server-sent events.

A screen is told the event's name and ids only and asks for the rest with its own rights.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

import psycopg
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from prometheus_client import CollectorRegistry, Counter, Gauge

from kit.access import STAFF, NotAllowed, Scope
from kit.db import Database, plain_url
from kit.events import LIVE_CHANNEL
from kit.http import service
from kit.logs import logger
from people.login import Logins

log = logger(__name__)

WAITING_MAX = 1000
KEEPALIVE_S = 15.0
RECONNECT_S = 1.0

router = APIRouter(prefix="/api/v1", tags=["live"])


@dataclass(eq=False)
class Screen:
    """One open screen: the sites it may hear of and what it has not been sent yet."""

    scope: Scope
    waiting: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(WAITING_MAX))


class LiveUpdates:
    """Fans events out to open screens. A screen too slow to follow is told to reload instead of being sent them all."""

    def __init__(self, database_url: str, registry: CollectorRegistry) -> None:
        self._url = plain_url(database_url)
        self._screens: set[Screen] = set()
        self._open = Gauge("hub_live_screens", "Open screens", registry=registry)
        self._overrun = Counter("hub_live_overrun_total", "Screens that were too slow and told to reload", registry=registry)

    async def run(self) -> None:
        """Listens until cancelled; reconnects by itself and then tells every screen to reload."""
        while True:
            try:
                await self._listen()
            except psycopg.OperationalError as error:
                log.warning("live updates lost the database", error=str(error))
            await asyncio.sleep(RECONNECT_S)

    @contextlib.contextmanager
    def screen(self, scope: Scope) -> Any:
        screen = Screen(scope)
        self._screens.add(screen)
        self._open.set(len(self._screens))
        try:
            yield screen
        finally:
            self._screens.discard(screen)
            self._open.set(len(self._screens))

    async def _listen(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            await connection.execute(f"LISTEN {LIVE_CHANNEL}")
            self._tell_all(reload_message())
            async for notice in connection.notifies():
                self._tell(notice.payload)

    def _tell(self, payload: str) -> None:
        site_id = UUID(json.loads(payload)["site_id"])
        for screen in self._screens:
            if screen.scope.allows(site_id):
                self._put(screen, payload)

    def _tell_all(self, payload: str) -> None:
        for screen in self._screens:
            self._put(screen, payload)

    def _put(self, screen: Screen, payload: str) -> None:
        if screen.waiting.full():
            self._overrun.inc()
            while not screen.waiting.empty():
                screen.waiting.get_nowait()
            payload = reload_message()
        screen.waiting.put_nowait(payload)


def reload_message() -> str:
    """Tells a screen that it may have missed something: fetch everything again."""
    return json.dumps({"event": "Reload"})


@router.get("/live", response_class=StreamingResponse)
async def live_events(
    request: Request,
    live: Annotated[LiveUpdates, Depends(service(LiveUpdates))],
    logins: Annotated[Logins, Depends(service(Logins))],
    database: Annotated[Database, Depends(service(Database))],
    token: Annotated[str, Query(description="a stream token from POST /api/v1/auth/stream-token")],
) -> StreamingResponse:
    """Server-sent events of the caller's sites: `data: {"event": "AlarmRaised", "site_id": …, "alarm_id": …}`."""
    async with database.transaction() as session:
        caller = await logins.authenticate_stream(session, token)
    if not caller.has(*STAFF):
        raise NotAllowed(needs="staff")
    scope = caller.scope(*STAFF)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_messages(live, scope), media_type="text/event-stream", headers=headers)


async def _messages(live: LiveUpdates, scope: Scope) -> AsyncIterator[str]:
    with live.screen(scope) as screen:
        yield "retry: 2000\n\n"
        while True:
            try:
                payload = await asyncio.wait_for(screen.waiting.get(), KEEPALIVE_S)
            except TimeoutError:
                yield ": still here\n\n"  # keeps proxies from closing, and notices a screen that is gone
                continue
            yield f"data: {payload}\n\n"
