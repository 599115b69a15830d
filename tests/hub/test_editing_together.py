"""Two people at one thing: whoever comes second learns what the first one did. And what they attach to it."""

import io
from pathlib import Path
from typing import Any

import httpx
from PIL import ExifTags, Image

from automation.schemas import DOCUMENT
from kit.access import Role
from kit.db import Database
from kit.events import RecordingOutbox
from tests.hub.whole_app import WholeApp, whole_app
from tests.ticketing.test_videos import PLACE, box, mp4


async def test_two_people_at_one_thing(database: Database, outbox: RecordingOutbox, tmp_path: Path) -> None:
    async with (
        whole_app(database, outbox, tmp_path) as hub,
        hub.client(await hub.token(Role.ADMIN, name="钱进")) as one,
    ):
        order = await an_order(hub, one)
        await _a_stale_edit_of_an_order(hub, one, order)
        await _a_stale_switch_of_a_rule(hub, one)
        await _stale_edits_of_what_else_people_edit(hub, one)
        await _who_switches_a_rule_on_has_read_it(hub, one)
        await _a_video_and_where_it_was_taken(hub, one, order)
        await _a_photo_and_where_it_was_taken(one, order)


async def an_order(hub: WholeApp, client: httpx.AsyncClient) -> str:
    body = {"site_id": str(hub.here.site_id), "channel": "phone", "category": "water_leak", "text": "漏水"}
    made = await client.post("/api/v1/work-orders", json=body)
    assert made.status_code == 201, made.text
    order: str = made.json()["work_order_id"]
    return order


async def _a_stale_edit_of_an_order(hub: WholeApp, one: httpx.AsyncClient, order: str) -> None:
    path = f"/api/v1/work-orders/{order}"
    seen = (await one.get(path)).json()["version"]
    async with hub.client(await hub.token(Role.DISPATCHER)) as other:
        first = await one.patch(path, json={"priority": 1, "reason": "整栋停水", "version": seen})
        assert first.status_code == 200, first.text
        edit = {"priority": 2, "reason": "不急", "version": seen}
        act = {"action": "cancel", "reason": "误报", "version": seen}
        for refused in (await other.patch(path, json=edit), await other.post(f"{path}/actions", json=act)):
            assert (refused.status_code, refused.json()["code"]) == (409, "stale_work_order")
            facts = refused.json()["facts"]
            assert (facts["given_version"], facts["version"]) == (seen, seen + 1)
            (change,) = facts["changes"]
            assert change["after"]["priority"] == 1
            assert change["before"]["priority"] != 1
            assert (change["by_name"], change["why"], change["version"]) == ("钱进", "整栋停水", seen + 1)


async def _a_stale_switch_of_a_rule(hub: WholeApp, one: httpx.AsyncClient) -> None:
    rule = await a_rule(hub)
    made = await one.post("/api/v1/rules", json={"definition": rule, "enabled": True})
    assert made.status_code == 201, made.text
    path = f"/api/v1/rules/{rule['key']}"
    assert (await one.post(f"{path}/disable", json={"version": 1})).status_code == 200
    refused = await one.post(f"{path}/enable", json={"version": 1})
    assert refused.status_code == 409
    (change,) = refused.json()["facts"]["changes"]
    assert (change["before"]["enabled"], change["after"]["enabled"], change["by_name"]) == (True, False, "钱进")
    # Another text is a version, too: two rows are written, and what is told is of the rule.
    minor = rule | {"severity": "minor"}
    assert (await one.put(path, json={"definition": minor, "version": 2})).status_code == 200
    refused = await one.put(path, json={"definition": rule, "version": 2})
    (change,) = refused.json()["facts"]["changes"]
    told = [change[side]["definition"]["severity"] for side in ("before", "after")]
    assert (refused.status_code, told, change["by_name"]) == (409, ["major", "minor"], "钱进")
    await _a_stale_edit_of_a_draft(one, rule)


