"""What tests of the telling of alarms share."""

from collections.abc import AsyncIterator

import pytest

from kit.db import Database
from kit.events import RecordingOutbox
from tests.notify.alerting.watch import Watch, watching


@pytest.fixture
async def watch(database: Database, outbox: RecordingOutbox) -> AsyncIterator[Watch]:
    async with watching(database, outbox) as found:
        yield found
