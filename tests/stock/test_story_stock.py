"""A storehouse over HTTP on a real PostgreSQL: what comes in, what is taken, what runs low, and the last one."""

import asyncio
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from catalog.sheets import read_sheet
from kit.access import Role, Scope
from kit.db import plain_url
from kit.ids import new_id
from stock.errors import NotEnoughInStock
from stock.events import StockRanLow
from stock.service import Taking
from tests.stock.conftest import Store


async def test_parts_come_in_are_reserved_used_and_brought_back(store: Store) -> None:
    part = await store.part("TAP-15", received=10, unit_cost="30")
    path = f"/storehouses/{store.storehouse_id}"
    await store.call("POST", f"{path}/receipts", store.keeper, {"part_id": part, "quantity": 10, "unit_cost": "40.5"})
    await store.call("PUT", f"{path}/parts/{part}/minimum", store.keeper, {"minimum": "18"})
    level = await store.level(part)
    assert (level["on_hand"], level["average_cost"], level["value"]) == ("20.000", "35.2500", "705.00")

    order, here = new_id(), Scope.of(store.town.site_id)
    taking = Taking(
        work_order_id=order, storehouse_id=store.house, part_id=UUID(part), quantity=Decimal(3),
        person_id=store.town.person["engineer"],
    )  # fmt: skip
    async with store.town.database.transaction() as session:
        await store.stock.reserve(session, here, taking)
    level = await store.level(part)
    assert (level["reserved"], level["available"], level["is_low"]) == ("3.000", "17.000", True)
    assert len(store.town.outbox.of(StockRanLow)) == 1
    # Raised further, nothing is new; lowered and raised above what is there, it is.
    for minimum, told in (("19", 1), ("5", 1), ("18", 2)):
        await store.call("PUT", f"{path}/parts/{part}/minimum", store.keeper, {"minimum": minimum})
        assert len(store.town.outbox.of(StockRanLow)) == told, minimum

    async with store.town.database.transaction() as session:
        await store.stock.use(session, here, taking)
        one = Taking(
            work_order_id=order, storehouse_id=store.house, part_id=UUID(part), quantity=Decimal(1), person_id=None
        )
        await store.stock.give_back(session, here, one)
        (mine,) = await store.stock.of_order(session, order)
    assert (mine.held, mine.used, mine.value) == (Decimal(0), Decimal(2), Decimal("70.50"))

    ledger = (await store.call("GET", f"/stock-movements?part_id={part}", store.manager)).json()
    assert [line["kind"] for line in ledger["items"]] == ["return", "use", "reserve", "receive", "receive"]
    assert sum(Decimal(line["value_change"]) for line in ledger["items"]) == Decimal("634.50")


async def test_what_cannot_be_meant_is_refused(store: Store) -> None:
    part = await store.part("BELT-1", received=2)
    path = f"/storehouses/{store.storehouse_id}"
    stranger = store.as_("engineer", Role.ENGINEER)
    receipt = {"part_id": part, "quantity": 1, "unit_cost": 1}
    refused = await store.call("POST", f"{path}/receipts", stranger, receipt)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_the_keeper")
    elsewhere = {"authorization": f"Bearer {store.logins.add(Role.MANAGER, site_id=new_id())}"}
    assert (await store.call("POST", f"{path}/receipts", elsewhere, receipt)).status_code == 404
    nothing = await store.call("POST", f"{path}/receipts", store.keeper, {**receipt, "quantity": 0})
    assert (nothing.status_code, nothing.json()["code"]) == (422, "invalid_request")
    twice = {"site_id": str(store.town.site_id), "code": "BELT-1", "name": "皮带", "unit": "条"}
    assert (await store.call("POST", "/parts", store.manager, twice)).status_code == 409

    async with store.town.database.transaction() as session:
        taking = Taking(
            work_order_id=new_id(), storehouse_id=store.house, part_id=UUID(part), quantity=Decimal(2), person_id=None
        )
        await store.stock.reserve(session, Scope.of(store.town.site_id), taking)
    counted = await store.call("POST", f"{path}/counts", store.keeper, {"part_id": part, "counted": 1, "note": "盘点"})
    assert (counted.status_code, counted.json()["facts"]["reserved"]) == (409, "2.000")


