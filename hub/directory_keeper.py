"""Keeps this process's directory the picture of the catalog: loaded at start, loaded anew when the catalog changes."""

import asyncio

from catalog.directory import LiveDirectory
from catalog.events import CatalogChanged
from catalog.loader import load_directory
from kit.announcements import MISSED, Announcement
from kit.cancellation import raise_if_cancelled
from kit.db import Database
from kit.logs import logger

log = logger(__name__)

# Edits come in bursts (an import, a form saved field by field); one load answers them all.
SETTLE_S = 0.2
RETRY_S = 2.0


class DirectoryKeeper:
    def __init__(self, database: Database, directory: LiveDirectory) -> None:
        self._database = database
        self._directory = directory
        self._changed = asyncio.Event()

    def hear(self, announcement: Announcement) -> None:
        if announcement.event in (MISSED, CatalogChanged.__name__):
            self._changed.set()

    async def refresh(self) -> None:
        async with self._database.transaction() as session:
            self._directory.replace(await load_directory(session))

    async def run(self) -> None:
        """Loads anew after each change until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await asyncio.sleep(SETTLE_S)
            try:
                await self.refresh()
            except Exception:  # the picture of before serves until the database answers again
                raise_if_cancelled()
                log.exception("the directory could not be loaded")
                self._changed.set()
                await asyncio.sleep(RETRY_S)
