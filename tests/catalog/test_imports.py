"""Imports of houses and equipment over HTTP: dry run, every bad row, all or nothing."""

import io
from typing import Any
from uuid import UUID

import httpx
from openpyxl import load_workbook

from catalog.events import CatalogChanged
from catalog.loader import apply_declaration, load_directory
from kit.access import Role, Scope
from kit.events import RecordingOutbox
from tests.api import client_of
from tests.catalog.api import CatalogRoom

HOUSES = "楼栋,单元,楼层,房号\r\n1栋,1单元,1层,101\r\n1栋,1单元,1层,102\r\n1栋,2单元,1层,101\r\n2栋,,,铺面1\r\n"


async def upload(
    client: httpx.AsyncClient, kind: str, site_id: UUID, text: str, *, dry_run: bool = False, encoding: str = "gbk"
) -> httpx.Response:
    params: dict[str, str | bool] = {"site_id": str(site_id), "dry_run": dry_run}
    files = {"file": ("表格.csv", text.encode(encoding), "text/csv")}
    return await client.post(f"/api/v1/imports/{kind}", params=params, files=files)


async def test_houses_come_into_being_with_their_buildings_units_and_floors(
    manager: httpx.AsyncClient, site_id: UUID, outbox: RecordingOutbox
):
    outbox.events.clear()
    report = (await upload(manager, "houses", site_id, HOUSES)).json()
    assert (report["rows"], report["created"], report["problems"]) == (4, 4, [])
    assert len(outbox.of(CatalogChanged)) == 1
    tree = (await manager.get(f"/api/v1/sites/{site_id}/tree")).json()
    assert [node["name"] for node in tree] == ["1栋", "2栋"]
    first_unit = tree[0]["children"][0]
    assert (first_unit["name"], first_unit["children"][0]["name"]) == ("1单元", "1层")
    assert [room["name"] for room in first_unit["children"][0]["children"]] == ["101", "102"]
    assert tree[1]["children"][0]["name"] == "铺面1"


async def test_the_same_houses_twice_are_there_once(manager: httpx.AsyncClient, site_id: UUID):
    await upload(manager, "houses", site_id, HOUSES)
    again = (await upload(manager, "houses", site_id, HOUSES)).json()
    assert (again["created"], again["problems"]) == (0, [])
    assert (await manager.get("/api/v1/spaces", params={"kind": "room"})).json()["total"] == 4


async def test_a_dry_run_changes_nothing(manager: httpx.AsyncClient, site_id: UUID):
    report = (await upload(manager, "houses", site_id, HOUSES, dry_run=True)).json()
    assert (report["dry_run"], report["created"]) == (True, 4)
    assert (await manager.get("/api/v1/buildings")).json() == []


async def test_every_bad_row_is_named_by_line_and_column_and_nothing_goes_in(manager: httpx.AsyncClient, site_id: UUID):
    text = (
        "编码,名称,类型,设备档案,上级设备\r\n"
        "P-1,一号泵,水泵,,\r\n"
        ",无编码,水泵,,\r\n"
        "P-3,三号泵,飞船,,P-9\r\n"
        "P-1,重复,水泵,,\r\n"
    )
    dry = (await upload(manager, "equipment", site_id, text, dry_run=True)).json()
    assert [(p["line"], p["column"], p["code"]) for p in dry["problems"]] == [
        (3, "编码", "empty"),
        (4, "类型", "unknown_word"),
        (4, "上级设备", "unknown_equipment"),
        (5, "编码", "twice"),
    ]
    assert "飞船" in dry["problems"][1]["message"]
    assert "水泵" in dry["problems"][1]["message"]
    real = await upload(manager, "equipment", site_id, text)
    assert (real.status_code, real.json()["code"], real.json()["facts"]["bad_rows"]) == (422, "import_refused", 3)
    assert real.json()["facts"]["problems"] == dry["problems"]
    assert (await manager.get("/api/v1/equipment")).json()["total"] == 0


async def test_problems_are_told_in_the_callers_language(manager: httpx.AsyncClient, site_id: UUID):
    manager.headers["accept-language"] = "en"
    report = (await upload(manager, "equipment", site_id, "Code,Name,Kind\nA,a,spaceship\n", dry_run=True)).json()
    assert report["problems"][0]["message"].startswith("“spaceship” is unknown. Possible: elevator")


async def test_a_missing_column_is_named(manager: httpx.AsyncClient, site_id: UUID):
    report = (await upload(manager, "houses", site_id, "楼栋,备注\r\n1栋,x\r\n", dry_run=True)).json()
    assert [(p["line"], p["column"], p["code"]) for p in report["problems"]] == [(1, "房号", "column_missing")]
    assert report["ignored_columns"] == ["备注"]


