"""uvicorn run as one task of many: the API, or the health door of a process that serves none."""

import asyncio
import contextlib
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from hub import health
from hub.health import Readiness
from hub.settings import HubSettings
from kit.http import provide
from kit.supervision.ports import require_free

CLOSE_S = 2


class TaskServer(uvicorn.Server):
    """uvicorn that leaves signals to the process it is a part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_api(app: FastAPI, settings: HubSettings) -> None:
    """Serves until cancelled. Raises PortTaken."""
    require_free(settings.http_bind, settings.http_port, setting="HUB_HTTP_PORT")
    await _serve(app, host=settings.http_bind, port=settings.http_port)


async def serve_health(readiness: Readiness, settings: HubSettings, registry: CollectorRegistry) -> None:
    """`/healthz`, `/readyz` and `/metrics` of a process that serves no API, until cancelled. Raises PortTaken."""
    require_free(settings.health_bind, settings.health_port, setting="HUB_HEALTH_PORT")
    app = FastAPI(openapi_url=None)
    app.include_router(health.router)
    provide(app, readiness)
    provide(app, registry, as_type=CollectorRegistry)
    await _serve(app, host=settings.health_bind, port=settings.health_port)


async def _serve(app: FastAPI, *, host: str, port: int) -> None:
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, lifespan="off",
        timeout_graceful_shutdown=CLOSE_S, server_header=False,
    )  # fmt: skip
    server = TaskServer(config)
    # A task of its own, told rather than cancelled to end: uvicorn closes its sockets only on that way out.
    serving = asyncio.create_task(server.serve(), name="uvicorn")
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving
