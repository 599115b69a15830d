"""Imports and exports of owners and staff."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from kit.access import Role, Scope
from people.kinds import PersonKind
from people.repository import PersonFilter
from tests.api import client_of
from tests.people.room import PeopleRoom


async def upload(client: httpx.AsyncClient, kind: str, site_id: UUID, text: str, *, dry_run: bool = False) -> Any:
    params: dict[str, str | bool] = {"site_id": str(site_id), "dry_run": dry_run}
    answer = await client.post(
        f"/api/v1/imports/{kind}", params=params, files={"file": ("业主.csv", text.encode("gbk"), "text/csv")}
    )
    return answer.json()


OWNERS = (
    "姓名,手机,楼栋,单元,房号,关系\r\n"
    "王五,13900139000,1栋,1单元,101,业主\r\n"
    "王五,139 0013 9000,2栋,1单元,101,\r\n"
    "赵六,13900139001,1栋,1单元,101,租客\r\n"
)


async def test_owners_are_bound_to_their_homes(room: PeopleRoom, manager: httpx.AsyncClient, site_id: UUID):
    report = await upload(manager, "owners", site_id, OWNERS)
    assert (report["rows"], report["created"], report["problems"]) == (3, 2, [])
    async with room.database.transaction() as session:
        owner = await room.people.person_by_phone(session, "13900139000")
        assert owner is not None
        homes = await room.people.homes(session, owner.id)
    assert {(one.building_name, one.room_name) for one in homes} == {("1栋", "101"), ("2栋", "101")}
    again = await upload(manager, "owners", site_id, OWNERS)
    assert (again["created"], again["updated"]) == (0, 3)


async def test_every_bad_owner_is_named(room: PeopleRoom, manager: httpx.AsyncClient, site_id: UUID):
    text = (
        "姓名,手机,楼栋,单元,房号,关系\r\n"
        "王五,1.39E+10,1栋,1单元,101,\r\n"
        "赵六,12345,1栋,1单元,101,\r\n"
        "钱七,13900139002,9栋,1单元,101,\r\n"
        "孙八,13900139003,1栋,,101,\r\n"
        "李九,13900139004,1栋,1单元,101,房东\r\n"
        "周十,13900139005,1栋,1单元,101,\r\n"
        "周十,13900139005,1栋,1单元,101,\r\n"
        ",13900139006,1栋,1单元,101,\r\n"
    )
    report = await upload(manager, "owners", site_id, text, dry_run=True)
    assert [(p["line"], p["column"], p["code"]) for p in report["problems"]] == [
        (2, "手机", "phone_scientific"),
        (3, "手机", "phone"),
        (4, "房号", "unknown_home"),
        (5, "单元", "unit_needed"),
        (6, "关系", "unknown_word"),
        (8, "姓名", "twice"),
        (9, "姓名", "empty"),
    ]
    assert "9栋1单元101" in report["problems"][2]["message"]
    refused = await upload(manager, "owners", site_id, text)
    assert refused["code"] == "import_refused"
    async with room.database.transaction() as session:
        wanted = PersonFilter(kind=PersonKind.OWNER)
        _, total = await room.people.find(session, Scope.everywhere(), wanted, sort="name", limit=1, offset=0)
    assert total == 0


STAFF = (
    "姓名,手机,类别,企业微信账号,技能,证书,负责楼栋\r\n"
    "张伟,13800138000,员工,zhangwei,电梯、水泵,电梯:TS6001:2028-06-30,1栋；2栋\r\n"
    "陶师傅,13800138001,外包,,电梯,,\r\n"
)


async def test_staff_come_with_skills_certificates_and_areas(
    room: PeopleRoom, manager: httpx.AsyncClient, site_id: UUID
):
    report = await upload(manager, "staff", site_id, STAFF)
    assert (report["created"], report["problems"]) == (2, [])
    listed = (await manager.get("/api/v1/people", params={"skill": "elevator", "sort": "kind"})).json()["items"]
    assert [(one["name"], one["kind"]) for one in listed] == [("陶师傅", "contractor"), ("张伟", "staff")]
    detail = (await manager.get(f"/api/v1/people/{listed[1]['id']}")).json()
    assert detail["skills"][0] == {"skill": "elevator", "certificate_no": "TS6001", "valid_until": "2028-06-30"}
    assert (len(detail["building_ids"]), detail["grants"], detail["username"]) == (2, [], None)


async def test_a_column_the_file_does_not_have_stays_as_it_was(manager: httpx.AsyncClient, site_id: UUID):
    await upload(manager, "staff", site_id, STAFF)
    report = await upload(manager, "staff", site_id, "姓名,手机\r\n张大伟,13800138000\r\n")
    assert (report["created"], report["updated"]) == (0, 1)
    listed = (await manager.get("/api/v1/people", params={"q": "张大伟"})).json()["items"]
    detail = (await manager.get(f"/api/v1/people/{listed[0]['id']}")).json()
    assert (len(detail["skills"]), detail["wecom_user_id"]) == (2, "zhangwei")


async def test_every_bad_member_of_staff_is_named(manager: httpx.AsyncClient, site_id: UUID):
    await upload(manager, "staff", site_id, STAFF)
    text = (
        "姓名,手机,类别,企业微信账号,技能,证书,负责楼栋\r\n"
        "甲,13800138010,老板,,,,\r\n"
        "乙,13800138011,,,飞行,,\r\n"
        "丙,13800138012,,,,电梯证,\r\n"
        "丁,13800138013,,,,电梯:1:下个月,\r\n"
        "戊,13800138014,,,,,99栋\r\n"
        "己,13800138015,,zhangwei,,,\r\n"
        "庚,13800138015,,,,,\r\n"
    )
    report = await upload(manager, "staff", site_id, text, dry_run=True)
    assert [(p["line"], p["column"], p["code"]) for p in report["problems"]] == [
        (2, "类别", "unknown_word"),
        (3, "技能", "unknown_word"),
        (4, "证书", "certificate"),
        (5, "证书", "certificate"),
        (6, "负责楼栋", "unknown_building"),
        (7, "企业微信账号", "wecom_taken"),
        (8, "手机", "twice"),
    ]


@pytest.mark.parametrize(("kind", "text", "rows"), [("owners", OWNERS, 3), ("staff", STAFF, 2)])
async def test_an_export_can_be_imported_again(
    manager: httpx.AsyncClient, site_id: UUID, kind: str, text: str, rows: int
):
    await upload(manager, kind, site_id, text)
    for form in ("csv", "xlsx"):
        exported = await manager.get(f"/api/v1/exports/{kind}.{form}", params={"site_id": str(site_id)})
        answer = await manager.post(
            f"/api/v1/imports/{kind}", params={"site_id": str(site_id)}, files={"file": ("x", exported.content)}
        )
        assert (answer.json()["rows"], answer.json()["created"], answer.json()["problems"]) == (rows, 0, [])


async def test_personal_data_leaves_only_with_who_may_see_it(
    room: PeopleRoom, manager: httpx.AsyncClient, site_id: UUID
):
    await upload(manager, "owners", site_id, OWNERS)
    for role, status in ((Role.DISPATCHER, 200), (Role.ENGINEER, 403), (Role.TESTER, 403), (Role.OWNER, 403)):
        async with client_of(room.app, token=room.logins.add(role, site_id=site_id)) as client:
            answer = await client.get("/api/v1/exports/owners.csv", params={"site_id": str(site_id)})
            assert answer.status_code == status, role
