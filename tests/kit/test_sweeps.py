"""Sweeps on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import Database
from kit.sweeps import Sweep, Sweeper
from tests.conftest import LIVENESS_S

EVERY_SECOND = "* * * * * *"


def failures() -> Counter:
    return Counter("failures", "", ["task"], registry=CollectorRegistry())


@asynccontextmanager
async def sweeping(*sweepers: Sweeper) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(sweeper.run()) for sweeper in sweepers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def eventually(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIVENESS_S):
        while not is_so():
            await asyncio.sleep(0.05)


async def test_a_sweep_that_fails_is_counted_and_has_its_next_turn(database: Database) -> None:
    turns: list[AsyncSession] = []

    async def sweep(session: AsyncSession) -> None:
        turns.append(session)
        if len(turns) == 1:
            raise LookupError

    counted = failures()
    async with sweeping(Sweeper(database, [Sweep("tests.sweep", EVERY_SECOND, sweep)], counted)):
        await eventually(lambda: len(turns) >= 2)
    assert counted.labels("tests.sweep")._value.get() == 1


async def test_two_processes_do_not_do_one_sweep_at_once_and_a_slow_one_keeps_no_other_waiting(
    database: Database,
) -> None:
    at_once, most, quick_turns, slow_turns = 0, 0, 0, 0

    async def slow(session: AsyncSession) -> None:
        nonlocal at_once, most, slow_turns
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(2.2)
        at_once -= 1
        slow_turns += 1

    async def quick(session: AsyncSession) -> None:
        nonlocal quick_turns
        quick_turns += 1 if at_once else 0

    sweeps = [Sweep("tests.slow", EVERY_SECOND, slow), Sweep("tests.quick", EVERY_SECOND, quick)]
    async with sweeping(Sweeper(database, sweeps, failures()), Sweeper(database, sweeps, failures())):
        await eventually(lambda: slow_turns >= 2)
    assert most == 1
    assert quick_turns >= 2
