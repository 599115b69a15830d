"""Work that one process at a time does, shared out by name among those that run: broker sessions, Modbus endpoints.

Unlike partitions it needs no epoch: a broker lets a client id in once, and a reading told twice is one reading. So what
is ours stays ours while the database is away; nobody else could take it then.
"""

import asyncio
import zlib
from collections.abc import Collection, Iterable
from typing import Self

import psycopg

from bus.owner import OwnerConnection, OwnerGroup, from_our_corner
from kit.logs import logger

log = logger(__name__)

# Class of advisory locks: one lock a name, a class a group of owners.
NAME_LOCKS = 0x5A48_0010
LOOK_S = 1.0


class WorkShare:
    """`async with WorkShare(…) as share:`, then `settle` every second or so with the names of all the work there is."""

    def __init__(self, database_url: str, *, group: OwnerGroup, owner: str) -> None:
        self._owner = owner
        self._group = group
        self._connection = OwnerConnection(database_url, group=group, owner=owner)
        self._held: set[str] = set()

    async def __aenter__(self) -> Self:
        await self._connection.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._held.clear()
        await self._connection.close()

    async def settle(self, wanted: Collection[str]) -> frozenset[str]:
        """Which of `wanted` this process does from now on; a fair share. Stop the rest and then `release` it."""
        try:
            await self._keep_locks()
            await self._connection.beat()
            return await self._shared_out(sorted(wanted))
        except (psycopg.Error, OSError) as error:
            log.warning("work cannot be shared out; everybody goes on as before", error=str(error).strip())
            return frozenset(self._held.intersection(wanted))

    async def release(self, names: Iterable[str]) -> None:
        """Lets others have work that has been stopped."""
        for name in self._held.intersection(names):
            self._held.discard(name)
            try:
                await self._connection.unlock(NAME_LOCKS + self._group, lock_number(name))
            except (psycopg.Error, OSError):
                return  # a connection that is lost holds no lock

    async def take_alone(self, name: str, *, patience_s: float) -> bool:
        """Takes what only one process may ever do; waits so long for one that is just ending. Raises psycopg.Error."""
        for _ in range(max(1, round(patience_s / LOOK_S))):
            if await self._connection.try_lock(NAME_LOCKS + self._group, lock_number(name)):
                self._held.add(name)
                return True
            await self._connection.beat()
            await asyncio.sleep(LOOK_S)
        return False

    async def _keep_locks(self) -> None:
        if not await self._connection.reopen_if_broken():
            return
        for name in sorted(self._held):
            if not await self._connection.try_lock(NAME_LOCKS + self._group, lock_number(name)):
                log.warning("another process has taken over meanwhile", name=name)
                self._held.discard(name)

    async def _shared_out(self, wanted: list[str]) -> frozenset[str]:
        fair = -(-len(wanted) // max(1, await self._connection.living()))
        ours = sorted(self._held.intersection(wanted))
        for name in from_our_corner(self._owner, wanted):
            if len(ours) >= fair:
                break
            if name in self._held or not await self._connection.try_lock(NAME_LOCKS + self._group, lock_number(name)):
                continue
            self._held.add(name)
            ours.append(name)
        return frozenset(ours[:fair])


def lock_number(name: str) -> int:
    """The same in every process, within PostgreSQL's signed 32 bits."""
    return zlib.crc32(name.encode()) - 0x8000_0000
