"""Who owns a partition, on a real PostgreSQL."""

import asyncio

import psycopg
import pytest

from bus.lease import Lease, LeaseLost, PartitionLeases
from bus.owner import SILENT_AFTER_S
from hub.judge_books import is_outage
from kit.db import Database
from tests.conftest import LIVENESS_S

PARTITIONS = range(6)


async def test_one_owner_takes_everything(database_url: str) -> None:
    async with PartitionLeases(database_url, owner="a") as leases:
        change = await leases.rebalance(PARTITIONS)
        assert sorted(lease.partition for lease in change.gained) == list(PARTITIONS)
        assert await leases.rebalance(PARTITIONS) == type(change)()


async def test_a_second_owner_gets_its_fair_share_once_the_first_lets_go(database_url: str) -> None:
    async with PartitionLeases(database_url, owner="a") as first, PartitionLeases(database_url, owner="b") as second:
        await first.rebalance(PARTITIONS)  # b is alive already: half is fair
        gained = await second.rebalance(PARTITIONS)
        assert set(first.held()) & set(second.held()) == set()
        assert len(gained.gained) == 3
        assert set(first.held()) | set(second.held()) == set(PARTITIONS)


async def test_surplus_is_named_and_handed_over(database_url: str) -> None:
    async with PartitionLeases(database_url, owner="a") as first:
        await first.rebalance(PARTITIONS)
        async with PartitionLeases(database_url, owner="b") as second:
            assert (await second.rebalance(PARTITIONS)).gained == ()
            surplus = (await first.rebalance(PARTITIONS)).surplus
            assert len(surplus) == 3
            for lease in surplus:
                await first.release(lease)
            gained = (await second.rebalance(PARTITIONS)).gained
            assert {lease.partition for lease in gained} == {lease.partition for lease in surplus}
            assert {lease.epoch for lease in gained} == {2}


async def test_a_dead_owners_partitions_are_free_at_once(database_url: str) -> None:
    async with PartitionLeases(database_url, owner="a") as first:
        await first.rebalance(PARTITIONS)
    async with PartitionLeases(database_url, owner="b") as second:
        assert len((await second.rebalance(PARTITIONS)).gained) == 6


async def test_a_paused_owner_that_wakes_up_cannot_write(database: Database, database_url: str) -> None:
    async with PartitionLeases(database_url, owner="a") as first, PartitionLeases(database_url, owner="b") as second:
        lease = (await first.rebalance([7])).gained[0]
        async with database.transaction() as session:
            await (await first.check(session, {7: lease.epoch})).confirm()
        await _cut_off(database_url, "a")
        assert (await second.rebalance([7])).gained == (Lease(7, 2),)
        async with database.transaction() as session:
            with pytest.raises(LeaseLost):
                await (await first.check(session, {7: lease.epoch})).confirm()
            await (await second.check(session, {7: 2})).confirm()
        assert (await first.rebalance([7])).lost == (lease,)


async def test_nobody_takes_over_while_a_checked_transaction_is_open(database: Database, database_url: str) -> None:
    async with PartitionLeases(database_url, owner="a") as first, PartitionLeases(database_url, owner="b") as second:
        lease = (await first.rebalance([7])).gained[0]
        async with database.transaction() as session:
            await (await first.check(session, {7: lease.epoch})).confirm()
            await _cut_off(database_url, "a")
            taking = asyncio.create_task(second.rebalance([7]))
            await asyncio.sleep(0.3)
            assert not taking.done()
        change = await asyncio.wait_for(taking, LIVENESS_S)
        assert change.gained == (Lease(7, 2),)


async def test_an_owner_that_says_nothing_is_taken_over_although_its_connection_lives(database_url: str) -> None:
    async with PartitionLeases(database_url, owner="paused") as first:
        lease = (await first.rebalance([7])).gained[0]
        async with PartitionLeases(database_url, owner="b") as second:
            beating = asyncio.create_task(second.beat())
            async with asyncio.timeout(LIVENESS_S):
                while not (gained := (await second.rebalance([7])).gained):
                    await asyncio.sleep(0.2)
            beating.cancel()
            assert gained == (Lease(7, 2),)
            assert (await first.rebalance([7])).lost == (lease,)


async def test_an_owner_that_beats_keeps_what_it_has_however_long_it_is_busy(database_url: str) -> None:
    async with PartitionLeases(database_url, owner="busy") as first, PartitionLeases(database_url, owner="b") as second:
        await first.rebalance([7])
        beating = [asyncio.create_task(leases.beat()) for leases in (first, second)]
        await asyncio.sleep(SILENT_AFTER_S + 2)
        assert (await second.rebalance([7])).gained == ()
        assert (await first.rebalance([7])).lost == ()
        for task in beating:
            task.cancel()


async def test_a_transaction_that_rests_does_not_keep_its_partition(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.pipelines.IDLE_IN_TRANSACTION", "500ms")
    async with PartitionLeases(database_url, owner="a") as first, PartitionLeases(database_url, owner="b") as second:
        lease = (await first.rebalance([7])).gained[0]
        with pytest.raises(psycopg.Error) as told:
            async with database.pipelined_transaction() as session:
                await (await first.check(session, {7: lease.epoch})).confirm()
                await _cut_off(database_url, "a")
                async with asyncio.timeout(LIVENESS_S):
                    while not (gained := (await second.rebalance([7])).gained):
                        await asyncio.sleep(0.2)
                assert gained == (Lease(7, 2),)
        # By whether the server's last words were read before the end of the connection was seen.
        assert type(told.value) in (psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout)
        assert is_outage(told.value)


async def _cut_off(database_url: str, owner: str) -> None:
    """What a long pause or a cut cable does: the server ends the owner's session."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
            (f"lease judges {owner}",),
        )
        async with asyncio.timeout(LIVENESS_S):
            while True:
                rows = await connection.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE application_name = %s", (f"lease judges {owner}",)
                )
                if await rows.fetchone() is None:
                    return
                await asyncio.sleep(0.02)
