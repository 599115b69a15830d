"""Every engine of `TelemetryStore`, its servers started once."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from telemetry.store import TelemetryStore
from tests.contracts.engines import ENGINES, Engines

Open = Callable[[Path], AbstractAsyncContextManager[TelemetryStore]]


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    engines = Engines(tmp_path_factory.mktemp("engines"))
    with engines.stack:
        yield engines


@pytest.fixture(params=ENGINES)
def engine(engines: Engines, request: pytest.FixtureRequest) -> Open:
    return partial(engines.open, request.param)


@pytest.fixture
async def store(engine: Open, tmp_path: Path) -> AsyncIterator[TelemetryStore]:
    async with engine(tmp_path) as store:
        yield store