async def _a_stale_edit_of_a_draft(one: httpx.AsyncClient, rule: dict[str, Any]) -> None:
    """Of two drafts of a rule: what became of the other one is not told."""
    first, second = [
        await made(one, "/rules/drafts", definition=rule | {"fault_mode": mode}, reason="r") for mode in ("one", "two")
    ]
    path = f"/api/v1/rules/{rule['key']}/versions"
    for draft, mode in ((first, "of_one"), (second, "of_two")):
        edit = {"definition": rule | {"fault_mode": mode}, "reason": "r", "version": 1}
        assert (await one.put(f"{path}/{draft['number']}", json=edit)).status_code == 200
    refused = await one.put(f"{path}/{second['number']}", json=edit)
    (change,) = refused.json()["facts"]["changes"]
    assert (refused.status_code, change["after"]["definition"]["fault_mode"]) == (409, "of_two")


async def _stale_edits_of_what_else_people_edit(hub: WholeApp, one: httpx.AsyncClient) -> None:
    """Each edit in turn, as the version that the page had when both opened it."""
    site = str(hub.here.site_id)
    building = await made(one, "/buildings", site_id=site, code="B77", name="77栋")
    place = await made(one, "/spaces", site_id=site, kind="public", code="A-77", name="凉亭")
    person = await made(one, "/people", site_id=site, kind="staff", name="赵六")
    company = await made(one, "/contractors", site_id=site, name="某电梯维保站")
    lift = next(iter((await one.get("/api/v1/equipment", params={"site_id": site})).json()["items"]))["id"]
    terms = {"contractor_id": company["id"], "equipment_ids": [lift], "starts_on": "2020-01-01", "arrival_min": 30}
    (contract,) = (await one.post("/api/v1/maintenance-contracts", json=terms)).json()
    hook = await made(one, "/automation/webhooks", site_id=site, name="平台", url="https://ops.example.com/x")
    grants, skills = [{"role": "engineer", "site_id": site}], [{"skill": "plumbing"}]
    for path, thing, method, body, seen in (
        (f"/buildings/{building['id']}", building, "PATCH", {"name": "77栋（商铺）"}, {"name": "77栋（商铺）"}),
        (f"/spaces/{place['id']}", place, "PATCH", {"name": "凉亭（东）"}, {"name": "凉亭（东）"}),
        (f"/people/{person['id']}", person, "PATCH", {"language": "en"}, {"language": "en"}),
        (f"/people/{person['id']}/roles", person, "PUT", grants, {}),
        (f"/people/{person['id']}/skills", person, "PUT", skills, {}),
        (f"/people/{person['id']}/areas", person, "PUT", {"building_ids": []}, {}),
        (f"/contractors/{company['id']}", company, "PATCH", {"license_no": "TS1"}, {"license_no": "TS1"}),
        (f"/contractors/{company['id']}/contacts", company, "PUT", {"contacts": []}, {}),
        (f"/maintenance-contracts/{contract['id']}", contract, "PATCH", {"arrival_min": 20}, {"arrival_min": 20}),
        (f"/automation/webhooks/{hook['id']}", hook, "PATCH", {"is_enabled": False}, {"is_enabled": False}),
        (f"/automation/webhooks/{hook['id']}/secret", hook, "POST", None, {"generation": 2}),
    ):
        await _the_second_is_told(one, path, thing, method=method, body=body, seen=seen)
    for path, thing in ((f"/buildings/{building['id']}", building), (f"/spaces/{place['id']}", place)):
        assert (await one.delete(f"/api/v1{path}", params={"version": 1})).status_code == 409
        assert (await one.delete(f"/api/v1{path}", params={"version": thing["version"]})).status_code == 204


