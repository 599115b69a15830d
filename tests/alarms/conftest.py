import pytest

from kit.db import Database
from kit.events import RecordingOutbox
from tests.alarms.place import Place, small_site


@pytest.fixture
async def place(database: Database, outbox: RecordingOutbox) -> Place:
    place = await small_site(database)
    outbox.events.clear()
    return place
