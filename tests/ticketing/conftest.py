from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kit.db import Database
from kit.events import RecordingOutbox
from tests.ticketing.town import Town, settled, staff_up


@pytest.fixture
async def town(database: Database, outbox: RecordingOutbox, tmp_path: Path) -> AsyncIterator[Town]:
    async with settled(database, outbox, tmp_path / "files") as town:
        await staff_up(town)
        yield town


@pytest.fixture
async def empty_town(database: Database, outbox: RecordingOutbox, tmp_path: Path) -> AsyncIterator[Town]:
    """Nobody is hired."""
    async with settled(database, outbox, tmp_path / "files") as town:
        yield town
