from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import Depends
from fastapi.routing import APIRouter

from catalog.endpoints import STATUS as CATALOG_STATUS
from kit.access import Role
from people.endpoints import STATUS as PEOPLE_STATUS
from tests.api import FakeLogins, client_of, make_app
from tests.ticketing.town import Town
from ticketing import endpoints as orders
from ticketing.feedback import endpoints as feedback
from ticketing.feedback.endpoints import not_about_caller
from ticketing.incidents import endpoints as incidents


@dataclass
class Voices:
    """The town behind HTTP, for owners, the desk and engineers."""

    town: Town
    client: httpx.AsyncClient
    logins: FakeLogins

    def as_(self, role: Role, who: str) -> dict[str, str]:
        token = self.logins.add(role, site_id=self.town.site_id, person_id=self.town.person[who])
        return {"authorization": f"Bearer {token}"}

    def owner(self, who: str) -> dict[str, str]:
        return self.as_(Role.OWNER, who)

    async def get(self, path: str, headers: dict[str, str]) -> httpx.Response:
        return await self.client.get(f"/api/v1{path}", headers=headers)

    async def post(self, path: str, headers: dict[str, str], **body: Any) -> httpx.Response:
        answer = await self.client.post(f"/api/v1{path}", headers=headers, json=body)
        await self.town.deliver()
        return answer

    async def move(self, order: UUID | str, who: dict[str, str], action: str, **words: Any) -> None:
        answer = await self.post(f"/work-orders/{order}/actions", who, action=action, **words)
        assert answer.status_code == 200, answer.text

    async def assignee(self, order: UUID) -> str:
        assignee_id = (await self.town.order(order)).assignee_id
        return next(key for key, person in self.town.person.items() if person == assignee_id)


@pytest.fixture
async def voices(town: Town) -> AsyncIterator[Voices]:
    logins = FakeLogins()
    guarded = APIRouter()
    for router in (orders.router, feedback.router, incidents.router):
        guarded.include_router(router, dependencies=[Depends(not_about_caller)])
    app = make_app(
        town.database, routers=[guarded],
        rooms=[
            "catalog", "people", "alarms", "ticketing", "ticketing.feedback", "ticketing.dispatch",
            "ticketing.incidents",
        ],
        services=list(town.room.services),
        status={**CATALOG_STATUS, **PEOPLE_STATUS, **orders.STATUS, **feedback.STATUS, **incidents.STATUS},
        logins=logins,
    )  # fmt: skip
    async with client_of(app) as client:
        yield Voices(town, client, logins)
