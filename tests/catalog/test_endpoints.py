"""Sites, buildings, spaces, equipment and points over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from building.link import LinkChange
from catalog.events import CatalogChanged, LinkChanged
from catalog.loader import load_directory
from kit.access import Role
from kit.clock import FakeClock
from kit.events import RecordingOutbox
from tests.api import client_of
from tests.catalog.api import CatalogRoom, open_site

# Fixed, so that every test process names its tests alike.
NOBODYS_ID = UUID("0199c0ff-ee00-7000-8000-0000000000aa")


async def building(client: httpx.AsyncClient, site_id: UUID, name: str = "1栋") -> Any:
    answer = await client.post("/api/v1/buildings", json={"site_id": str(site_id), "code": name, "name": name})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def equipment(client: httpx.AsyncClient, site_id: UUID, code: str, **fields: Any) -> Any:
    body = {"site_id": str(site_id), "code": code, "name": code, "kind": "pump", **fields}
    answer = await client.post("/api/v1/equipment", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_home_is_built_from_the_ground_up(manager: httpx.AsyncClient, site_id: UUID):
    one = await building(manager, site_id)
    unit = await manager.post(
        "/api/v1/spaces",
        json={"site_id": str(site_id), "building_id": one["id"], "kind": "unit", "code": "1-1", "name": "1单元"},
    )
    room = await manager.post(
        "/api/v1/spaces",
        json={
            "site_id": str(site_id),
            "parent_id": unit.json()["id"],
            "kind": "room",
            "code": "1-1-101",
            "name": "101",
        },
    )
    assert room.json()["building_id"] == one["id"]
    assert room.json()["unit_id"] == unit.json()["id"]
    tree = (await manager.get(f"/api/v1/sites/{site_id}/tree")).json()
    assert [tree[0]["name"], tree[0]["children"][0]["name"], tree[0]["children"][0]["children"][0]["name"]] == [
        "1栋",
        "1单元",
        "101",
    ]
    listed = (await manager.get("/api/v1/spaces", params={"unit_id": unit.json()["id"], "kind": "room"})).json()
    assert (listed["total"], listed["items"][0]["code"]) == (1, "1-1-101")


async def test_equipment_takes_points_and_protocol_from_its_profile_and_partition_from_its_building(
    manager: httpx.AsyncClient, site_id: UUID, outbox: RecordingOutbox
):
    await building(manager, site_id, "1栋")
    second = await building(manager, site_id, "2栋")
    made = await equipment(
        manager, site_id, "LIFT-1", kind="elevator", profile_key="gb24476-elevator", building_id=second["id"]
    )
    assert (made["protocol"], made["partition"], made["external_id"]) == ("mqtt", 2, "LIFT-1")
    points = (await manager.get(f"/api/v1/equipment/{made['id']}/points")).json()
    mode = next(point for point in points if point["key"] == "service_mode")
    assert mode["labels"]
    assert outbox.of(CatalogChanged)[-1].site_id == site_id


async def test_a_pump_outside_every_building_goes_to_the_common_partition(manager: httpx.AsyncClient, site_id: UUID):
    assert (await equipment(manager, site_id, "GATE-1"))["partition"] == 0


async def test_moving_equipment_changes_its_place_and_never_its_partition(manager: httpx.AsyncClient, site_id: UUID):
    first, second = await building(manager, site_id, "1栋"), await building(manager, site_id, "2栋")
    made = await equipment(manager, site_id, "P-1", building_id=first["id"])
    moved = await manager.patch(f"/api/v1/equipment/{made['id']}", json={"building_id": second["id"]})
    assert (moved.json()["building_name"], moved.json()["partition"]) == ("2栋", 1)


async def test_parents_in_a_circle_are_refused(manager: httpx.AsyncClient, site_id: UUID):
    power = await equipment(manager, site_id, "PWR")
    pump = await equipment(manager, site_id, "PUMP", parent_id=power["id"])
    riser = await equipment(manager, site_id, "RISER", parent_id=pump["id"])
    for parent in (power, pump, riser):
        answer = await manager.patch(f"/api/v1/equipment/{power['id']}", json={"parent_id": parent["id"]})
        assert (answer.status_code, answer.json()["code"]) == (409, "parent_cycle")
    assert "循环" in answer.json()["message"]


async def test_a_code_stands_for_one_equipment_of_a_site(manager: httpx.AsyncClient, room: CatalogRoom, site_id: UUID):
    await equipment(manager, site_id, "P-1")
    body = {"site_id": str(site_id), "code": "P-1", "name": "x", "kind": "pump"}
    again = await manager.post("/api/v1/equipment", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "code_taken")
    elsewhere = await open_site(room, "elsewhere")
    async with client_of(room.app, token=room.logins.add(Role.MANAGER, site_id=elsewhere)) as other:
        assert (await equipment(other, elsewhere, "P-1"))["code"] == "P-1"


async def test_rows_of_another_site_are_not_found(manager: httpx.AsyncClient, room: CatalogRoom, site_id: UUID):
    one = await building(manager, site_id)
    made = await equipment(manager, site_id, "LIFT-1", kind="elevator", profile_key="gb24476-elevator")
    point = (await manager.get(f"/api/v1/equipment/{made['id']}/points")).json()[0]
    elsewhere = await open_site(room, "elsewhere")
    async with client_of(room.app, token=room.logins.add(Role.MANAGER, site_id=elsewhere)) as other:
        attempts: list[tuple[str, str, dict[str, object] | None]] = [
            ("GET", f"/sites/{site_id}", None),
            ("GET", f"/sites/{site_id}/tree", None),
            ("GET", f"/sites/{site_id}/settings", None),
            ("PUT", f"/sites/{site_id}/settings", {"settings": {}}),
            ("GET", f"/buildings/{one['id']}", None),
            ("PATCH", f"/buildings/{one['id']}", {"name": "mine"}),
            ("DELETE", f"/buildings/{one['id']}", None),
            ("POST", "/buildings", {"site_id": str(site_id), "code": "x", "name": "x"}),
            ("GET", f"/equipment/{made['id']}", None),
            ("GET", f"/equipment/{made['id']}/points", None),
            ("GET", f"/equipment/{made['id']}/qr.png", None),
            ("GET", f"/equipment/by-qr/{made['qr_token']}", None),
            ("PATCH", f"/equipment/{made['id']}", {"name": "mine"}),
            ("DELETE", f"/equipment/{made['id']}", None),
            ("PATCH", f"/points/{point['point_no']}", {"high": 1e6}),
            ("GET", f"/exports/equipment.csv?site_id={site_id}", None),
        ]
        for method, path, body in attempts:
            answer = await other.request(method, f"/api/v1{path}", json=body)
            assert answer.status_code == 404, (method, path, answer.text)
        assert (await other.get("/api/v1/equipment", params={"site_id": str(site_id)})).json()["total"] == 0
        stolen = {"site_id": str(elsewhere), "code": "X", "name": "x", "kind": "pump", "building_id": one["id"]}
        answer = await other.post("/api/v1/equipment", json=stolen)
        assert (answer.status_code, answer.json()["code"]) == (422, "reference_unknown")


async def test_an_engineer_reads_and_does_not_edit(room: CatalogRoom, manager: httpx.AsyncClient, site_id: UUID):
    made = await equipment(manager, site_id, "P-1")
    async with client_of(room.app, token=room.logins.add(Role.ENGINEER, site_id=site_id)) as engineer:
        assert (await engineer.get(f"/api/v1/equipment/{made['id']}")).status_code == 200
        assert (await engineer.patch(f"/api/v1/equipment/{made['id']}", json={"name": "x"})).status_code == 403
    async with client_of(room.app, token=room.logins.add(Role.OWNER, site_id=site_id)) as owner:
        assert (await owner.get("/api/v1/equipment")).status_code == 403


async def test_equipment_with_a_history_is_retired_and_can_come_back(
    manager: httpx.AsyncClient, room: CatalogRoom, site_id: UUID, clock: FakeClock
):
    gateway = await equipment(manager, site_id, "GW", kind="gateway")
    child = await equipment(manager, site_id, "P-1", parent_id=gateway["id"])
    answer = await manager.delete(f"/api/v1/equipment/{gateway['id']}")
    assert answer.json() == {"deleted": False}
    assert (await manager.get("/api/v1/equipment")).json()["total"] == 1
    async with room.database.transaction() as session:
        assert [entry.code for entry in (await load_directory(session)).entries] == ["P-1"]
    back = await manager.post(f"/api/v1/equipment/{gateway['id']}/restore")
    assert (back.json()["retired_at"], back.json()["in_service"]) == (None, True)
    assert (await manager.delete(f"/api/v1/equipment/{child['id']}")).json() == {"deleted": True}
    assert (await manager.get(f"/api/v1/equipment/{child['id']}")).status_code == 404


async def test_a_range_can_be_set_and_given_back_to_the_profile(
    manager: httpx.AsyncClient, site_id: UUID, outbox: RecordingOutbox
):
    made = await equipment(manager, site_id, "LIFT-1", kind="elevator", profile_key="gb24476-elevator")
    points = (await manager.get(f"/api/v1/equipment/{made['id']}/points")).json()
    temperature = next(point for point in points if point["key"] == "machine_room_temp_c")
    path = f"/api/v1/points/{temperature['point_no']}"
    outbox.events.clear()
    set_to = await manager.patch(path, json={"low": 0, "high": 45})
    assert (set_to.json()["low"], set_to.json()["high"], set_to.json()["edited"]) == (0, 45, ["high", "low"])
    assert outbox.of(CatalogChanged)
    named = (await manager.patch(path, json={"name": {"zh-CN": "顶层机房温度"}})).json()["name"]
    assert named == {**temperature["name"], "zh-CN": "顶层机房温度"}
    wrong = await manager.patch(path, json={"low": 50})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "bad_range")
    back = await manager.delete(f"{path}/edits")
    assert (back.json()["high"], back.json()["edited"]) == (temperature["high"], [])


async def test_a_site_with_other_clocks_is_heard_of_by_who_judges_by_its_hours(
    room: CatalogRoom, manager: httpx.AsyncClient, site_id: UUID, outbox: RecordingOutbox
):
    await equipment(manager, site_id, "PUMP-01")
    before = len(outbox.of(CatalogChanged))
    async with client_of(room.app, token=room.logins.add(Role.ADMIN)) as admin:
        answer = await admin.patch(f"/api/v1/sites/{site_id}", json={"timezone": "Asia/Urumqi"})
    assert answer.status_code == 200, answer.text
    assert len(outbox.of(CatalogChanged)) == before + 1
    async with room.database.transaction() as session:
        directory = await load_directory(session)
    assert [entry.timezone for entry in directory.entries] == ["Asia/Urumqi"]


async def test_settings_are_merged_replaced_and_bounded(manager: httpx.AsyncClient, site_id: UUID):
    path = f"/api/v1/sites/{site_id}/settings"
    await manager.put(path, json={"settings": {"smoke": {"on_site_min": 3, "ring": True}, "deadlines": {"p1": 15}}})
    merged = await manager.patch(path, json={"settings": {"smoke": {"on_site_min": 5, "ring": None}}})
    assert merged.json()["settings"] == {"smoke": {"on_site_min": 5}, "deadlines": {"p1": 15}}
    assert (await manager.get(path)).json() == merged.json()
    large = await manager.put(path, json={"settings": {"x": "y" * 70_000}})
    assert (large.status_code, large.json()["code"]) == (422, "bad_settings")
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"d": deep}
    assert (await manager.put(path, json={"settings": deep})).status_code == 422
    assert (await manager.put(path, json={"settings": [1]})).status_code == 422


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/equipment?sort=colour", 422),
        ("/equipment?kind=spaceship", 422),
        ("/equipment?q=%00", 422),
        ("/equipment/not-an-id", 422),
        (f"/equipment/{NOBODYS_ID}", 404),
        ("/equipment/by-qr/none", 404),
        ("/equipment?q=100%25_%5C", 200),
        ("/equipment?offset=999999&sort=-name&link=down", 200),
        ("/points/99999999999/edits", 405),
        ("/profiles/none", 404),
        ("/exports/owners.docx", 422),
        ("/dead-letters?reason=%00", 422),
    ],
)
async def test_bad_questions_get_answers_and_never_a_500(manager: httpx.AsyncClient, path: str, status: int):
    assert (await manager.get(f"/api/v1{path}")).status_code == status


@pytest.mark.parametrize(
    "content",
    [
        b'{"code": "A\\u0000", "name": "x", "kind": "pump", "site_id": "%s"}',
        b'{"code": "A", "name": "x", "kind": "pump", "site_id": "%s", "address": {"a": NaN}}',
        b'{"code": "A", "name": "x", "kind": "pump", "site_id": "%s", "address": {"a": "\\u0000"}}',
        b'{"code": "A", "name": "x", "kind": "pump", "site_id": "%s", "colour": "red"}',
        b'{"code": "  ", "name": "x", "kind": "pump", "site_id": "%s"}',
        b'{"code": "\\ud800", "name": "x", "kind": "pump", "site_id": "%s"}',
    ],
)
async def test_a_body_that_cannot_be_kept_is_refused(manager: httpx.AsyncClient, site_id: UUID, content: bytes):
    body = content % str(site_id).encode()
    answer = await manager.post("/api/v1/equipment", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text


async def test_what_must_have_a_value_cannot_be_emptied(manager: httpx.AsyncClient, site_id: UUID):
    made = await equipment(manager, site_id, "P-1", rescue_code="330001")
    path = f"/api/v1/equipment/{made['id']}"
    assert (await manager.patch(path, json={"name": None})).status_code == 422
    assert (await manager.patch(path, json={"rescue_code": None})).json()["rescue_code"] is None


async def test_the_label_is_a_picture_and_a_new_token_voids_it(manager: httpx.AsyncClient, site_id: UUID):
    made = await equipment(manager, site_id, "P-1")
    label = await manager.get(f"/api/v1/equipment/{made['id']}/qr.png")
    assert (label.headers["content-type"], label.content[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
    assert (await manager.get(f"/api/v1/equipment/by-qr/{made['qr_token']}")).json()["id"] == made["id"]
    await manager.post(f"/api/v1/equipment/{made['id']}/qr-token")
    assert (await manager.get(f"/api/v1/equipment/by-qr/{made['qr_token']}")).status_code == 404


async def test_a_building_that_is_not_empty_is_not_deleted(manager: httpx.AsyncClient, site_id: UUID):
    one = await building(manager, site_id)
    made = await equipment(manager, site_id, "P-1", building_id=one["id"])
    answer = await manager.delete(f"/api/v1/buildings/{one['id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "still_in_use")
    await manager.delete(f"/api/v1/equipment/{made['id']}")
    assert (await manager.delete(f"/api/v1/buildings/{one['id']}")).status_code == 204


async def test_lists_filter_sort_and_page(manager: httpx.AsyncClient, site_id: UUID):
    for code, kind in (("A-1", "pump"), ("A-2", "elevator"), ("B-1", "pump"), ("B_1", "pump")):
        await equipment(manager, site_id, code, kind=kind)
    found = (await manager.get("/api/v1/equipment", params={"kind": "pump", "sort": "-code", "limit": 2})).json()
    assert ([one["code"] for one in found["items"]], found["total"]) == (["B_1", "B-1"], 3)
    found = (await manager.get("/api/v1/equipment", params={"q": "b_"})).json()
    assert [one["code"] for one in found["items"]] == ["B_1"]


async def test_a_link_is_news_once(
    room: CatalogRoom, manager: httpx.AsyncClient, site_id: UUID, clock: FakeClock, outbox: RecordingOutbox
):
    made = await equipment(manager, site_id, "P-1")
    start = clock.now()

    async def note(*, is_up: bool, after_s: float) -> None:
        async with room.database.transaction() as session:
            at = start + timedelta(seconds=after_s)
            await room.catalog.note_links(session, [LinkChange(UUID(made["id"]), is_up, at)])

    await note(is_up=True, after_s=0)
    assert outbox.of(LinkChanged) == []
    await note(is_up=False, after_s=10)
    await note(is_up=False, after_s=11)
    await note(is_up=True, after_s=5)  # late news of an older time
    await note(is_up=True, after_s=20)
    assert [event.is_up for event in outbox.of(LinkChanged)] == [False, True]
    assert (await manager.get("/api/v1/equipment", params={"link": "up"})).json()["total"] == 1


async def test_two_edits_at_once_cannot_close_a_circle(room: CatalogRoom, manager: httpx.AsyncClient, site_id: UUID):
    import asyncio

    one, two = await equipment(manager, site_id, "A"), await equipment(manager, site_id, "B")
    answers = await asyncio.gather(
        manager.patch(f"/api/v1/equipment/{one['id']}", json={"parent_id": two["id"]}),
        manager.patch(f"/api/v1/equipment/{two['id']}", json={"parent_id": one["id"]}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    async with room.database.transaction() as session:
        circles = text("SELECT count(*) FROM equipment a JOIN equipment b ON a.parent_id = b.id AND b.parent_id = a.id")
        assert await session.scalar(circles) == 0
