"""Hears what any process announces (`kit.events.announce`): PostgreSQL NOTIFY, one listening connection a process."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from prometheus_client import CollectorRegistry, Counter

from kit.db import plain_url
from kit.events import LIVE_CHANNEL
from kit.logs import logger

log = logger(__name__)

RECONNECT_S = 1.0


@dataclass(frozen=True)
class Announcement:
    """An event's name and ids, as text. `event` is MISSED when some may have gone unheard: look at everything again."""

    event: str
    ids: dict[str, str]


MISSED = "Reload"

Hearer = Callable[[Announcement], None]


class Announcements:
    """Tells every hearer of every announcement, in order. A hearer returns at once; work goes to a task of its own."""

    def __init__(self, database_url: str, *, registry: CollectorRegistry | None = None) -> None:
        self._url = plain_url(database_url)
        self._missed = Counter(
            "hub_announcements_missed", "Times that announcements may have gone unheard",
            registry=registry or CollectorRegistry(),
        )  # fmt: skip
        self._hearers: list[Hearer] = []

    def subscribe(self, hearer: Hearer) -> None:
        self._hearers.append(hearer)

    async def run(self) -> None:
        """Listens until cancelled; after an outage of the database every hearer is told that some may be missed."""
        while True:
            try:
                await self._listen()
            except psycopg.OperationalError as error:
                self._missed.inc()
                log.warning("announcements lost the database", error=str(error).strip())
            await asyncio.sleep(RECONNECT_S)

    async def _listen(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            await connection.execute(f"LISTEN {LIVE_CHANNEL}")
            self._tell(Announcement(MISSED, {}))
            async for notice in connection.notifies():
                told: dict[str, Any] = json.loads(notice.payload)
                self._tell(Announcement(told.pop("event"), told))

    def _tell(self, announcement: Announcement) -> None:
        for hearer in self._hearers:
            hearer(announcement)
