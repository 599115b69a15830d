"""DuckDB on a disk that refuses each write for a while: whoever meets it first, nothing that was kept is lost."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest

from kit.clock import FakeClock, to_ms
from telemetry.duckdb_store import DuckDbStore
from tests.conftest import LIVENESS_S, need
from tests.telemetry.killed_writer import FIRST_MS, NOW, POINTS, message
from torture.disk import DiskError, failing_disk

Work = Callable[[DuckDbStore], Awaitable[object]]
WORK: dict[str, Work] = {
    "an append": lambda store: store.append([(2, message(2))]),
    "upkeep": lambda store: store._write(store._file.rotate),
    "a compaction": lambda store: store.compact(),
}


@pytest.mark.parametrize("error", [DiskError.EIO, DiskError.EROFS])
@pytest.mark.parametrize("first", WORK)
async def test_a_disk_that_failed_costs_nothing_once_it_works_again(
    tmp_path: Path, first: str, error: DiskError
) -> None:
    need("strace", package="strace")
    async with DuckDbStore(tmp_path, clock=FakeClock(NOW)) as store:
        await store.append([(1, message(1))])
        chart = store._file.cursor()  # somebody looks meanwhile, and for longer
        chart.execute("BEGIN; SELECT count(*) FROM fresh_1").fetchall()
        async with failing_disk(lambda: [os.getpid()], error):
            with pytest.raises(duckdb.Error):
                await WORK[first](store)
            with pytest.raises(duckdb.Error):
                await store.append([(2, message(2))])
        await appended(store, 3)
        found = await store.raw([1], start_ms=FIRST_MS, end_ms=to_ms(NOW), limit=100)
        assert {1.0, 3.0} <= set(found.value.tolist()) <= {1.0, 2.0, 3.0}
        assert len(await store.latest(np.arange(1, POINTS + 1).tolist())) == POINTS


async def appended(store: DuckDbStore, sequence: int) -> None:
    """As the store line does: again, until it is kept."""
    async with asyncio.timeout(LIVENESS_S):
        while True:
            try:
                await store.append([(sequence, message(sequence))])
                return
            except duckdb.Error:
                await asyncio.sleep(0.1)