async def test_of_twenty_who_want_the_last_one_a_single_one_gets_it(store: Store) -> None:
    part = UUID(await store.part("VALVE-1", received=1))

    async def take() -> str:
        taking = Taking(
            work_order_id=new_id(), storehouse_id=store.house, part_id=part, quantity=Decimal(1), person_id=None
        )
        try:
            async with store.town.database.transaction() as session:
                await store.stock.use(session, Scope.of(store.town.site_id), taking)
        except NotEnoughInStock as refused:
            return f"only {refused.available}"
        return "got it"

    answers = await asyncio.gather(*(take() for _ in range(20)))
    assert sorted(answers) == ["got it", *["only 0.000"] * 19]
    assert (await store.level(str(part)))["on_hand"] == "0.000"


async def test_the_database_itself_keeps_stock_above_zero_and_the_ledger_as_it_was(store: Store) -> None:
    await store.part("LAMP-1", received=1)
    url = plain_url(store.town.database.url)
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("UPDATE stock_level SET on_hand = -1")
    for statement in ("UPDATE stock_movement SET quantity = 9", "DELETE FROM stock_movement"):
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            connection.execute(statement)


async def test_the_table_goes_out_and_comes_back_unchanged_and_says_what_is_wrong(store: Store) -> None:
    part = await store.part("TAP-15", received=4, unit_cost="31.25")
    where = f"site_id={store.town.site_id}"
    file = (await store.client.get(f"/api/v1/exports/parts.xlsx?{where}", headers=store.manager)).content
    assert read_sheet(file).rows[0].cells[:6] == ("TAP-15", "水龙头", "个", "", "MAIN", "4")

    async def send(data: bytes) -> dict[str, object]:
        path = f"/api/v1/imports/parts?{where}"
        answer = await store.client.post(path, headers=store.manager, files={"file": ("parts", data)})
        return {"status": answer.status_code, **answer.json()}

    assert (await send(file))["updated"] == 1
    assert (await store.call("GET", f"/stock-movements?part_id={part}", store.manager)).json()["total"] == 1

    csv = (
        "编码,名称,单位,仓库编码,库存数量,单价,最低库存\nTAP-15,水龙头,个,MAIN,6,40,2\nGASKET,垫片,个,MAIN,100,0.15,\n"
    )
    assert (await send(csv.encode())) | {"problems": None} == {
        "status": 200, "kind": "parts", "dry_run": False, "rows": 2, "created": 1, "updated": 1, "problems": None,
        "ignored_columns": [],
    }  # fmt: skip
    level = await store.level(part)
    assert (level["on_hand"], level["value"], level["minimum"]) == ("6.000", "205.00", "2.000")
    assert not store.town.outbox.of(StockRanLow)
    assert (await send("编码,名称,单位,仓库编码,最低库存\nTAP-15,水龙头,个,MAIN,7\n".encode()))["updated"] == 1
    assert len(store.town.outbox.of(StockRanLow)) == 1

    bad = "编码,名称,单位,仓库编码,库存数量,单价\nX,泵,台,ATTIC,1,1\nY,泵,台,MAIN,1,\nZ,泵,台,,-3,\n"
    refused = await send(bad.encode())
    assert refused["status"] == 422
    problems = refused["facts"]["problems"]  # type: ignore[index]
    assert [(one["line"], one["code"]) for one in problems] == [
        (2, "unknown_storehouse"), (3, "cost_wanted"), (4, "storehouse_wanted"), (4, "bad_number"),
    ]  # fmt: skip
