"""Periodic looks for what is due. No jobs: one that is missed needs no record, its next turn does it all."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from zlib import crc32

from croniter import croniter
from prometheus_client import Counter
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kit.cancellation import raise_if_cancelled
from kit.db import Database
from kit.logs import logger

log = logger(__name__)

# Class of advisory locks: one a sweep, so that several processes do not do the same at once.
SWEEP_LOCKS = 0x5A48_0021
AT_ONCE = 2
# A process that is paused at a sweep is ended by the server, so that others can do it. Some sweeps use the network.
RESTS_AT_MOST = "60s"
# Nobody sleeps longer without looking at the clock, which may be set meanwhile.
LONGEST_SLEEP_S = 60.0
# One that waits for ever must not keep the others from their turns.
LONGEST_TURN_S = 120.0


@dataclass(frozen=True)
class Sweep:
    """`cron` is in UTC and may have a sixth field for seconds. A `call` that says True has left something to do: it is
    called again at once, in a transaction of its own."""

    name: str
    cron: str
    call: Callable[[AsyncSession], Awaitable[bool | None]]


class Sweeper:
    """`run` until cancelled, in as many processes as you like. `failures` has the sweep's name as its label."""

    def __init__(self, database: Database, sweeps: Iterable[Sweep], failures: Counter) -> None:
        self._database = database
        self._sweeps = list(sweeps)
        self._failures = failures
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._failing: set[str] = set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for sweep in self._sweeps:
                group.create_task(self._repeat(sweep), name=f"sweep {sweep.name}")

    async def _repeat(self, sweep: Sweep) -> None:
        """A slow one misses turns; they are not piled up."""
        while True:
            await until_due(sweep.cron)
            is_left = True
            while is_left:
                async with self._turns:
                    is_left = await self._turn(sweep)
                raise_if_cancelled()

    async def _turn(self, sweep: Sweep) -> bool:
        """Whether something is left to do. A failure is counted each time, told once; the next turn tries again."""
        try:
            async with asyncio.timeout(LONGEST_TURN_S):
                is_left = await self._sweep(sweep)
        except Exception:
            self._failures.labels(sweep.name).inc()
            if sweep.name not in self._failing:
                self._failing.add(sweep.name)
                log.exception("sweep failed", sweep=sweep.name)
            return False
        if sweep.name in self._failing:
            self._failing.remove(sweep.name)
            log.info("sweep works again", sweep=sweep.name)
        return is_left

    async def _sweep(self, sweep: Sweep) -> bool:
        lock = func.pg_try_advisory_xact_lock(SWEEP_LOCKS, crc32(sweep.name.encode()) - 2**31)
        limit = func.set_config("idle_in_transaction_session_timeout", RESTS_AT_MOST, True)
        async with self._database.transaction() as session:
            return bool(await session.scalar(select(lock, limit)) and await sweep.call(session))


async def until_due(
    cron: str,
    *,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Returns at the cron's next time or, by a timer or a clock that jumps, after it; never before. Times: Unix, s."""
    seen = now()
    due = croniter(cron, seen).get_next()
    while seen < due:
        await sleep(min(due - seen, LONGEST_SLEEP_S))
        before, seen = seen, now()
        if seen < before:  # set back: what was due is too far away now
            due = croniter(cron, seen).get_next()
