"""Who owns which partition: an advisory lock on a dedicated connection, and an epoch checked in each transaction.

The lock makes a dead owner's partitions free at once (its connection ends). The epoch stops an owner that was paused,
lost its lock and wakes up: its transaction finds a newer epoch and is refused.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import psycopg
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from bus.owner import OwnerConnection, OwnerGroup, from_our_corner
from kit.db import answered, driver_connection
from kit.logs import logger
from kit.rows import Cursor, fetch

log = logger(__name__)

# Class of advisory locks: one lock a partition.
PARTITION_LOCKS = 0x5A48_0001
BEAT_S = 1.0
_CHECK = b"SELECT partition, epoch FROM partition_lease WHERE partition = ANY(%s) FOR SHARE"


class LeaseLost(RuntimeError):
    """Somebody else has taken the partition since: this transaction must not be committed."""

    def __init__(self, *, partition: int, epoch: int) -> None:
        super().__init__(f"partition {partition} is no longer ours (epoch {epoch})")
        self.partition = partition
        self.epoch = epoch


@dataclass(frozen=True)
class Lease:
    partition: int
    epoch: int


@dataclass(frozen=True)
class LeaseChange:
    """`gained` are new; `lost` are gone already; `surplus` should be given back (`release`) once idle."""

    gained: tuple[Lease, ...] = ()
    lost: tuple[Lease, ...] = ()
    surplus: tuple[Lease, ...] = ()


class LeaseCheck:
    """A question under way: in a pipeline its answer comes with those of the statements after it, at no wait."""

    def __init__(self, session: AsyncSession, epochs: Mapping[int, int], answer: Cursor) -> None:
        self._session = session
        self._epochs = epochs
        self._answer = answer

    async def confirm(self) -> None:
        """Call it before the commit. Raises LeaseLost."""
        if self._answer.pgresult is None:
            await answered(self._session)
        found = {row["partition"]: row["epoch"] for row in await self._answer.fetchall()}
        for partition, epoch in self._epochs.items():
            if found.get(partition) != epoch:
                raise LeaseLost(partition=partition, epoch=epoch)


class PartitionLeases:
    """The partitions this process owns. `async with PartitionLeases(url, owner="judge@host/123") as leases: …`

    Every process that enters is counted as an owner and expected to take its share. Call `rebalance` every second or
    so, and run `beat` beside it.
    """

    def __init__(self, database_url: str, *, owner: str, registry: CollectorRegistry | None = None) -> None:
        self._owner = owner
        self._connection = OwnerConnection(database_url, group=OwnerGroup.JUDGES, owner=owner)
        self._held: dict[int, Lease] = {}
        self._gauge = Gauge(
            "hub_partitions_owned", "Partitions this process judges", registry=registry or CollectorRegistry()
        )

    async def __aenter__(self) -> Self:
        await self._connection.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._held.clear()
        await self._connection.close()

    def held(self) -> Mapping[int, int]:
        """The epoch of each partition that is ours now."""
        return {partition: lease.epoch for partition, lease in self._held.items()}

    async def beat(self) -> None:
        """Shows every second that this owner lives, whatever else it is at, until cancelled."""
        while True:
            with contextlib.suppress(psycopg.Error, OSError):  # `rebalance` connects again
                await self._connection.beat()
            await asyncio.sleep(BEAT_S)

    async def rebalance(self, partitions: Iterable[int]) -> LeaseChange:
        """Takes free partitions up to a fair share of `partitions`; says what changed and what is too much."""
        lost = await self._reconnect_if_broken()
        wanted = sorted(set(partitions))
        fair = -(-len(wanted) // max(1, await self._connection.living()))
        gained: list[Lease] = []
        for partition in from_our_corner(self._owner, wanted):
            if len(self._held) >= fair:
                break
            if partition not in self._held and (lease := await self._take(partition)) is not None:
                gained.append(lease)
        surplus = [lease for partition, lease in self._held.items() if partition not in wanted]
        kept = [lease for lease in self._held.values() if lease not in surplus]
        surplus += kept[fair:]
        self._gauge.set(len(self._held))
        return LeaseChange(tuple(gained), lost, tuple(surplus))

    async def release(self, lease: Lease) -> None:
        """Gives a partition back. Nothing may be under way for it any more."""
        if self._held.get(lease.partition) != lease:
            return
        del self._held[lease.partition]
        self._gauge.set(len(self._held))
        await self._connection.unlock(PARTITION_LOCKS, lease.partition)

    async def check(self, session: AsyncSession, epochs: Mapping[int, int]) -> "LeaseCheck":
        """Call it first in each transaction that writes for these partitions (→ epoch), and `confirm` what it gives.

        The rows are locked against a taker until this transaction ends, so that what was checked stays true. Such a
        transaction is a pipelined one (`Database.pipelined_transaction`): paused for long, it is ended by the server.
        """
        return LeaseCheck(session, epochs, await fetch(await driver_connection(session), _CHECK, list(epochs)))

    async def _reconnect_if_broken(self) -> tuple[Lease, ...]:
        if not await self._connection.reopen_if_broken():
            return ()
        lost = tuple(self._held.values())
        self._held.clear()
        log.error("lease connection lost", partitions=[lease.partition for lease in lost])
        return lost

    async def _take(self, partition: int) -> Lease | None:
        if not await self._connection.try_lock(PARTITION_LOCKS, partition):
            return None
        try:
            epoch = await self._connection.number(
                "INSERT INTO partition_lease (partition, epoch, owner) VALUES (%s, 1, %s)"
                " ON CONFLICT (partition) DO UPDATE"
                " SET epoch = partition_lease.epoch + 1, owner = excluded.owner, taken_at = now() RETURNING epoch",
                (partition, self._owner),
            )
        except psycopg.errors.LockNotAvailable:
            # The last owner's transaction is still open: it commits, or the server ends it; then it is free.
            await self._connection.unlock(PARTITION_LOCKS, partition)
            return None
        lease = self._held[partition] = Lease(partition, epoch)
        return lease
