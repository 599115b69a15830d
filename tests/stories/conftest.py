"""One running demo for all stories of a module: the servers, the fleet and the fake services that a user gets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.stories.harness import Demo


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    folder: Path = tmp_path_factory.mktemp("demo")
    running = Demo(folder)
    await running.start()
    yield running
    running.stop()
