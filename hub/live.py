"""Open screens hear of every event at once: announcements → server-sent events.

A screen is told the event's name and ids only and asks for the rest with its own rights.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from prometheus_client import CollectorRegistry, Counter, Gauge

from kit.access import STAFF, NotAllowed, Scope
from kit.announcements import MISSED, Announcement
from kit.db import Database
from kit.http import service
from people.login import Logins

WAITING_MAX = 1000
KEEPALIVE_S = 15.0
# What concerns every site (a rule of the whole company) carries the nil id.
EVERY_SITE = str(UUID(int=0))

router = APIRouter(prefix="/api/v1", tags=["live"])


@dataclass(eq=False)
class Screen:
    """One open screen: the sites it may hear of and what it has not been sent yet."""

    scope: Scope
    waiting: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(WAITING_MAX))


class LiveUpdates:
    """Fans announcements out to open screens. A screen too slow to follow is told to reload instead."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._screens: set[Screen] = set()
        self._open = Gauge("hub_live_screens", "Open screens", registry=registry)
        self._overrun = Counter("hub_live_overrun", "Screens that were too slow and told to reload", registry=registry)

    def hear(self, announcement: Announcement) -> None:
        """Passes an announcement on to the screens that may know of its site."""
        payload = json.dumps({"event": announcement.event, **announcement.ids})
        site_id = announcement.ids.get("site_id")
        for screen in self._screens:
            if site_id in (None, EVERY_SITE) or screen.scope.allows(UUID(site_id)):
                self._put(screen, payload)

    @contextlib.contextmanager
    def screen(self, scope: Scope) -> Iterator[Screen]:
        """A screen that hears of those sites until the block ends."""
        screen = Screen(scope)
        self._screens.add(screen)
        self._open.set(len(self._screens))
        try:
            yield screen
        finally:
            self._screens.discard(screen)
            self._open.set(len(self._screens))

    def _put(self, screen: Screen, payload: str) -> None:
        if screen.waiting.full():
            self._overrun.inc()
            while not screen.waiting.empty():
                screen.waiting.get_nowait()
            payload = json.dumps({"event": MISSED})
        screen.waiting.put_nowait(payload)


@router.get("/live", response_class=StreamingResponse)
async def live_events(
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
