"""The process in which models look at readings, without the rooms of the hub that it does not need.

`hub run predict`, or `python -m hub.models_alone` as `hub serve` runs it beside itself. It knows the catalog, the bus,
the store and the models; what it finds goes to a job, so that it need not know who hears of it.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import Final

import uvloop
from prometheus_client import CollectorRegistry

from bus.client import Bus
from bus.owner import OwnerGroup
from bus.sharing import WorkShare
from catalog.directory import Directory, LiveDirectory
from hub.directory_keeper import DirectoryKeeper
from hub.drop_tally import DropTallies
from hub.infrastructure import bus_settings, infrastructure
from hub.settings import HubSettings
from hub.signals import stopped_by_signals
from kit.announcements import Announcements
from kit.clock import SystemClock
from kit.db import Database
from kit.heap import settled_heap, thrifty_heap
from kit.jobs import new_app
from kit.logs import configure_logs, logger, name_process
from predictive.health.book import HealthBook
from predictive.settings import PredictiveSettings
from predictive.streaming.handing import Handing
from predictive.streaming.room import Streaming
from predictive.training.fresh_start import FreshStarts
from predictive.training.settings import TrainingSettings
from predictive.training.store import ModelStore
from telemetry.remote import RemoteTelemetry
from telemetry.settings import TelemetrySettings
from telemetry.store import TelemetryQueries

log = logger(__name__)

NAME: Final = "predict"
ENDS_WITHIN_S: Final = 20.0


async def run(settings: HubSettings) -> None:
    """Until INT or TERM."""
    name_process(NAME)
    with stopped_by_signals():
        async with infrastructure(settings) as infra, AsyncExitStack() as stack:
            registry, clock = CollectorRegistry(), SystemClock()
            database = await stack.enter_async_context(Database(infra.database_url))
            jobs = new_app(infra.database_url, pool_size=1)
            await stack.enter_async_context(jobs.open_async())
            bus = await stack.enter_async_context(Bus(bus_settings(settings, infra), registry=registry))
            directory = LiveDirectory(Directory.of(0, ()))
            keeper = DirectoryKeeper(database, directory)
            await keeper.refresh()
            owner = f"{socket.gethostname()}-{os.getpid()}"
            share = WorkShare(database.url, group=OwnerGroup.PREDICTORS, owner=owner)
            await stack.enter_async_context(share)
            learning_days = TrainingSettings().learning_days
            streaming = Streaming(
                database=database, directory=directory, queries=await _queries(settings, bus, stack),
                store=ModelStore(secret=infra.secrets.get("model_secret"), clock=clock), fresh_starts=FreshStarts(),
                taking=Handing(jobs), evidence=HealthBook(), settings=PredictiveSettings(),
                learning_days=learning_days, clock=clock, registry=registry,
            )  # fmt: skip
            line = streaming.line(bus, share)
            announcements = Announcements(database.url, registry=registry)
            for hearer in (keeper.hear, line.hear):
                announcements.subscribe(hearer)
            tallies = DropTallies(database, registry, clock, process=f"{socket.gethostname()} {NAME}")
            with settled_heap(), _ended_within(ENDS_WITHIN_S):
                async with asyncio.TaskGroup() as group:
                    for name, work in (
                        ("announcements", announcements.run), ("directory", keeper.run), ("drop tallies", tallies.run),
                        ("models", line.run), ("health", partial(_answer_health, settings, database, bus, registry)),
                    ):  # fmt: skip
                        group.create_task(work(), name=name)
                    log.info("models are up")


async def _queries(settings: HubSettings, bus: Bus, stack: AsyncExitStack) -> TelemetryQueries:
    """A server's own, or those of the process that owns the file."""
    telemetry = TelemetrySettings()
    if not telemetry.is_server:
        return RemoteTelemetry(bus)
    from telemetry.engines import open_engine  # brings every engine's library

    engine = open_engine(telemetry, folder=settings.var / "telemetry", clock=SystemClock())
    return await stack.enter_async_context(engine)


@contextmanager
def _ended_within(seconds: float) -> Iterator[None]:
    """After the block the process ends in so many seconds at the latest: a thread in which a model does not come back
    would keep it for ever, and whoever started it may be gone."""
    try:
        yield
    finally:
        last = threading.Timer(seconds, os._exit, [os.EX_SOFTWARE])
        last.daemon = True
        last.start()


async def _answer_health(
    settings: HubSettings, database: Database, bus: Bus, registry: CollectorRegistry
) -> None:  # fmt: skip
    if settings.health_port:
        from hub.health import Readiness, servers_answer  # a web server's libraries are a fifth of this process
        from hub.serving import serve_health

        await serve_health(Readiness(servers_answer(database, bus)), settings, registry)


def main() -> None:
    """Beside a hub that answers for both."""
    thrifty_heap()
    settings = HubSettings()
    configure_logs(level=settings.log_level, as_json=settings.log_json)
    uvloop.run(run(settings))


if __name__ == "__main__":
    main()
