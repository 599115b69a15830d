import pytest

from catalog.profiles import load_profiles
from kit.db import Database
from kit.events import RecordingOutbox
from kit.i18n import Texts
from rules.service import RuleService
from tests.alarms.place import ROOT, Place, small_site


@pytest.fixture
async def place(database: Database, outbox: RecordingOutbox) -> Place:
    place = await small_site(database)
    outbox.events.clear()
    return place


@pytest.fixture
def rules(place: Place) -> RuleService:
    profiles = load_profiles(ROOT / "device_adapters" / "profiles")
    return RuleService(profiles, place.directory, Texts.load(["kit", "rules"]), place.clock)
