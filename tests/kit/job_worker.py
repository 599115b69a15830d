"""A worker as `hub run jobs` is one, with a single kind of job that takes as long as this process was told.

`python -m tests.kit.job_worker DATABASE_URL SECONDS` prints `ready`, and of each job `taken` and `done`.
"""

import asyncio
import sys

from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import Database
from kit.jobs import JobKind, JobRunner, new_app

JOB = "tests.work"


async def work(database_url: str, seconds: float) -> None:
    async def call(session: AsyncSession) -> None:
        print("taken", flush=True)
        await asyncio.sleep(seconds)
        print("done", flush=True)

    app = new_app(database_url)
    async with Database(database_url) as database, app.open_async():
        runner = JobRunner(app, database, jobs=[JobKind(JOB, call)])
        async with runner.running():
            print("ready", flush=True)
            await runner.keep_rescuing()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], float(sys.argv[2])))
