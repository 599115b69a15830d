"""The hub's whole application in this process, on a real PostgreSQL and a real store: a small site, a caller a role.

No bus: nothing that endpoints do needs one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from catalog.directory import LiveDirectory
from catalog.loader import load_directory
from catalog.profiles import load_profiles
from hub.application import build_api
from hub.drop_tally import DropTallies
from hub.health import Readiness
from hub.live import LiveUpdates
from hub.rooms import Common, Rooms, build_rooms
from hub.settings import HubSettings
from hub.texts import load_texts
from kit.access import Role
from kit.clock import Clock, SystemClock
from kit.db import Database
from kit.events import RecordingOutbox
from kit.jobs import new_app
from people.kinds import PersonKind
from people.models import Account, Membership, Person, RoleGrant
from people.tokens import Claims, TokenUse, sign
from telemetry.engines import open_engine
from telemetry.settings import TelemetrySettings
from tests.small_site import SmallSite, settle

A_DAY = timedelta(days=1)


@dataclass
class WholeApp:
    """`token(Role.MANAGER)` logs somebody in; `here` is their site, `there` another that nobody but an admin sees."""

    app: FastAPI
    rooms: Rooms
    database: Database
    here: SmallSite
    there: SmallSite
    secret: str
    clock: Clock

    async def token(self, *roles: Role, site_id: UUID | None = None, name: str = "某人") -> str:
        """A bearer token of a new person with these roles at `here`; an admin is one of every site."""
        async with self.database.transaction() as session:
            kind = PersonKind.OWNER if roles == (Role.OWNER,) else PersonKind.STAFF
            person = Person(kind=kind, name=name, phone="13912345678", language="zh-CN")
            session.add(person)
            await session.flush()
            session.add(Membership(person_id=person.id, site_id=site_id or self.here.site_id))
            account = Account(person_id=person.id, username=person.id.hex, password_hash="-", token_epoch=0)
            account.is_enabled = True
            session.add(account)
            for role in roles:
                where = None if role is Role.ADMIN and site_id is None else site_id or self.here.site_id
                session.add(RoleGrant(person_id=person.id, role=role.value, site_id=where))
            await session.flush()
            claims = Claims(account.id, account.token_epoch, TokenUse.ACCESS)
        return sign(claims, secret=self.secret, now=self.clock.now(), lifetime=A_DAY)

    @asynccontextmanager
    async def client(self, token: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
        """A client in this process; a fault of ours is answered 500, as outside."""
        headers = {"accept-language": "en"} | ({"authorization": f"Bearer {token}"} if token else {})
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False, client=("10.1.2.3", 4321))
        async with httpx.AsyncClient(transport=transport, base_url="http://hub", headers=headers) as client:
            yield client

    async def seal(self) -> None:
        async with self.database.transaction() as session:
            await self.rooms.audit.sealer.seal(session)


@asynccontextmanager
async def whole_app(database: Database, outbox: RecordingOutbox, folder: Path) -> AsyncIterator[WholeApp]:
    clock = SystemClock()
    settings = HubSettings(var=folder, web_dist=folder / "no-front-end")
    jobs = new_app(database.url)
    async with (
        jobs.open_async(),
        open_engine(TelemetrySettings(), folder=folder / "telemetry", clock=clock) as store,
    ):
        profiles = load_profiles(settings.profiles_dir)
        here = await settle(database, clock, profiles=profiles)
        there = await settle(database, clock, profiles=profiles, code="donghu", name="东湖")
        async with database.transaction() as session:
            directory = await load_directory(session)
        common = Common(
            settings=settings, secrets=settings.secrets, database=database, jobs=jobs,
            directory=LiveDirectory(directory), profiles=profiles, texts=load_texts(), clock=clock,
            registry=CollectorRegistry(),
        )  # fmt: skip
        rooms = build_rooms(common, store)
        async with rooms.connectors.opened():
            app = build_api(
                common, rooms, live=LiveUpdates(common.registry), readiness=Readiness({}),
                tallies=DropTallies(database, common.registry, clock, process="test"),
            )  # fmt: skip
            yield WholeApp(app, rooms, database, here, there, settings.secrets.get("login_secret"), clock)
