"""Brings the counters of all processes together: each adds what it counted to one table, every few seconds.

So the desk sees every process, also those that ended; a kill loses the last seconds of its counts. `/metrics` of each
process has the same counters as they are.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from hub import drop_repository as repository
from hub.drops import DROPS, CountKey, Drop, counts_of
from kit.clock import Clock
from kit.db import Database
from kit.logs import logger

log = logger(__name__)

WRITE_EVERY_S = 5.0
GOODBYE_S = 2.0
KEEP = timedelta(days=90)


@dataclass(frozen=True)
class Place:
    """Where something was dropped: the counter's labels, and the process. `day` and `week` end now."""

    labels: Mapping[str, str]
    process: str
    day: int
    week: int
    last_at: datetime


@dataclass(frozen=True)
class DropReport:
    """A row of the table with what was counted; `places` the most frequent of the week first."""

    drop: Drop
    places: list[Place] = field(default_factory=list)


class DropTallies:
    """`run` beside every role; `report` for the API. `process` names this one: the same after a restart."""

    def __init__(self, database: Database, registry: CollectorRegistry, clock: Clock, *, process: str) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._process = process
        self._written: dict[CountKey, int] = {}

    async def run(self) -> None:
        """Writes until cancelled, and once more then. While the database is away the counts wait in memory."""
        try:
            while True:
                await asyncio.sleep(WRITE_EVERY_S)
                with contextlib.suppress(SQLAlchemyError, OSError):
                    await self.write()
        finally:
            with contextlib.suppress(SQLAlchemyError, OSError, TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await self.write()

    async def write(self) -> None:
        """Adds what was counted since the last time."""
        counts = dict(counts_of(self._registry))
        fresh = {key: count - self._written.get(key, 0) for key, count in counts.items()}
        now = self._clock.now()
        rows = [
            {
                "counter": counter, "labels": json.dumps(dict(labels), ensure_ascii=False), "process": self._process,
                "hour": now.replace(minute=0, second=0, microsecond=0), "count": count, "last_at": now,
            }
            for (counter, labels), count in sorted(fresh.items())
            if count > 0
        ]  # fmt: skip
        if rows:
            async with self._database.transaction() as session:
                await repository.add(session, rows)
        self._written = counts

    async def report(self, session: AsyncSession) -> list[DropReport]:
        """Every row of the table, counted or not, in the table's order."""
        now = self._clock.now()
        week, day = now - timedelta(days=7), now - timedelta(days=1)
        reports = {drop.counter: DropReport(drop) for drop in DROPS}
        for counter, labels, process, in_week, in_day, last_at in await repository.since(session, week=week, day=day):
            if counter in reports:
                place = Place(json.loads(labels), process, in_day, in_week, last_at)
                reports[counter].places.append(place)
        for report in reports.values():
            report.places.sort(key=lambda place: (-place.week, place.process))
        return list(reports.values())

    async def sweep(self, session: AsyncSession) -> None:
        await repository.forget_before(session, self._clock.now() - KEEP)
