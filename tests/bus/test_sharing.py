"""Work shared out by name among processes, on a real PostgreSQL."""

import psycopg

from bus.owner import OwnerGroup
from bus.sharing import WorkShare

WORK = ["north", "south", "east", "west"]


def share(database_url: str, owner: str, group: OwnerGroup = OwnerGroup.BROKERS) -> WorkShare:
    return WorkShare(database_url, group=group, owner=owner)


async def test_one_process_does_all_of_it(database_url: str) -> None:
    async with share(database_url, "a") as only:
        assert await only.settle(WORK) == frozenset(WORK)
        assert await only.settle(WORK[:2]) == frozenset(WORK[:2])


async def test_a_second_gets_its_half_only_once_the_first_has_let_go(database_url: str) -> None:
    async with share(database_url, "a") as first:
        everything = await first.settle(WORK)
        async with share(database_url, "b") as second:
            assert await second.settle(WORK) == frozenset()
            kept = await first.settle(WORK)
            assert len(kept) == 2
            assert await second.settle(WORK) == frozenset()
            await first.release(everything - kept)
            assert await second.settle(WORK) == everything - kept


async def test_what_an_ended_process_did_is_taken_up_by_the_next(database_url: str) -> None:
    async with share(database_url, "b") as second:
        async with share(database_url, "a") as first:
            half = await first.settle(WORK)
            assert await second.settle(WORK) == frozenset(WORK) - half
        assert await second.settle(WORK) == frozenset(WORK)


async def test_groups_do_not_count_each_other(database_url: str) -> None:
    async with share(database_url, "a") as brokers, share(database_url, "a", OwnerGroup.MODBUS) as endpoints:
        assert await brokers.settle(WORK) == frozenset(WORK)
        assert await endpoints.settle(WORK) == frozenset(WORK)


async def test_a_lost_connection_takes_nothing_away_unless_another_has_it(database_url: str) -> None:
    async with share(database_url, "a") as first:
        assert await first.settle(WORK) == frozenset(WORK)
        await cut_off(database_url)
        assert await first.settle(WORK) == frozenset(WORK)
        await cut_off(database_url)
        async with share(database_url, "b") as second:
            taken = await second.settle(WORK)
            assert taken == frozenset(WORK)
            assert await first.settle(WORK) == frozenset()


async def test_what_one_process_may_do_alone_is_refused_to_a_second(database_url: str) -> None:
    async with share(database_url, "a") as first, share(database_url, "b") as second:
        assert await first.take_alone("the store", patience_s=0)
        assert not await second.take_alone("the store", patience_s=1)


async def cut_off(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE 'lease %'"
        )
