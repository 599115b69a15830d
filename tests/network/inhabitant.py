"""A process behind a cable: writes to the database and to the bus without end, and says how each attempt went.

`python -m tests.network.inhabitant DATABASE_URL BUS_URL PASSWORD`; lines `database NUMBER`, `bus NUMBER`, `error WHAT`.
"""

import asyncio
import itertools
import sys

from sqlalchemy import text

from building.reading import Reading, ReadingBatch
from bus.client import Bus, BusSettings
from kit.db import Database
from kit.supervision.nats import BUS_USER

PAUSE_S = 0.1


async def write(database: Database) -> None:
    for number in itertools.count():
        try:
            async with database.transaction() as session:
                await session.execute(text("INSERT INTO note VALUES (:number)"), {"number": number})
            print(f"database {number}", flush=True)
        except Exception as error:
            print(f"error database {type(error).__name__}", flush=True)
        await asyncio.sleep(PAUSE_S)


async def publish(bus: Bus) -> None:
    for number in itertools.count():
        await bus.publish(1, ReadingBatch.of([Reading(1, 1_700_000_000_000 + number, float(number))]))
        print(f"bus {number}", flush=True)
        await asyncio.sleep(PAUSE_S)


async def main(database_url: str, bus_url: str, password: str) -> None:
    settings = BusSettings(bus_url, BUS_USER, password)
    async with Database(database_url) as database, Bus(settings) as bus, asyncio.TaskGroup() as group:
        group.create_task(write(database))
        group.create_task(publish(bus))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
