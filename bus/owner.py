"""A process that owns things by advisory locks: one dedicated connection, counted among the living, shown to be alive.

The locks make what a dead owner had free at once: its connection ends. A machine that vanishes is noticed by the
server's keepalives, a process that was paused by its silence; the others then end its connection.
"""

import contextlib
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import psycopg

from kit.db import plain_url
from kit.logs import logger

log = logger(__name__)

# Class of the shared lock that every living owner holds to be counted; its number is the owner's group.
OWNER_LOCKS = 0x5A48_0002
# An owner whose connection said nothing for so long is not working; whoever beats every second is far from it.
SILENT_AFTER_S = 6
# Whoever waits for a lock this long gives up and tries again later, so that it goes on showing that it lives.
LOCK_TIMEOUT_S = 2


class OwnerGroup(IntEnum):
    """Who shares with whom: owners are counted within their group."""

    JUDGES = 0
    BROKERS = 1
    MODBUS = 2
    STORES = 3
    PREDICTORS = 4


class OwnerConnection:
    """`open`, then `beat` every second, then `close`. Statements wait for one another."""

    def __init__(self, database_url: str, *, group: OwnerGroup, owner: str) -> None:
        self._url = plain_url(database_url)
        self._group = group
        self._prefix = f"lease {group.name.lower()} "
        self._name = f"{self._prefix}{owner}"
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def open(self) -> None:
        """Raises psycopg.Error when the server is away."""
        connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=5, application_name=self._name,
            keepalives_idle=5, keepalives_interval=2, keepalives_count=3,
        )  # fmt: skip
        self._connection = connection
        # The server's own keepalives: without them it would believe for hours in a machine that vanished.
        await connection.execute("SET tcp_keepalives_idle = 2; SET tcp_keepalives_interval = 1")
        await connection.execute(f"SET tcp_keepalives_count = 3; SET lock_timeout = '{LOCK_TIMEOUT_S}s'")
        await connection.execute("SELECT pg_advisory_lock_shared(%s, %s)", (OWNER_LOCKS, self._group))

    async def close(self) -> None:
        """Everything owned is free at once."""
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                await self._connection.close()

    async def reopen_if_broken(self) -> bool:
        """True when the connection was lost, and with it every lock; then there is a new one. Raises psycopg.Error."""
        if self._connection is None:
            await self.open()
            return True
        try:
            await self.run("SELECT 1")
        except psycopg.Error:
            await self._connection.close()
            await self.open()
            return True
        return False

    async def beat(self) -> None:
        """Shows that this owner lives, and ends the connections of those of its group that do not. Raises
        psycopg.Error."""
        ended = await self.number(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND starts_with(application_name, %s) AND state = 'idle'"
            " AND state_change < clock_timestamp() - make_interval(secs => %s)",
            (self._prefix, SILENT_AFTER_S),
        )
        if ended:
            log.warning("owners that said nothing have lost what they owned", group=self._group.name, owners=ended)

    async def living(self) -> int:
        """How many owners of this group there are, this one included."""
        return await self.number(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = %s AND objid = %s"
            " AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (OWNER_LOCKS, self._group),
        )

    async def try_lock(self, locks: int, number: int) -> bool:
        return bool(await self.number("SELECT pg_try_advisory_lock(%s, %s)::int", (locks, number)))

    async def unlock(self, locks: int, number: int) -> None:
        await self.run("SELECT pg_advisory_unlock(%s, %s)", (locks, number))

    async def number(self, query: str, arguments: Sequence[Any]) -> int:
        """The one number that the query answers."""
        assert self._connection is not None
        row = await (await self._connection.execute(query, arguments)).fetchone()
        assert row is not None
        return int(row[0])

    async def run(self, query: str, arguments: Sequence[Any] | None = None) -> None:
        assert self._connection is not None
        await self._connection.execute(query, arguments)


def from_our_corner(owner: str, wanted: list[Any]) -> list[Any]:
    """Each owner starts elsewhere, so that several starting together do not try the same things in step."""
    start = hash(owner) % max(1, len(wanted))
    return wanted[start:] + wanted[:start]
