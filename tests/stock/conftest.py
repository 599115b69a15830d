"""The town's stock behind HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from catalog.endpoints import STATUS as CATALOG_STATUS
from catalog.endpoints import router as catalog_router
from catalog.imports import ImportDesk
from kit.access import Role
from kit.db import Database
from kit.events import RecordingOutbox
from kit.i18n import Texts
from people.endpoints import STATUS as PEOPLE_STATUS
from people.kinds import Duty
from stock.endpoints import STATUS, router
from stock.part_sheet import PartSheet
from stock.service import StockService
from tests.api import FakeLogins, client_of, make_app
from tests.ticketing.town import Town, settled

ROOMS = ["catalog", "people", "stock"]


@dataclass
class Store:
    """A storehouse of the town with a keeper; `as_` gives the headers of a person."""

    town: Town
    stock: StockService
    client: httpx.AsyncClient
    logins: FakeLogins
    storehouse_id: str = ""

    def as_(self, who: str, *roles: Role) -> dict[str, str]:
        token = self.logins.add(*roles, site_id=self.town.site_id, person_id=self.town.person[who])
        return {"authorization": f"Bearer {token}"}

    @property
    def keeper(self) -> dict[str, str]:
        return self.as_("keeper", Role.ENGINEER)

    @property
    def manager(self) -> dict[str, str]:
        return self.as_("manager", Role.MANAGER)

    async def call(self, method: str, path: str, who: dict[str, str], body: dict[str, Any] | None = None) -> Any:
        return await self.client.request(method, f"/api/v1{path}", headers=who, json=body)

    async def part(self, code: str, *, received: int = 0, unit_cost: str = "30") -> str:
        """A new part, with so many of it in the storehouse."""
        body = {"site_id": str(self.town.site_id), "code": code, "name": "水龙头", "unit": "个"}
        part_id = (await self.call("POST", "/parts", self.manager, body)).json()["id"]
        if received:
            receipt = {"part_id": part_id, "quantity": received, "unit_cost": unit_cost}
            answer = await self.call("POST", f"/storehouses/{self.storehouse_id}/receipts", self.keeper, receipt)
            assert answer.status_code == 201, answer.text
        return str(part_id)

    async def level(self, part_id: str) -> dict[str, Any]:
        (found,) = (await self.call("GET", f"/stock-levels?part_id={part_id}", self.keeper)).json()["items"]
        return dict(found)

    @property
    def house(self) -> UUID:
        return UUID(self.storehouse_id)


@pytest.fixture
async def store(database: Database, outbox: RecordingOutbox, tmp_path: Path) -> AsyncIterator[Store]:
    texts = Texts.load(["kit", *ROOMS])
    async with settled(database, outbox, tmp_path / "files") as town:
        for key, name in (("keeper", "库管老周"), ("manager", "孙丽"), ("engineer", "张伟")):
            await town.hire(key, name, Duty.ENGINEER)
        stock = StockService(catalog=town.catalog, people=town.people, clock=town.clock)
        logins = FakeLogins()
        app = make_app(
            database, routers=[router, catalog_router], rooms=ROOMS,
            services=[stock, town.catalog, ImportDesk([PartSheet(stock, texts)], texts)],
            status={**CATALOG_STATUS, **PEOPLE_STATUS, **STATUS}, logins=logins,
        )  # fmt: skip
        async with client_of(app) as client:
            store = Store(town, stock, client, logins)
            body = {
                "site_id": str(town.site_id), "code": "MAIN", "name": "工程部仓库",
                "keeper_id": str(town.person["keeper"]),
            }  # fmt: skip
            store.storehouse_id = (await store.call("PUT", "/storehouses", store.manager, body)).json()["id"]
            yield store
