"""The town with rules on orders, real jobs and a receiver of webhooks, behind HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from automation.endpoints import STATUS, router
from automation.room import Automation, build_automation
from automation.settings import AutomationSettings
from catalog.endpoints import STATUS as CATALOG_STATUS
from kit.access import Role
from kit.db import Database
from kit.events import JobOutbox, RecordingOutbox, on
from kit.jobs import JobRunner, new_app
from notify.service import NotifyService
from notify.settings import NotifySettings
from notify.template import TemplateRegistry
from people.endpoints import STATUS as PEOPLE_STATUS
from tests.api import FakeLogins, client_of, make_app
from tests.automation.receiver import Receiver, receiving
from tests.conftest import LIVENESS_S
from tests.ticketing.town import Town, settled, staff_up
from ticketing.endpoints import STATUS as TICKETING_STATUS
from ticketing.events import WorkOrderEscalated, WorkOrderJoined, WorkOrderMoved, WorkOrderOpened


@dataclass
class Bench:
    """Everything a story needs. `manager` and `admin`: headers of callers."""

    town: Town
    room: Automation
    client: httpx.AsyncClient
    logins: FakeLogins
    receiver: Receiver

    def token(self, *roles: Role, site_id: UUID | None) -> dict[str, str]:
        token = self.logins.add(*roles, site_id=site_id, person_id=self.town.person["manager"])
        return {"authorization": f"Bearer {token}"}

    @property
    def manager(self) -> dict[str, str]:
        return self.token(Role.MANAGER, site_id=self.town.site_id)

    async def get(self, path: str, headers: dict[str, str] | None = None, **params: Any) -> Any:
        answer = await self.client.get(
            f"/api/v1/automation{path}", headers=headers or self.manager, params=params
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        return await self.client.post(f"/api/v1/automation{path}", headers=headers or self.manager, json=body)

    async def rule(self, name: str, **document: Any) -> dict[str, Any]:
        made = await self.post("/rules", site_id=str(self.town.site_id), name=name, document=document)
        assert made.status_code == 201, made.text
        rule: dict[str, Any] = made.json()
        return rule

    async def firings(self, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.get("/firings", **params))["items"]
        return found

    async def until(self, look: Callable[[], Any]) -> Any:
        """What `look` finds, once it finds something."""
        async with asyncio.timeout(LIVENESS_S):
            while not (found := await look()):
                await asyncio.sleep(0.05)
        return found

    async def ended(self, number: int, **params: Any) -> list[dict[str, Any]]:
        """The firings, once so many have ended."""

        async def look() -> list[dict[str, Any]] | None:
            found = [one for one in await self.firings(**params) if one["ended_at"]]
            return found if len(found) >= number else None

        found: list[dict[str, Any]] = await self.until(look)
        return found

    async def pass_time(self, *, minutes: float = 0, seconds: float = 0) -> None:
        """Lets time pass and the room's sweeps come by."""
        self.town.clock.advance(seconds=minutes * 60 + seconds)
        for sweep in self.room.sweeps():
            async with self.town.database.transaction() as session:
                await sweep.call(session)


@pytest.fixture
async def bench(database_url: str, tmp_path: Path) -> AsyncIterator[Bench]:
    outbox = RecordingOutbox()
    async with Database(database_url) as database, receiving() as receiver:
        database.use_outbox(outbox)
        async with settled(database, outbox, tmp_path) as town:
            await staff_up(town)
            app = new_app(database_url)
            notify = NotifyService(
                app=app, people=town.people, catalog=town.catalog, templates=TemplateRegistry.load(),
                clock=town.clock, settings=NotifySettings(_env_file=None),
            )  # fmt: skip
            settings = AutomationSettings(_env_file=None, webhook_networks="127.0.0.0/8", webhook_deadline_s=1.5)
            room = build_automation(
                database=database, app=app, catalog=town.catalog, people=town.people, notify=notify,
                ticketing=town.room, settings=settings, master="only for tests, 32 bytes or more", clock=town.clock,
                registry=town.registry,
            )  # fmt: skip
            firing = room.firing
            subscriptions = [
                on(WorkOrderOpened, firing.on_opened), on(WorkOrderJoined, firing.on_joined),
                on(WorkOrderMoved, firing.on_moved), on(WorkOrderEscalated, firing.on_escalated),
            ]  # fmt: skip
            database.use_outbox(JobOutbox(app, subscriptions))
            logins = FakeLogins()
            api = make_app(
                database, routers=[router], rooms=["catalog", "people", "ticketing", "automation"],
                services=list(room.provided), logins=logins,
                status={**CATALOG_STATUS, **PEOPLE_STATUS, **TICKETING_STATUS, **STATUS},
            )  # fmt: skip
            runner = JobRunner(app, database, subscriptions=subscriptions, jobs=room.jobs())
            async with app.open_async(), runner.running(), client_of(api) as client:
                yield Bench(town, room, client, logins, receiver)
