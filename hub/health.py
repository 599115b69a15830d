"""Is the process alive, can it work, what has it counted: `/healthz`, `/readyz`, `/metrics`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from sqlalchemy import text

from bus.client import Bus
from kit.db import Database
from kit.http import Schema
from kit.logs import logger

log = logger(__name__)

CHECK_DEADLINE_S = 3.0

Check = Callable[[], Awaitable[None]]

router = APIRouter(tags=["health"])


class Health(Schema):
    """`ready` is true when every part answers; a part's words are "ok" or what is wrong."""

    ready: bool
    parts: dict[str, str]


class Readiness:
    """Asks each part of the hub whether it can work. A check returns, or raises what is wrong."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks

    async def examine(self) -> Health:
        results = await asyncio.gather(*(self._examine_one(check) for check in self._checks.values()))
        parts = dict(zip(self._checks, results, strict=True))
        return Health(ready=all(words == "ok" for words in results), parts=parts)

    async def _examine_one(self, check: Check) -> str:
        try:
            await asyncio.wait_for(check(), CHECK_DEADLINE_S)
        except TimeoutError:
            return f"no answer within {CHECK_DEADLINE_S:.0f} s"
        except Exception as error:
            # Only its kind: the words may hold addresses and user names, and anybody may ask.
            log.warning("a part of the hub cannot work", error=f"{type(error).__name__}: {error}"[:200])
            return type(error).__name__
        return "ok"


def servers_answer(database: Database, bus: Bus) -> dict[str, Check]:
    """What every process of the hub stands on."""

    async def answering() -> None:
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))

    async def connected() -> None:
        if not bus.is_connected:
            raise ConnectionError("not connected; reconnecting by itself")

    return {"database": answering, "bus": connected}


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answers whenever the process runs."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"model": Health, "description": "a part of the hub cannot work"}})
async def readyz(request: Request, response: Response) -> Health:
    """200 when database and bus answer and the disk takes what is written, else 503 naming the part that does not."""
    readiness: Readiness = request.app.state.services[Readiness]
    health = await readiness.examine()
    response.status_code = 200 if health.ready else 503
    return health


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Counters in Prometheus' text format."""
    registry: CollectorRegistry = request.app.state.services[CollectorRegistry]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
