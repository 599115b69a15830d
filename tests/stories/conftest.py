"""One running demo for all stories of a module: the servers and the fake services that a user gets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.stories.harness import Demo


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    """Without the fleet, unless the module says `FLEET = True`."""
    folder: Path = tmp_path_factory.mktemp("demo")
    running = Demo(folder, fleet=getattr(request.module, "FLEET", False))
    try:
        await running.start()
        yield running
    finally:
        # Ending in order takes 5 s of waiting for nats-server and is tried in `test_demo`; its children see it die.
        running.kill()
