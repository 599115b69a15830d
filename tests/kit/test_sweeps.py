"""Sweeps on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import Database
from kit.sweeps import Sweep, Sweeper, until_due
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


async def test_a_sweep_that_leaves_something_goes_on_at_once_in_a_transaction_of_its_own(database: Database) -> None:
    turns: list[int] = []

    async def sweep(session: AsyncSession) -> bool:
        turns.append(await session.scalar(text("SELECT pg_current_xact_id()::text::bigint")) or 0)
        return len(turns) < 4

    # Due at the next full second and then never again within the test, were it not for what is left.
    second = datetime.now(UTC) + timedelta(seconds=2)
    once = f"{second.minute} {second.hour} {second.day} {second.month} * {second.second}"
    async with sweeping(Sweeper(database, [Sweep("tests.long", once, sweep)], failures())):
        await eventually(lambda: len(turns) == 4)
    assert len(set(turns)) == 4


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


async def test_two_sweeps_that_wait_for_ever_are_given_up_so_that_the_others_have_their_turns(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.sweeps.LONGEST_TURN_S", 0.5)
    turns = 0

    async def stuck(session: AsyncSession) -> None:
        await asyncio.Event().wait()

    async def quick(session: AsyncSession) -> None:
        nonlocal turns
        turns += 1

    calls = {"tests.stuck": stuck, "tests.stuck_too": stuck, "tests.quick": quick}
    counted = failures()
    async with sweeping(Sweeper(database, [Sweep(name, EVERY_SECOND, call) for name, call in calls.items()], counted)):
        await eventually(lambda: turns >= 3 and counted.labels("tests.stuck")._value.get() >= 2)


@dataclass
class Clock:
    """`late_s`: how much later than asked each timer wakes whoever sleeps."""

    now_s: float
    late_s: float
    set_back_s: float = 0.0

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += max(seconds + self.late_s, 1e-4) - self.set_back_s
        self.set_back_s = 0.0


DUE = datetime(2026, 11, 23, 3, 17, tzinfo=UTC).timestamp()
DAY_S = 86_400.0


@pytest.mark.parametrize("late_s", [0.0, 0.3, -0.004], ids=["in time", "late", "early"])
@pytest.mark.parametrize("before_s", [0.001, 59.9, 60.2, 3_600.1])
async def test_a_daily_sweep_is_due_once_a_day_however_timers_wake(late_s: float, before_s: float) -> None:
    clock = Clock(DUE - before_s, late_s)
    for day in range(3):
        await until_due("17 3 * * *", now=clock.now, sleep=clock.sleep)
        assert 0 <= clock.now_s - (DUE + day * DAY_S) < 1


async def test_a_clock_that_is_set_back_by_days_does_not_keep_a_sweep_waiting_for_the_day_it_had_in_mind() -> None:
    clock = Clock(DUE - 600, 0.0, set_back_s=5 * DAY_S)
    await until_due("17 3 * * *", now=clock.now, sleep=clock.sleep)
    assert clock.now_s == pytest.approx(DUE - 5 * DAY_S)
