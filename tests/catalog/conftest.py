"""A small site, and the demo site, in a real PostgreSQL."""

import tomllib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from building.declaration import SiteDeclaration, parse_site
from building.profile import DeviceProfile
from catalog.profiles import load_profiles
from kit.access import Role
from kit.clock import FakeClock
from kit.db import Database
from tests.api import client_of
from tests.catalog.api import CatalogRoom, catalog_room, open_site

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def profiles() -> dict[str, DeviceProfile]:
    return load_profiles(ROOT / "device_adapters" / "profiles")


@pytest.fixture(scope="session")
def demo() -> SiteDeclaration:
    return parse_site(tomllib.loads((ROOT / "hub" / "demo" / "site.toml").read_text("utf-8")))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 11, 22, 2, 0, tzinfo=UTC))


@pytest.fixture
def room(database: Database, profiles: dict[str, DeviceProfile], clock: FakeClock) -> CatalogRoom:
    return catalog_room(database, profiles, clock)


@pytest.fixture
async def site_id(room: CatalogRoom) -> UUID:
    return await open_site(room, "here")


@pytest.fixture
async def manager(room: CatalogRoom, site_id: UUID) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a manager of the one site `here`."""
    async with client_of(room.app, token=room.logins.add(Role.MANAGER, site_id=site_id)) as client:
        yield client
