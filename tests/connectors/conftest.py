from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from kit.clock import FakeClock
from tests.connectors.platform import Platform, running_platform


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 11, 22, 4, 0, tzinfo=UTC))


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    async with running_platform() as platform:
        yield platform
