"""The demo site with its people room, as bootstrap would build it."""

import tomllib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from building.declaration import SiteDeclaration, parse_site
from catalog.loader import apply_declaration
from kit.access import Role, Scope
from kit.clock import FakeClock
from kit.db import Database
from tests.api import client_of
from tests.people.room import PeopleRoom, people_room

ROOT = Path(__file__).parents[2]

# 3 buildings of 2 units, 2 floors, 2 rooms: enough homes to confuse each other.
SITE = """
[site]
code = "here"
name = "小区"
timezone = "Asia/Shanghai"
[[buildings]]
for = { b = "1..3" }
code = "B{b:02}"
name = "{b}栋"
[[spaces]]
for = { b = "1..3", u = "1..2" }
kind = "unit"
code = "{b}-{u}"
name = "{u}单元"
building = "B{b:02}"
[[spaces]]
for = { b = "1..3", u = "1..2", f = "1..2", r = "1..2" }
kind = "room"
code = "{b}-{u}-{f}{r:02}"
name = "{f}{r:02}"
building = "B{b:02}"
parent = "{b}-{u}"
"""


def declaration(code: str = "here") -> SiteDeclaration:
    raw = tomllib.loads(SITE)
    raw["site"]["code"] = code
    return parse_site(raw)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 11, 22, 2, 0, tzinfo=UTC))  # 10:00 in Shanghai


@pytest.fixture
def room(database: Database, clock: FakeClock) -> PeopleRoom:
    return people_room(database, clock)


async def open_site(room: PeopleRoom, code: str) -> UUID:
    async with room.database.transaction() as session:
        await apply_declaration(session, declaration(code), {})
        sites = await room.catalog.sites(session, Scope.everywhere())
        return next(site.id for site in sites if site.code == code)


@pytest.fixture
async def site_id(room: PeopleRoom) -> UUID:
    return await open_site(room, "here")


@pytest.fixture
async def elsewhere(room: PeopleRoom) -> UUID:
    return await open_site(room, "elsewhere")


@pytest.fixture
async def manager(room: PeopleRoom, site_id: UUID) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(room.app, token=room.logins.add(Role.MANAGER, site_id=site_id)) as client:
        yield client


@pytest.fixture
async def admin(room: PeopleRoom) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(room.app, token=room.logins.add(Role.ADMIN)) as client:
        yield client
