"""The parts of the hub that may run apart, and running some or all of them in this process."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Collection, Iterator
from enum import StrEnum

from hub.bootstrap import Hub, build
from hub.infrastructure import Infrastructure, infrastructure
from hub.settings import HubSettings
from kit.logs import logger

log = logger(__name__)


class Role(StrEnum):
    ADAPTERS = "adapters"
    STORE = "store"
    JUDGE = "judge"
    API = "api"
    JOBS = "jobs"


Prepare = Callable[[Hub], Awaitable[None]]


async def run(settings: HubSettings, *, roles: Collection[Role], prepare: Prepare | None = None) -> None:
    """Runs the roles until INT or TERM; then each ends in order and every child server is stopped.

    `prepare` is awaited once, after migration and before any role starts.
    """
    with _stop_on_signals():
        async with infrastructure(settings) as infra:
            await run_on(settings, infra, roles=roles, prepare=prepare)


async def run_on(
    settings: HubSettings, infra: Infrastructure, *, roles: Collection[Role], prepare: Prepare | None = None
) -> None:
    """Like `run`, on servers that are up already."""
    async with build(settings, infra) as hub:
        if prepare is not None:
            await prepare(hub)
        await hub.refresh_directory()
        async with asyncio.TaskGroup() as group:
            for name, work in hub.work_of(roles).items():
                group.create_task(work(), name=name)
            log.info("hub is up", roles=[role.value for role in roles])


@contextlib.contextmanager
def _stop_on_signals() -> Iterator[None]:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    except asyncio.CancelledError:
        log.info("hub stopped")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
