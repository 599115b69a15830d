"""Everything `python -m simulators serve` runs: fleet, its control, the fake platform. Ends in order within 3 s."""

import asyncio
import contextlib
import os
import signal
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
import uvicorn
from fastapi import FastAPI

from building.declaration import SiteDeclaration, parse_site
from kit.clock import Clock, SystemClock
from kit.i18n import Texts
from kit.logs import logger
from kit.supervision.ports import require_free
from simulators.control import control_app
from simulators.fleet_run import running_fleet
from simulators.modbus.fleet_gateways import load_profiles
from simulators.platform.accounts import Accounts
from simulators.platform.app import platform_app
from simulators.settings import ROOMS_WITH_TEXTS, SimulatorSettings

log = logger(__name__)

PARENT_CHECK_S = 0.5
HTTP_CLOSE_S = 1


@dataclass(frozen=True)
class Parts:
    """Which parts to run."""

    fleet: bool
    platform: bool


async def serve(settings: SimulatorSettings, parts: Parts) -> None:
    """Runs until SIGINT, SIGTERM or the parent's death. Raises PortTaken, BadDeclaration, BadProfile."""
    clock, texts = SystemClock(), Texts.load(ROOMS_WITH_TEXTS)
    ending = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    async with AsyncExitStack() as stack:
        tasks: list[asyncio.Future[None]] = []
        if parts.platform:
            tasks.append(await stack.enter_async_context(_running_platform(settings, clock, texts)))
        if parts.fleet:
            tasks += await stack.enter_async_context(_running_devices(settings, clock, texts))
        if settings.parent_pid is not None:
            tasks.append(asyncio.create_task(_parent_gone(settings.parent_pid), name="parent"))
        tasks.append(asyncio.create_task(_wait(ending), name="signals"))
        log.info("simulators are running", fleet=parts.fleet, platform=parts.platform)
        done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        for task in done:
            task.result()
    log.info("simulators stopped")


def read_site(settings: SimulatorSettings) -> SiteDeclaration:
    """Raises BadDeclaration."""
    return parse_site(tomllib.loads(settings.site_file.read_text("utf-8")))


@asynccontextmanager
async def _running_platform(
    settings: SimulatorSettings, clock: Clock, texts: Texts
) -> AsyncIterator[asyncio.Future[None]]:
    async with httpx.AsyncClient(trust_env=False) as http:
        app = platform_app(accounts=Accounts(), hub_url=settings.hub_url, http=http, clock=clock, texts=texts)
        async with _http_server(app, settings.host, settings.platform_port, "HUB_SIM_PLATFORM_PORT") as task:
            yield task


@asynccontextmanager
async def _running_devices(
    settings: SimulatorSettings, clock: Clock, texts: Texts
) -> AsyncIterator[list[asyncio.Future[None]]]:
    require_free(settings.host, settings.http_port, setting="HUB_SIM_HTTP_PORT")
    async with running_fleet(read_site(settings), load_profiles(settings.profiles), settings, clock) as run:
        app = control_app(fleet=run.fleet, links=run.links, clock=clock, texts=texts)
        async with _http_server(app, settings.host, settings.http_port, "HUB_SIM_HTTP_PORT") as server:
            yield [asyncio.create_task(run.run(), name="fleet"), server]


class _Server(uvicorn.Server):
    """Leaves signals to `serve`, which ends all parts together."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _http_server(app: FastAPI, host: str, port: int, setting: str) -> AsyncIterator[asyncio.Future[None]]:
    """Yields a future that is done when the server has failed. Cancelling it stops nothing: leaving the block does."""
    require_free(host, port, setting=setting)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=HTTP_CLOSE_S,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(), name=f"http {port}")
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn tells by a flag only
            await asyncio.sleep(0.02)
        yield asyncio.shield(task)
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


async def _parent_gone(parent_pid: int) -> None:
    """Returns when that process is gone."""
    while True:
        try:
            os.kill(parent_pid, 0)
        except ProcessLookupError:
            log.info("parent is gone", parent_pid=parent_pid)
            return
        except PermissionError:
            pass  # it lives, under another account
        await asyncio.sleep(PARENT_CHECK_S)
