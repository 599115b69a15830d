"""Contractors of a site: companies, people, contracts over equipment, and the tables they come in."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from building.equipment import EquipmentKind
from catalog.models import Building, Equipment
from kit.access import Role, Scope
from kit.ids import new_id
from people.contractors.service import ContractorService
from tests.api import client_of
from tests.people.room import PeopleRoom
from tests.people.test_imports import STAFF, upload

COMPANY = {"name": "迅达电梯维保站", "license_no": "TS3333001-2028", "hotline": "0571-88880000"}
TERMS = {"number": "WB-17", "starts_on": "2026-01-01", "ends_on": "2026-12-31", "arrival_min": 30}


@pytest.fixture
async def elevators(room: PeopleRoom, site_id: UUID) -> list[str]:
    """Two of them, in the first two buildings."""
    async with room.database.transaction() as session:
        rows = await session.scalars(select(Building).where(Building.site_id == site_id).order_by(Building.number))
        lifts = [
            Equipment(
                site_id=site_id, building_id=building.id, code=f"LIFT-{building.number}", name="电梯",
                kind=EquipmentKind.ELEVATOR.value, external_id=f"LIFT-{building.number}", partition=building.number,
                qr_token=new_id().hex,
            )
            for building in rows.all()[:2]
        ]  # fmt: skip
        session.add_all(lifts)
        await session.flush()
        return [str(lift.id) for lift in lifts]


async def test_a_company_with_contacts_people_and_contracts(
    room: PeopleRoom, manager: httpx.AsyncClient, site_id: UUID, elsewhere: UUID, elevators: list[str]
) -> None:
    made = await manager.post("/api/v1/contractors", json={"site_id": str(site_id), **COMPANY})
    assert made.status_code == 201, made.text
    path = f"/api/v1/contractors/{made.json()['id']}"
    contacts = [{"name": "陶站长", "title": "站长", "phone": "13800138001"}, {"name": "值班", "phone": "13800138002"}]
    assert (await manager.put(f"{path}/contacts", json={"contacts": contacts})).status_code == 200
    await upload(manager, "staff", site_id, STAFF)
    people = {one["name"]: one["id"] for one in (await manager.get("/api/v1/people")).json()["items"]}
    refused = await manager.put(f"{path}/people", json={"person_ids": [people["张伟"]]})
    assert (refused.status_code, refused.json()["code"]) == (422, "no_contractors_person")
    shown = (await manager.put(f"{path}/people", json={"person_ids": [people["陶师傅"]]})).json()
    assert [one["name"] for one in shown["people"]] == ["陶师傅"]
    assert [one["phone"] for one in shown["contacts"]] == ["13800138001", "13800138002"]

    async with client_of(room.app, token=room.logins.add(Role.ENGINEER, site_id=site_id)) as engineer:
        seen = (await engineer.get(path)).json()
        assert ([one["phone"] for one in seen["contacts"]], seen["hotline"]) == (
            ["138****8001", "138****8002"], "057188880000",
        )  # fmt: skip
        assert (await engineer.patch(path, json={"name": "别家"})).status_code == 403
    async with client_of(room.app, token=room.logins.add(Role.MANAGER, site_id=elsewhere)) as stranger:
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.get("/api/v1/contractors")).json() == []

    body = {"contractor_id": made.json()["id"], "equipment_ids": elevators, **TERMS}
    added = await manager.post("/api/v1/maintenance-contracts", json=body)
    assert [one["equipment_code"] for one in added.json()] == ["LIFT-1", "LIFT-2"]
    await _refusals(manager, site_id, body, added.json()[0]["id"])
    await _nearest(room, site_id, elevators)


async def _nearest(room: PeopleRoom, site_id: UUID, elevators: list[str]) -> None:
    """Of an elevator that nobody named, who maintains most of them in the building answers, or else at the site."""
    contractors, summer, kinds = ContractorService(room.catalog), date(2026, 8, 1), [EquipmentKind.ELEVATOR]
    async with room.database.transaction() as session:
        names = {one.id: one.name for one in await contractors.contractors(session, Scope.of(site_id), site_id)}
        lifts = [await session.get_one(Equipment, UUID(one)) for one in elevators]

        async def near(building_id: UUID | None, on: date = summer) -> str | None:
            found = await contractors.maintainer_near(
                session, site_id=site_id, building_id=building_id, kinds=kinds, on=on
            )
            return names[found] if found else None

        assert [await near(lift.building_id) for lift in lifts] == ["通力", COMPANY["name"]]
        assert await near(None) == names[min(names)]
        assert await near(lifts[1].building_id, date(2027, 6, 1)) == "通力"
        lifts[0].retired_at = datetime.now(UTC)
        await session.flush()
        assert await near(lifts[0].building_id) == COMPANY["name"]
        kinds = [EquipmentKind.PUMP]
        assert await near(None) is None


async def _refusals(manager: httpx.AsyncClient, site_id: UUID, body: dict[str, Any], contract_id: str) -> None:
    """Nobody maintains what another maintains at that time; when the first ends, the next may begin."""
    other = (await manager.post("/api/v1/contractors", json={"site_id": str(site_id), "name": "通力"})).json()["id"]
    again = await manager.post("/api/v1/contractors", json={"site_id": str(site_id), "name": "通力"})
    assert (again.status_code, again.json()["code"]) == (409, "contractor_name_taken")
    next_year = {**body, "contractor_id": other, "starts_on": "2026-12-31", "ends_on": None}
    taken = await manager.post("/api/v1/maintenance-contracts", json=next_year)
    assert (taken.status_code, taken.json()["facts"]["by_name"]) == (409, COMPANY["name"])
    path = f"/api/v1/maintenance-contracts/{contract_id}"
    assert (await manager.patch(path, json={"ends_on": "2026-06-30"})).json()["ends_on"] == "2026-06-30"
    one = {**next_year, "equipment_ids": body["equipment_ids"][:1], "starts_on": "2026-07-01"}
    assert (await manager.post("/api/v1/maintenance-contracts", json=one)).status_code == 201
    back = await manager.patch(path, json={"ends_on": "2026-07-01"})
    assert (back.status_code, back.json()["facts"]["by_name"]) == (409, "通力")
    early = await manager.patch(path, json={"ends_on": "2025-07-01"})
    assert (early.status_code, early.json()["code"]) == (422, "contract_ends_early")
    in_force = (await manager.get("/api/v1/maintenance-contracts", params={"on": "2026-08-01"})).json()
    assert [(one["equipment_code"], one["name"]) for one in in_force] == [
        ("LIFT-1", "通力"),
        ("LIFT-2", COMPANY["name"]),
    ]
    assert (await manager.delete(path)).status_code == 204
    assert (await manager.delete(path)).status_code == 404


CONTRACTS = (
    "维保单位,设备编码,合同编号,起始日,到期日,到场分钟\r\n"
    "迅达,LIFT-1,WB-1,2026-01-01,2026-06-30,30\r\n"
    "通力,LIFT-1,WB-2,2026-07-01,,20\r\n"
)
ROSTER = (
    "手机,岗位,首日,间隔天数,开始时间,小时数\r\n"
    "13800138001,维保,2026-01-01,2,08:00,24\r\n"
    "13800138000,待命,2026-01-02,2,8:00,24\r\n"
)  # fmt: skip


async def test_contracts_and_rosters_come_and_go_as_tables(
    manager: httpx.AsyncClient, site_id: UUID, elevators: list[str]
) -> None:
    await upload(manager, "staff", site_id, STAFF)
    for kind, text in (("contracts", CONTRACTS), ("roster", ROSTER)):
        first = await upload(manager, kind, site_id, text)
        assert (first["created"], first["problems"]) == (2, []), kind
        exported = await manager.get(f"/api/v1/exports/{kind}.xlsx", params={"site_id": str(site_id)})
        again = await manager.post(
            f"/api/v1/imports/{kind}", params={"site_id": str(site_id)}, files={"file": ("x", exported.content)}
        )
        assert (again.json()["created"], again.json()["updated"], again.json()["problems"]) == (0, 2, []), kind
    on_call = (await manager.get("/api/v1/shifts", params={"duty": "on_call"})).json()
    assert on_call["total"] > 0
    bad = (
        "维保单位,设备编码,合同编号,起始日,到期日,到场分钟\r\n迅达,LIFT-9,,2026-01-01,,30\r\n"
        "迅达,LIFT-2,,下个月,,30\r\n迅达,LIFT-2,,2026-02-01,2026-01-01,0\r\n别家,LIFT-1,,2026-08-01,,30\r\n"
    )
    found = (await upload(manager, "contracts", site_id, bad, dry_run=True))["problems"]
    assert [(one["line"], one["code"]) for one in found] == [
        (2, "unknown_equipment"), (3, "day"), (4, "ends_early"), (4, "whole_number"), (5, "maintained"),
    ]  # fmt: skip
    bad = "手机,岗位,首日,开始时间,小时数\r\n13811112222,维保,2026-01-01,25:00,30\r\n13800138001,司机,元旦,08:00,12\r\n"
    found = (await upload(manager, "roster", site_id, bad, dry_run=True))["problems"]
    assert [(one["line"], one["code"]) for one in found] == [
        (2, "unknown_worker"), (2, "time_of_day"), (2, "whole_number"), (3, "unknown_word"), (3, "day"),
    ]  # fmt: skip