async def _who_switches_a_rule_on_has_read_it(hub: WholeApp, one: httpx.AsyncClient) -> None:
    said = {"name": "挂起过久", "document": DOCUMENT}
    rule = await made(one, "/automation/rules", site_id=str(hub.here.site_id), is_enabled=False, **said)
    path = f"/api/v1/automation/rules/{rule['id']}"
    said = {"name": "挂起", "document": DOCUMENT | {"delay_min": 1}}
    assert (await one.put(path, json=said | {"version": 1})).status_code == 200
    refused = await one.patch(path, json={"is_enabled": True, "version": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "stale_rule")
    (change,) = refused.json()["facts"]["changes"]
    assert (change["after"]["name"], change["what"], change["by_name"]) == ("挂起", "edit_order_rule", "钱进")
    assert (await one.patch(path, json={"is_enabled": True, "version": 2})).status_code == 200


async def _the_second_is_told(
    one: httpx.AsyncClient, path: str, thing: dict[str, Any], *, method: str, body: Any, seen: dict[str, Any]
) -> None:
    """The first edit is done, the second with the same version refused; `seen`: what it is told was changed."""
    version = thing["version"]
    in_body = method == "PATCH"
    asked = {"json": body | {"version": version}} if in_body else {"json": body, "params": {"version": version}}
    first = await one.request(method, f"/api/v1{path}", **asked)
    assert first.status_code == 200, first.text
    refused = await one.request(method, f"/api/v1{path}", **asked)
    assert (refused.status_code, refused.json()["code"]) == (409, "stale_edit"), path
    facts = refused.json()["facts"]
    assert (facts["given_version"], facts["version"]) == (version, version + 1)
    (change,) = facts["changes"]
    told = {name: value for name, value in change["after"].items() if name != "previous_until"}
    assert (told, change["by_name"], change["version"]) == (seen, "钱进", version + 1), path
    thing["version"] = facts["version"]


async def made(client: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/api/v1{path}", json=body)
    assert answer.status_code == 201, answer.text
    thing: dict[str, Any] = answer.json()
    return thing


async def a_rule(hub: WholeApp) -> dict[str, Any]:
    """A rule that nobody shipped, from the API's own example."""
    example: dict[str, Any] = hub.app.openapi()["components"]["schemas"]["RuleIn"]["examples"][0]["definition"]
    return example | {"key": "of-this-test", "site_id": None, "equipment": []}


async def _a_video_and_where_it_was_taken(hub: WholeApp, one: httpx.AsyncClient, order: str) -> None:
    path = f"/api/v1/work-orders/{order}/videos"
    raw = mp4(more=box(b"udta", box(b"\xa9xyz", b"\x00\x12\x15\xc7", PLACE)), media=b"frames" * 100)
    files = {"file": ("a.exe", raw, "application/x-msdownload")}
    sent = await one.post(path, files=files, data={"keep_location": "true"})
    assert sent.status_code == 201, sent.text
    assert (sent.json()["duration_s"], sent.json()["location"]) == (5.0, PLACE.decode())
    assert (await one.post(path, files=files)).json()["location"] is None
    refused = await one.post(path, files={"file": ("film.mp4", b"#!/bin/sh", "video/mp4")})
    assert (refused.status_code, refused.json()["code"]) == (422, "video_refused")

    page = (await one.get(f"/api/v1/work-orders/{order}")).json()
    assert [video["media_type"] for video in page["videos"]] == ["video/mp4", "video/mp4"]
    assert page["photos"] == []
    got = await one.get(f"{path}/{sent.json()['id']}")
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert PLACE not in got.content
    assert len(got.content) == len(raw)
    part = await one.get(f"{path}/{sent.json()['id']}", headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, got.content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(raw)}"
    beyond = await one.get(f"{path}/{sent.json()['id']}", headers={"range": f"bytes={len(raw)}-"})
    assert beyond.status_code == 416
    async with hub.client(await hub.token(*Role, site_id=hub.there.site_id)) as stranger:
        assert (await stranger.get(f"{path}/{sent.json()['id']}")).status_code == 404


async def _a_photo_and_where_it_was_taken(one: httpx.AsyncClient, order: str) -> None:
    out, exif = io.BytesIO(), Image.Exif()
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef], place[ExifTags.GPS.GPSLatitude] = "N", (30.0, 16.0, 26.76)
    place[ExifTags.GPS.GPSLongitudeRef], place[ExifTags.GPS.GPSLongitude] = "E", (120.0, 9.0, 18.36)
    Image.new("RGB", (40, 30), "blue").save(out, "JPEG", exif=exif)
    path = f"/api/v1/work-orders/{order}/photos"
    sent = await one.post(path, files={"file": ("p.jpg", out.getvalue())}, data={"keep_location": "true"})
    assert sent.json()["location"] == "+30.2741+120.1551/"
    kept = await one.get(f"{path}/{sent.json()['id']}")
    with Image.open(io.BytesIO(kept.content)) as image:
        assert not image.getexif()
    assert (await one.post(path, files={"file": ("p.jpg", out.getvalue())})).json()["location"] is None
