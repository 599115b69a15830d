"""Jobs on the same PostgreSQL, by procrastinate: events and deferred calls; and the sweeps beside them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision, RetryStrategy
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import DEFAULT_QUEUE, Job, Status
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from kit.backoff import Backoff
from kit.cancellation import raise_if_cancelled
from kit.crash_points import CrashPoint, crash_here
from kit.db import Database, driver_connection, plain_url
from kit.events import DELIVER, LIFE_SAFETY_QUEUE, Origin, Subscription, set_origin
from kit.logs import logger
from kit.sweeps import Sweep, Sweeper

log = logger(__name__)

HEARTBEAT_S = 3.0
# A killed worker's job is with another within 13 s: silent for 10, seen within 2, fetched within 1.
STALLED_AFTER_S = 10.0
RESCUE_EVERY_S = 2.0
FETCH_EVERY_S = 1.0
WORKED_WELL_S = 10.0
# Waits of 2, 4, 8, … seconds, over an hour in all: long enough to outlive a restart of what a handler needs.
DELIVERY_RETRY = RetryStrategy(max_attempts=12, exponential_wait=2)


@dataclass(frozen=True)
class JobKind:
    """A named piece of deferred work: `call(session, **arguments)` in a transaction of its own."""

    name: str
    call: Callable[..., Awaitable[None]]
    queue: str = DEFAULT_QUEUE
    retry: RetryStrategy | None = None


def new_app(database_url: str, *, pool_size: int = 4) -> App:
    return App(connector=PsycopgConnector(conninfo=plain_url(database_url), min_size=1, max_size=pool_size))


async def defer(session: AsyncSession, app: App, name: str, *, queue: str = DEFAULT_QUEUE, **arguments: Any) -> None:
    """Runs the JobKind `name` after this session commits; never if it rolls back."""
    connection = await driver_connection(session)
    await app.configure_task(name, queue=queue, connection=connection).defer_async(**arguments)


class JobMeters:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.failures = Counter("hub_job_failures", "Attempts that failed, of sweeps too", ["task"], registry=registry)
        self.given_up = Counter("hub_jobs_given_up", "Jobs that failed at every attempt", ["task"], registry=registry)
        self.put_back = Counter("hub_jobs_put_back", "Jobs of workers that stopped", ["task"], registry=registry)


class CountedRetry(BaseRetryStrategy):
    """Another strategy, whose failures are counted and told."""

    def __init__(self, retry: RetryStrategy, meters: JobMeters) -> None:
        self._retry = retry
        self._meters = meters

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        self._meters.failures.labels(job.task_name).inc()
        decision = self._retry.get_retry_decision(exception=exception, job=job)
        say = log.warning
        if decision is None:
            self._meters.given_up.labels(job.task_name).inc()
            say = log.error
        what = {
            "task": job.task_name,
            "job_id": job.id,
            "handler": job.task_kwargs.get("handler"),
            "tried": job.attempts,
        }
        say("job failed", **what, is_over=decision is None, exc_info=exception)
        return decision


class JobRunner:
    """Registers handlers, job kinds and sweeps on the app and runs its workers."""

    def __init__(
        self,
        app: App,
        database: Database,
        *,
        subscriptions: Iterable[Subscription] = (),
        jobs: Iterable[JobKind] = (),
        sweeps: Iterable[Sweep] = (),
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._app = app
        self._meters = JobMeters(registry or CollectorRegistry())
        self._database = database
        rows = list(subscriptions)
        # Jobs of a release before this one name the handler alone: the first event it was subscribed to is meant.
        self._handlers = {row.name: row for row in reversed(rows)} | {row.key: row for row in rows}
        app.task(name=DELIVER, retry=CountedRetry(DELIVERY_RETRY, self._meters))(self._deliver)
        for job in jobs:
            self._add_job(job)
        self._sweeper = Sweeper(database, sweeps, self._meters.failures)

    @asynccontextmanager
    async def running(self, *, concurrency: int = 8) -> AsyncIterator[None]:
        """Workers for ordinary jobs and, apart from them, for life safety; and the sweeps. Stopped at exit."""
        async with asyncio.TaskGroup() as group:
            workers = [
                group.create_task(self._work("jobs", [DEFAULT_QUEUE], concurrency), name="jobs"),
                group.create_task(self._sweeper.run(), name="sweeps"),
                group.create_task(self._work("life-safety", [LIFE_SAFETY_QUEUE], 4), name="life-safety jobs"),
            ]
            try:
                yield
            finally:
                for worker in workers:
                    worker.cancel()

    async def _work(self, name: str, queues: list[str], concurrency: int) -> None:
        """One worker after the other: each ends with its connection when the database is restarted."""
        backoff = Backoff(first_s=0.2, longest_s=2.0)
        while True:
            started = time.monotonic()
            try:
                await self._run_worker(name, queues, concurrency)
            except Exception as error:
                log.warning("worker ended", worker=name, error=repr(error))
            raise_if_cancelled()
            if time.monotonic() - started > WORKED_WELL_S:
                backoff.reset()
            await asyncio.sleep(backoff.next_s())

    async def _run_worker(self, name: str, queues: list[str], concurrency: int) -> None:
        await self._app.run_worker_async(
            name=name,
            queues=queues,
            concurrency=concurrency,
            wait=True,
            install_signal_handlers=False,
            delete_jobs="successful",
            fetch_job_polling_interval=FETCH_EVERY_S,
            update_heartbeat_interval=HEARTBEAT_S,
            stalled_worker_timeout=STALLED_AFTER_S,
            shutdown_graceful_timeout=5.0,
        )

    async def _deliver(
        self, *, handler: str, event: dict[str, Any], event_id: str | None = None, causes: Sequence[str] = ()
    ) -> None:
        subscription = self._handlers[handler]
        crash_here(CrashPoint.JOBS_TAKEN)
        async with self._database.transaction() as session:
            # Jobs of a release before this one say neither.
            set_origin(session, Origin(UUID(event_id) if event_id else None, tuple(causes)))
            await subscription.handler(session, msgspec.convert(event, subscription.event, strict=False))
        crash_here(CrashPoint.JOBS_HANDLED)

    def _add_job(self, job: JobKind) -> None:
        async def run(**arguments: Any) -> None:
            async with self._database.transaction() as session:
                await job.call(session, **arguments)

        retry = CountedRetry(job.retry or DELIVERY_RETRY, self._meters)
        self._app.task(name=job.name, queue=job.queue, retry=retry)(run)

    async def keep_rescuing(self) -> None:
        """Puts jobs of workers that were killed back in the queue, endlessly. No job: those are what may be stuck."""
        while True:
            await asyncio.sleep(RESCUE_EVERY_S)
            try:
                await self.rescue_stalled()
            except Exception:  # the database is away: the workers say so, and we look again
                log.warning("stalled jobs could not be looked for")
            raise_if_cancelled()

    async def rescue_stalled(self) -> int:
        """Puts jobs of workers that stopped beating back in the queue; how many."""
        stalled = list(await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S))
        for job in stalled:
            await self._put_back(job)
            self._meters.put_back.labels(job.task_name).inc()
            log.warning("stalled job put back", job_id=job.id, task=job.task_name)
        return len(stalled)

    async def _put_back(self, job: Job) -> None:
        try:
            await self._app.job_manager.retry_job(job)
        except UniqueViolation:
            # Its like waits already (`queueing_lock`): that one does it all, and this one must not keep others waiting.
            await self._app.job_manager.finish_job(job, Status.ABORTED, delete_job=True)