async def test_equipment_is_made_linked_and_given_its_points(
    manager: httpx.AsyncClient, room: CatalogRoom, site_id: UUID
):
    await upload(manager, "houses", site_id, HOUSES)
    text = (
        "编码,名称,类型,设备档案,楼栋,上级设备,通讯标识,救援识别码\r\n"
        "LIFT-1,1栋电梯,电梯,gb24476-elevator,1栋,,,330001\r\n"
        "P-1,一号泵,水泵,,2栋,PWR,0x01,\r\n"
        "PWR,电源,电源,,2栋,,,\r\n"
    )
    report = (await upload(manager, "equipment", site_id, text)).json()
    assert (report["created"], report["problems"]) == (3, [])
    async with room.database.transaction() as session:
        directory = await load_directory(session)
    lift, pump = directory.by_device["here", "LIFT-1"], directory.by_device["here", "0x01"]
    assert (lift.partition, lift.protocol, "passenger_trapped" in lift.points) == (1, "mqtt", True)
    assert pump.parent_id == directory.by_device["here", "PWR"].equipment_id


async def test_a_column_the_file_does_not_have_stays_as_it_was(manager: httpx.AsyncClient, site_id: UUID):
    full = "编码,名称,类型,型号,救援识别码\r\nLIFT-1,电梯,电梯,曳引,330001\r\n"
    await upload(manager, "equipment", site_id, full)
    report = (await upload(manager, "equipment", site_id, "编码,名称,类型\r\nLIFT-1,客梯,电梯\r\n")).json()
    assert (report["created"], report["updated"]) == (0, 1)
    found = (await manager.get("/api/v1/equipment")).json()["items"][0]
    assert (found["name"], found["model"], found["rescue_code"]) == ("客梯", "曳引", "330001")


async def test_parents_in_a_circle_are_refused(manager: httpx.AsyncClient, site_id: UUID):
    text = "编码,名称,类型,上级设备\r\nA,a,水泵,B\r\nB,b,水泵,A\r\n"
    problems = (await upload(manager, "equipment", site_id, text, dry_run=True)).json()["problems"]
    assert [(p["line"], p["code"]) for p in problems] == [(3, "circle")]


async def test_an_export_can_be_imported_again(
    manager: httpx.AsyncClient, room: CatalogRoom, site_id: UUID, demo: Any, profiles: Any
):
    async with room.database.transaction() as session:
        await apply_declaration(session, demo, profiles)
        sites = await room.catalog.sites(session, Scope.everywhere())
        yunqi = next(site.id for site in sites if site.code == "yunqi")
    async with client_of(room.app, token=room.logins.add(Role.MANAGER, site_id=yunqi)) as client:
        for kind, rows in (("equipment", len(demo.equipment)), ("houses", 1152)):
            for form in ("csv", "xlsx"):
                data = (await client.get(f"/api/v1/exports/{kind}.{form}", params={"site_id": str(yunqi)})).content
                answer = await client.post(
                    f"/api/v1/imports/{kind}", params={"site_id": str(yunqi)}, files={"file": ("x", data)}
                )
                report = answer.json()
                assert (report["rows"], report["created"], report["problems"]) == (rows, 0, [])


async def test_the_template_has_the_right_columns(manager: httpx.AsyncClient):
    book = load_workbook(io.BytesIO((await manager.get("/api/v1/imports/houses/template.xlsx")).content))
    assert book.active is not None
    assert [cell.value for cell in book.active[1]] == ["楼栋", "单元", "楼层", "房号", "编码"]


async def test_an_unreadable_file_says_what_to_do(manager: httpx.AsyncClient, site_id: UUID):
    files = {"file": ("a.xls", b"\xd0\xcf\x11\xe0 old", "application/vnd.ms-excel")}
    answer = await manager.post("/api/v1/imports/houses", params={"site_id": str(site_id)}, files=files)
    assert (answer.status_code, answer.json()["code"]) == (422, "sheet_unreadable")
    assert "另存为 .xlsx" in answer.json()["message"]


async def test_who_may_not_import_here_is_refused(manager: httpx.AsyncClient, room: CatalogRoom, site_id: UUID):
    assert (await upload(manager, "spaceships", site_id, HOUSES)).status_code == 404
    async with client_of(room.app, token=room.logins.add(Role.ENGINEER, site_id=site_id)) as engineer:
        assert (await upload(engineer, "houses", site_id, HOUSES)).status_code == 403
    async with client_of(room.app, token=room.logins.add(Role.MANAGER, site_id=UUID(int=7))) as stranger:
        assert (await upload(stranger, "houses", site_id, HOUSES)).status_code == 404
