"""A program that appends (and compacts) for ever and says after each append what is kept. Tests kill it with -9."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from building.reading import ReadingBatch
from kit.clock import FakeClock, to_ms
from kit.logs import configure_logs
from telemetry.duckdb_store import DuckDbStore

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
DAY_MS = 86_400_000
POINTS = 50
FIRST_MS = to_ms(NOW) - 2 * DAY_MS


def message(sequence: int) -> ReadingBatch:
    """One reading of each point; the sequence gives the time and the value."""
    return ReadingBatch(
        np.arange(1, POINTS + 1, dtype=np.int32),
        np.full(POINTS, FIRST_MS + sequence * 1_000, np.int64),
        np.full(POINTS, float(sequence)),
        np.zeros(POINTS, np.uint8),
    )


async def write_for_ever(home: Path, *, compacts: bool) -> None:
    async with DuckDbStore(home, clock=FakeClock(NOW)) as store:
        sequence = 0
        while True:
            sequence += 1
            await store.append([(sequence, message(sequence))])
            print(sequence, flush=True)
            if compacts and sequence % 5 == 0:
                await store.compact()


if __name__ == "__main__":
    configure_logs(level="WARNING")  # standard output holds acknowledgements only
    asyncio.run(write_for_ever(Path(sys.argv[1]), compacts=sys.argv[2] == "compacts"))
