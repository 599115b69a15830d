"""Two worker processes; the one that has a job is killed with -9, and the other one does it."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from kit.db import Database
from kit.jobs import defer, new_app
from tests.conftest import LIVENESS_S
from tests.kit.job_worker import JOB

ROOT = Path(__file__).parents[2]
FOR_EVER_S = 600.0
RESUMED_WITHIN_S = 15.0


@asynccontextmanager
async def worker(database_url: str, *, job_takes_s: float) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.kit.job_worker", database_url, str(job_takes_s), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        await says(process, "ready")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def says(process: asyncio.subprocess.Process, word: str) -> None:
    """Returns when the process has printed it; what it logs in between is passed over."""
    assert process.stdout is not None
    async with asyncio.timeout(LIVENESS_S):
        while (line := await process.stdout.readline()) != f"{word}\n".encode():
            assert line, f"the worker ended before it was {word}"


@pytest.mark.parametrize("within_s", [LIVENESS_S, pytest.param(RESUMED_WITHIN_S, marks=pytest.mark.long)])
async def test_a_killed_workers_job_is_resumed_by_another(database: Database, within_s: float) -> None:
    app = new_app(database.url)
    async with app.open_async(), worker(database.url, job_takes_s=FOR_EVER_S) as first:
        async with database.transaction() as session:
            await defer(session, app, JOB)
        await says(first, "taken")
        async with worker(database.url, job_takes_s=0.0) as second:
            first.kill()
            killed = time.monotonic()
            await says(second, "taken")
            took_s = time.monotonic() - killed
            await says(second, "done")
            await nothing_is_left(database)
    print(f"the job of a killed worker was resumed after {took_s:.1f} s")
    assert took_s <= within_s


async def nothing_is_left(database: Database) -> None:
    async with asyncio.timeout(LIVENESS_S):
        while True:
            async with database.transaction() as session:
                if not await session.scalar(text("SELECT count(*) FROM procrastinate_jobs")):
                    return
            await asyncio.sleep(0.05)
