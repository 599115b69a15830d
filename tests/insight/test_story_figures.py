"""Figures, the orders behind them, tables for Excel and the digest, through HTTP on real PostgreSQL."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook
from sqlalchemy import insert, select

from catalog.endpoints import STATUS as CATALOG_STATUS
from insight.endpoints import STATUS, router
from insight.models import SiteDigest
from insight.room import Insight, build_insight
from insight.settings import InsightSettings
from kit.access import Role, Scope
from kit.clock import Clock
from kit.i18n import Language, Texts
from kit.ids import new_id
from kit.jobs import new_app
from notify.service import NotifyService
from notify.settings import NotifySettings
from notify.template import TemplateRegistry
from people.endpoints import STATUS as PEOPLE_STATUS
from people.models import RoleGrant
from tests.api import FakeLogins, client_of, make_app
from tests.insight.orders import MINUTE, order, steps, write
from tests.ticketing.town import NOON, Town
from ticketing.feedback.models import ComplaintSubject
from ticketing.figures import Dimension, FigureFilter
from ticketing.models import Report

SPAN = {"since": "2026-11-22T00:00:00+08:00", "until": "2026-11-23T00:00:00+08:00"}


@dataclass
class Office:
    town: Town
    room: Insight
    client: httpx.AsyncClient
    logins: FakeLogins

    def token(self, *roles: Role, site_id: Any = None) -> dict[str, str]:
        token = self.logins.add(*roles, site_id=site_id or self.town.site_id, person_id=self.town.person["manager"])
        return {"authorization": f"Bearer {token}"}

    async def get(self, path: str, headers: dict[str, str] | None = None, **params: Any) -> httpx.Response:
        headers = headers or self.token(Role.MANAGER)
        asked = {name: value for name, value in (SPAN | params).items() if value is not None}
        return await self.client.get(f"/api/v1/insight{path}", headers=headers, params=asked)

    async def sweep(self) -> None:
        async with self.town.database.transaction() as session:
            await self.room.digests.sweep(session)


@pytest.fixture
async def office(town: Town) -> AsyncIterator[Office]:
    app, logins = new_app(town.database.url), FakeLogins()
    notify = NotifyService(
        app=app, people=town.people, catalog=town.catalog, templates=TemplateRegistry.load(), clock=town.clock,
        settings=NotifySettings(_env_file=None),
    )  # fmt: skip

    room = build_insight(
        database=town.database, ticketing=town.room, catalog=town.catalog, people=town.people, notify=notify,
        settings=InsightSettings(_env_file=None), clock=town.clock, registry=town.registry,
        texts=Texts.load(["kit", "catalog", "ticketing", "insight"]),
    )  # fmt: skip
    api = make_app(
        town.database, routers=[router], rooms=["catalog", "people", "ticketing", "insight"],
        services=list(room.provided), protocols={Clock: town.clock},
        status={**CATALOG_STATUS, **PEOPLE_STATUS, **STATUS}, logins=logins,
    )  # fmt: skip
    async with app.open_async(), client_of(api) as client:
        yield Office(town, room, client, logins)


async def a_day_of_orders(town: Town) -> list[dict[str, Any]]:
    """Two technicians, a pump that failed twice, one order cancelled, one late, one whose reporter likes formulas."""
    handyman, engineer, pump = town.person["handyman"], town.person["pump_engineer"], town.equipment["PUMP-01"]
    pumping = {"equipment_id": pump, "equipment_code": "PUMP-01", "equipment_kind": "pump", "assignee_id": engineer}
    rows = [
        order(town.site_id, 1, assignee_id=handyman, place='=HYPERLINK("http://x","y")'),
        order(town.site_id, 2, cost=120, done_at=NOON + 122 * MINUTE, **pumping),
        order(town.site_id, 3, cost=80, **pumping),
        order(town.site_id, 4, state="cancelled", done_at=None, closing_code=None),
        order(town.site_id, 5, assignee_id=handyman, state="in_progress", done_at=None, closing_code=None,
              resolution_due_at=NOON + 60 * MINUTE),
    ]  # fmt: skip
    async with town.database.transaction() as session:
        await write(session, rows, [entry for row in rows for entry in steps(row, (5, "accepted"))])
        report = {
            "id": new_id(), "site_id": town.site_id, "work_order_id": rows[0]["id"], "channel": "phone",
            "category": "water_leak", "text": "漏水", "contact_name": "@王女士", "contact_phone": "13800138000",
            "place": "3栋", "joined": False, "created_at": NOON,
        }  # fmt: skip
        await session.execute(insert(Report), [report])
    return rows


async def test_every_figure_leads_to_exactly_its_orders(office: Office) -> None:
    town = office.town
    rows = await a_day_of_orders(town)
    town.clock.advance(seconds=6 * 3600)
    (group,) = (await office.get("/figures")).json()["groups"]
    figures = group["figures"]
    assert {name: figures[name]["orders"] for name in ("opened", "counted", "cancelled", "resolution_met")} == {
        "opened": 5, "counted": 4, "cancelled": 1, "resolution_met": 4,
    }  # fmt: skip
    assert (figures["resolution_met"]["hits"], figures["resolution_met"]["share"]) == (3, 0.75)
    assert figures["response_time"]["median"] == 300
    assert figures["cost"]["total"] == 200
    for name, figure in figures.items():
        for part, expected in (("all", figure["orders"]), ("hits", figure["hits"])):
            if expected is None:
                continue
            listed = (await office.get("/orders", figure=name, part=part)).json()
            assert listed["total"] == len(listed["items"]) == expected, (name, part)
    missed = (await office.get("/orders", figure="resolution_met", part="misses")).json()["items"]
    assert [one["id"] for one in missed] == [str(rows[4]["id"])]
    assert missed[0]["assignee_name"] == "李强"
    # A complaint about whoever asks is in none of their figures, lists and files.
    async with town.database.transaction() as session:
        about = {"work_order_id": rows[0]["id"], "person_id": town.person["manager"], "site_id": town.site_id}
        session.add(ComplaintSubject(**about, at=town.clock.now()))
    (group,) = (await office.get("/figures")).json()["groups"]
    assert group["figures"]["opened"]["orders"] == (await office.get("/orders")).json()["total"] == 4
    assert rows[0]["number"] not in (await office.get("/orders.csv")).text


async def test_by_technician_and_by_equipment_with_time_between_failures(office: Office) -> None:
    town = office.town
    await a_day_of_orders(town)
    town.clock.advance(seconds=12 * 3600)
    technicians = {
        one["name"]: one["figures"] for one in (await office.get("/figures", by="technician")).json()["groups"]
    }
    assert (technicians["李强"]["load"]["orders"], technicians["李强"]["load"]["hits"]) == (2, 1)
    assert technicians["张伟"]["first_time_fix"]["share"] == 1
    pumps = [
        one for one in (await office.get("/figures", by="equipment_kind")).json()["groups"] if one["key"] == "pump"
    ]
    (pump,) = pumps
    assert (pump["name"], pump["reliability"]["failures"], pump["reliability"]["units"]) == ("水泵", 2, 1)
    # 24 h of the day less the 3 h in which it stood still, by two failures; an hour and a half to repair it.
    assert pump["reliability"]["mtbf_h"] == (24 - 3) / 2
    assert pump["reliability"]["mttr_h"] == 1.5
    some = (await office.get("/figures", by="equipment_kind", priority=3)).json()["groups"]
    assert [row["reliability"] for row in some] == [None] * len(some)
    (one,) = [row for row in (await office.get("/figures", by="equipment")).json()["groups"] if row["key"]]
    assert (one["name"], one["reliability"]["failures"]) == ("PUMP-01", 2)
    listed = (await office.get("/orders", figure="failures", by="equipment", key=one["key"])).json()
    assert listed["total"] == 2
    none = (await office.get("/orders", figure="opened", by="equipment")).json()
    assert none["total"] == 3  # those of no equipment


async def test_tables_open_in_excel_run_nothing_and_show_no_phone(office: Office) -> None:
    town = office.town
    await a_day_of_orders(town)
    town.clock.advance(seconds=6 * 3600)
    answer = await office.get("/orders.csv")
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.headers["content-disposition"] == 'attachment; filename="work-orders.csv"'
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(lines) == 5
    first = lines[-1]
    assert first["位置"] == '\'=HYPERLINK("http://x","y")'
    assert (first["联系人"], first["联系电话"], first["处理人"]) == ("'@王女士", "138****8000", "李强")
    assert first["报修时间"] == "2026-11-22 12:01:00"
    assert "13800138000" not in answer.text

    book = load_workbook(io.BytesIO((await office.get("/orders.xlsx", figure="cost")).content))
    page = book.active
    assert page is not None
    assert [row[0] for row in page.iter_rows(min_row=2, values_only=True)] == ["WO-20261122-0003", "WO-20261122-0002"]
    assert not any(cell.data_type == "f" for row in page.iter_rows() for cell in row)
    table = (await office.get("/figures.csv", by="kind")).content.decode("utf-8-sig")
    assert "按时完成" in table
    assert (await office.get("/figures.xlsx")).content.startswith(b"PK")
    wanted = FigureFilter(since=NOON, until=town.clock.now())
    async with town.database.transaction() as session:
        found = await office.room.service.figures(
            session, Scope.of(town.site_id), wanted, by=Dimension.TECHNICIAN, language=Language.ZH, limit=1
        )
    parts = [part async for part in office.room.exporting.figures_csv(found, language=Language.ZH)]
    assert (found.in_all, parts[-1].decode()) == (3, "另有 2 个工单较少的分组未列出，请缩小范围查看。\r\n")


async def test_the_digest_comes_once_a_day_to_the_sites_managers_whoever_looks(office: Office) -> None:
    town = office.town
    await a_day_of_orders(town)
    async with town.database.transaction() as session:
        session.add(RoleGrant(person_id=town.person["manager"], role=Role.MANAGER, site_id=town.site_id))
    town.clock.advance(seconds=(19 * 60 + 59) * 60)  # 07:59 of the next day
    await office.sweep()
    assert await digests(town) == []
    town.clock.advance(seconds=60)
    # Several processes at once, without the sweeper's own lock; then once more, as after a restart.
    await asyncio.gather(*(office.sweep() for _ in range(5)))
    await office.sweep()
    (told,) = await digests(town)
    assert told.channel == "wecom"
    assert told.facts == {
        "site": "测试小区", "day": "2026-11-22", "opened": "4", "done": "3", "sla": "100%", "open": "1", "overdue": "1",
        "worst": "WO-20261122-0005 3栋 19.0h",
    }  # fmt: skip
    async with town.database.transaction() as session:
        (row,) = (await session.scalars(select(SiteDigest))).all()
    assert row.told == 1
    town.clock.advance(seconds=24 * 3600)
    await office.sweep()
    assert len(await digests(town)) == 2


async def digests(town: Town) -> list[Any]:
    return [one for one in await town.notices("manager") if one.template == "staff.digest"]


async def test_bad_input_and_strangers(office: Office) -> None:
    town = office.town
    await a_day_of_orders(town)
    long: dict[str, Any] = {"since": "2020-01-01T00:00:00Z", "site": str(town.site_id)}
    refused = await office.get("/figures", **long)
    assert (refused.status_code, refused.json()["facts"]) == (422, {"days": 366})
    turned = await office.get("/figures", since="2026-11-24T00:00:00Z")
    assert turned.json()["code"] == "span_turned_round"
    assert (await office.get("/figures", by="phase_of_moon")).status_code == 422
    early: dict[str, Any] = {"since": None, "until": "0001-01-01T00:00:00Z"}
    assert (await office.get("/figures", **early)).json()["groups"][0]["figures"]["opened"]["orders"] == 0
    assert (await office.get("/orders", figure="nonsense")).status_code == 422
    for named in ("site", "building", "equipment", "technician"):
        unknown: dict[str, Any] = {named: str(new_id())}
        assert (await office.get("/figures", **unknown)).status_code == 404, named
    mine: dict[str, Any] = {"technician": str(town.person["handyman"]), "equipment": str(town.equipment["PUMP-01"])}
    assert (await office.get("/figures", **mine)).json()["groups_in_all"] == 1
    stranger = office.token(Role.MANAGER, site_id=new_id())
    assert (await office.get("/figures", stranger, site=str(town.site_id))).status_code == 404
    their: dict[str, Any] = {"technician": str(town.person["handyman"])}
    assert (await office.get("/figures", stranger, **their)).status_code == 404
    assert (await office.get("/orders", stranger)).json()["total"] == 0
    assert len((await office.get("/orders.csv", stranger)).content.splitlines()) == 1
    for role, status in ((Role.ENGINEER, 403), (Role.OWNER, 403), (Role.DISPATCHER, 200)):
        assert (await office.get("/figures", office.token(role))).status_code == status
    assert (await office.get("/orders.csv", office.token(Role.DISPATCHER))).status_code == 403
