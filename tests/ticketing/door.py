"""The town behind HTTP, for stories: the routes of work orders with the real services, callers by role and name."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx

from alarms.endpoints import STATUS as ALARM_STATUS
from catalog.endpoints import STATUS as CATALOG_STATUS
from hub.texts import ROOMS_WITH_TEXTS
from kit.access import Role
from people.endpoints import STATUS as PEOPLE_STATUS
from tests.api import FakeLogins, client_of, make_app
from tests.ticketing.town import Town
from ticketing import endpoints
from ticketing.incidents import endpoints as incident_endpoints
from ticketing.proof import endpoints as proof_endpoints

MODULES = (endpoints, proof_endpoints, incident_endpoints)


class Door:
    """`await door.get(who, path)`; `who` is a key of the town's people, with the role that their duty has."""

    def __init__(self, town: Town, client: httpx.AsyncClient, logins: FakeLogins) -> None:
        self.town = town
        self._client = client
        self._logins = logins

    def headers(self, who: str, *, site_id: UUID | None = None) -> dict[str, str]:
        roles = _ROLES.get(who, (Role.OWNER,) if who in OWNERS else (Role.ENGINEER,))
        site = site_id or self.town.site_id
        token = self._logins.add(*roles, site_id=site, person_id=self.town.person.get(who))
        return {"authorization": f"Bearer {token}"}

    async def ask(self, method: str, who: str, path: str, **more: Any) -> httpx.Response:
        """Anything, as somebody; then what it set off is handed out."""
        site_id = more.pop("site_id", None)
        headers = self.headers(who, site_id=site_id)
        answer = await self._client.request(method, f"/api/v1{path}", headers=headers, **more)
        await self.town.deliver()
        return answer

    async def get(self, who: str, path: str, **params: Any) -> httpx.Response:
        return await self.ask("GET", who, path, params=params)

    async def post(self, who: str, path: str, **body: Any) -> httpx.Response:
        return await self.ask("POST", who, path, json=body)

    async def act(self, who: str, order: object, action: str, **words: Any) -> dict[str, Any]:
        """An action that is possible; the order after it."""
        answer = await self.post(who, f"/work-orders/{order}/actions", action=action, **words)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def order(self, work_order_id: object) -> dict[str, Any]:
        answer = await self.get("dispatcher", f"/work-orders/{work_order_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


OWNERS = ("wang", "liu", "chen")
_ROLES: dict[str, Sequence[Role]] = {"dispatcher": (Role.DISPATCHER,), "manager": (Role.MANAGER,)}


@asynccontextmanager
async def open_door(town: Town) -> AsyncIterator[Door]:
    logins = FakeLogins()
    status = {**CATALOG_STATUS, **PEOPLE_STATUS, **ALARM_STATUS}
    for module in MODULES:
        status |= getattr(module, "STATUS", {})
    app = make_app(
        town.database, routers=[module.router for module in MODULES], services=town.room.services, status=status,
        rooms=[room for room in ROOMS_WITH_TEXTS if room != "kit"], logins=logins,
    )  # fmt: skip
    async with client_of(app) as client:
        yield Door(town, client, logins)
