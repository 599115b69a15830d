"""Keeps the embedded broker's list of users what the catalog's credentials say."""

import asyncio

from catalog.events import CatalogChanged
from device_adapters.events import MqttCredentialsChanged
from device_adapters.mqtt.credentials import CredentialService
from kit.announcements import MISSED, Announcement
from kit.cancellation import raise_if_cancelled
from kit.db import Database
from kit.logs import logger
from kit.supervision.nats import MqttUser, NatsServer

log = logger(__name__)

TELLING = (MISSED, MqttCredentialsChanged.__name__, CatalogChanged.__name__)
SETTLE_S = 0.2
RETRY_S = 2.0


class MqttUsers:
    """Works in the process that owns the embedded server; elsewhere it has nothing to do."""

    def __init__(self, database: Database, credentials: CredentialService, server: NatsServer | None) -> None:
        self._database = database
        self._credentials = credentials
        self._server = server
        self._changed = asyncio.Event()
        self._known: list[MqttUser] | None = None

    def hear(self, announcement: Announcement) -> None:
        if announcement.event in TELLING:
            self._changed.set()

    async def refresh(self) -> None:
        """Lets in exactly who has a credential now."""
        if self._server is None:
            return
        async with self._database.transaction() as session:
            users = await self._credentials.users(session)
        if users != self._known:
            await self._server.set_mqtt_users(users)
            self._known = users

    async def run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await asyncio.sleep(SETTLE_S)  # an import changes many at once
            try:
                await self.refresh()
            except Exception:  # those who were let in stay in until the database answers again
                raise_if_cancelled()
                log.exception("the broker's users could not be renewed")
                self._changed.set()
                await asyncio.sleep(RETRY_S)
