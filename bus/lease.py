"""Who owns which partition: an advisory lock on a dedicated connection, and an epoch checked in each transaction.

The lock makes a dead owner's partitions free at once (its connection ends). The epoch stops an owner that was paused,
lost its lock and wakes up: its transaction finds a newer epoch and is refused.
"""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import psycopg
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bus.models import PartitionLeaseRow
from kit.db import plain_url
from kit.logs import logger

log = logger(__name__)

# Classes of advisory locks: one lock a partition, and one shared lock that every living owner holds to be counted.
PARTITION_LOCKS = 0x5A48_0001
OWNER_LOCKS = 0x5A48_0002


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


class PartitionLeases:
    """The partitions this process owns. `async with PartitionLeases(url, owner="judge@host/123") as leases: …`

    Call `rebalance` every second or so.
    """

    def __init__(self, database_url: str, *, owner: str, registry: CollectorRegistry | None = None) -> None:
        self._url = plain_url(database_url)
        self._owner = owner
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._held: dict[int, Lease] = {}
        self._gauge = Gauge(
            "hub_partitions_owned", "Partitions this process judges", registry=registry or CollectorRegistry()
        )

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._held.clear()
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                await self._connection.close()

    def held(self) -> Mapping[int, int]:
        """The epoch of each partition that is ours now."""
        return {partition: lease.epoch for partition, lease in self._held.items()}

    async def rebalance(self, partitions: Iterable[int]) -> LeaseChange:
        """Takes free partitions up to a fair share of `partitions`; says what changed and what is too much."""
        lost = await self._reconnect_if_broken()
        wanted = sorted(set(partitions))
        fair = -(-len(wanted) // max(1, await self._living_owners()))
        gained: list[Lease] = []
        for partition in self._from_our_corner(wanted):
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
        if self._held.get(lease.partition) != lease or self._connection is None:
            return
        del self._held[lease.partition]
        self._gauge.set(len(self._held))
        await self._connection.execute("SELECT pg_advisory_unlock(%s, %s)", (PARTITION_LOCKS, lease.partition))

    async def check(self, session: AsyncSession, *, partition: int, epoch: int) -> None:
        """Call it in each transaction that writes for the partition. Raises LeaseLost.

        The row is locked against a taker until this transaction ends, so that what was checked stays true.
        """
        row = select(PartitionLeaseRow.epoch).where(PartitionLeaseRow.partition == partition)
        if await session.scalar(row.with_for_update(read=True)) != epoch:
            raise LeaseLost(partition=partition, epoch=epoch)

    async def _connect(self) -> None:
        self._connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=5, application_name=f"lease {self._owner}",
            keepalives_idle=5, keepalives_interval=2, keepalives_count=3,
        )  # fmt: skip
        await self._connection.execute("SELECT pg_advisory_lock_shared(%s, 0)", (OWNER_LOCKS,))

    async def _reconnect_if_broken(self) -> tuple[Lease, ...]:
        assert self._connection is not None
        try:
            await self._connection.execute("SELECT 1")
        except psycopg.Error:
            lost = tuple(self._held.values())
            self._held.clear()
            log.error("lease connection lost", partitions=[lease.partition for lease in lost])
            await self._connection.close()
            await self._connect()
            return lost
        return ()

    async def _living_owners(self) -> int:
        return await self._number(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = %s AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (OWNER_LOCKS,),
        )

    def _from_our_corner(self, wanted: list[int]) -> list[int]:
        # Each owner starts elsewhere, so that several starting together do not try the same partitions in step.
        start = hash(self._owner) % max(1, len(wanted))
        return wanted[start:] + wanted[:start]

    async def _take(self, partition: int) -> Lease | None:
        assert self._connection is not None
        if not await self._number("SELECT pg_try_advisory_lock(%s, %s)::int", (PARTITION_LOCKS, partition)):
            return None
        epoch = await self._number(
            "INSERT INTO partition_lease (partition, epoch, owner) VALUES (%s, 1, %s)"
            " ON CONFLICT (partition) DO UPDATE"
            " SET epoch = partition_lease.epoch + 1, owner = excluded.owner, taken_at = now() RETURNING epoch",
            (partition, self._owner),
        )
        lease = self._held[partition] = Lease(partition, epoch)
        return lease

    async def _number(self, query: str, arguments: tuple[Any, ...]) -> int:
        assert self._connection is not None
        row = await (await self._connection.execute(query, arguments)).fetchone()
        assert row is not None
        return int(row[0])
