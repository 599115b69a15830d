"""The town at work, behind HTTP: orders, stock, charges, labels, with the real services."""

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw

from catalog import endpoints as catalog_endpoints
from catalog.qr import QrLabels
from hub.texts import ROOMS_WITH_TEXTS
from kit.access import Role
from kit.ids import new_id
from people import endpoints as people_endpoints
from stock import endpoints as stock_endpoints
from stock.service import StockService
from tests.api import FakeLogins, client_of, make_app
from tests.ticketing.town import Town
from ticketing import endpoints
from ticketing.charging import endpoints as charging_endpoints
from ticketing.kinds import Category
from ticketing.working import endpoints as working_endpoints

MODULES = (endpoints, working_endpoints, charging_endpoints, stock_endpoints, catalog_endpoints)
_ROLES = {"dispatcher": Role.DISPATCHER, "manager": Role.MANAGER, "wang": Role.OWNER}


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 180, 40)).save(out, "JPEG")
    return out.getvalue()


def strokes() -> bytes:
    image = Image.new("RGBA", (200, 80), (0, 0, 0, 0))
    ImageDraw.Draw(image).line([(10, 20), (90, 60), (190, 15)], fill="black", width=4)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@dataclass
class Yard:
    """`await yard.post(who, path, body)`; `who` is a key of the town's people. `requests` counts what was asked."""

    town: Town
    client: httpx.AsyncClient
    logins: FakeLogins
    requests: int = 0

    async def ask(self, method: str, who: str | None, path: str, **more: Any) -> httpx.Response:
        headers = {"accept-language": "zh-CN"}
        if who == "stranger":
            headers |= {"authorization": f"Bearer {self.logins.add(Role.MANAGER, site_id=new_id())}"}
        elif who is not None:
            role = _ROLES.get(who, Role.ENGINEER)
            token = self.logins.add(role, site_id=self.town.site_id, person_id=self.town.person[who])
            headers |= {"authorization": f"Bearer {token}"}
        self.requests += 1
        answer = await self.client.request(method, f"/api/v1{path}", headers=headers, **more)
        await self.town.deliver()
        return answer

    async def get(self, who: str | None, path: str) -> httpx.Response:
        return await self.ask("GET", who, path)

    async def post(self, who: str | None, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return await self.ask("POST", who, path, json=body or {})

    async def put(self, who: str | None, path: str, body: dict[str, Any]) -> httpx.Response:
        return await self.ask("PUT", who, path, json=body)

    async def send(self, who: str | None, path: str, raw: bytes, **form: str) -> httpx.Response:
        return await self.ask("POST", who, path, files={"file": ("file", raw)}, data=form)

    async def act(self, who: str, order: str, action: str, **words: Any) -> httpx.Response:
        return await self.post(who, f"/work-orders/{order}/actions", {"action": action, **words})

    async def dripping_tap(self, **changes: Any) -> str:
        """Ms Wang's tap drips; the plumber is asked."""
        if "wang" not in self.town.person:
            await self.town.resident("wang", "3-2-502")
        given = {
            "space_id": self.town.spaces["3-2-502"], "reporter_id": self.town.person["wang"], "text": "水龙头滴水",
            "category": Category.WATER_LEAK, "kind": "home_repair", "topic": "tap_drips",
        }  # fmt: skip
        reported = await self.town.report(**(given | changes))
        order = await self.town.order(reported.report.work_order_id)
        if order.assignee_id != self.town.person["pump_engineer"]:
            body = {"assignee_id": str(self.town.person["pump_engineer"])}
            await self.post("dispatcher", f"/work-orders/{order.id}/assign", body)
        return str(order.id)

    async def storehouse(self, **parts: int) -> tuple[str, dict[str, str]]:
        """A storehouse of the handyman's with so many of each part at 30 yuan; its id, and the parts' ids by code."""
        site = str(self.town.site_id)
        keeper = str(self.town.person["handyman"])
        body = {"site_id": site, "code": "MAIN", "name": "工程部仓库", "keeper_id": keeper}
        house = (await self.put("manager", "/storehouses", body)).json()["id"]
        ids = {}
        for code, quantity in parts.items():
            part = {"site_id": site, "code": code, "name": f"备件{code}", "unit": "个"}
            ids[code] = (await self.post("manager", "/parts", part)).json()["id"]
            receipt = {"part_id": ids[code], "quantity": quantity, "unit_cost": "30"}
            assert (await self.post("handyman", f"/storehouses/{house}/receipts", receipt)).status_code == 201
        return house, ids

    def id_of(self, who: str) -> str:
        return str(self.town.person[who])


@pytest.fixture
async def yard(town: Town) -> AsyncIterator[Yard]:
    logins = FakeLogins()
    status: dict[Any, int] = dict(people_endpoints.STATUS)
    for module in MODULES:
        status |= module.STATUS
    stock = StockService(catalog=town.catalog, people=town.people, clock=town.clock)
    app = make_app(
        town.database, routers=[module.router for module in MODULES], status=status, logins=logins,
        rooms=[room for room in ROOMS_WITH_TEXTS if room != "kit"],
        services=[*town.room.services, stock, town.catalog, QrLabels("https://hub.example")],
    )  # fmt: skip
    async with client_of(app) as client:
        yield Yard(town, client, logins)
