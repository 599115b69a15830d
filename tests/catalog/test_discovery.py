"""The inbox of unknown devices, and dead letters."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import httpx
from prometheus_client import CollectorRegistry

from building.profile import DeviceProfile
from catalog.discovery import Discovery
from catalog.events import CatalogChanged, DeviceBound, DeviceDiscovered
from catalog.loader import load_directory
from catalog.views import NewLetter, Sample
from kit.access import Role
from kit.clock import FakeClock
from kit.events import RecordingOutbox
from kit.ids import new_id
from tests.api import client_of
from tests.catalog.api import CatalogRoom, open_site


async def speak(
    room: CatalogRoom, clock: FakeClock, payload: bytes, *, name: str = "0x00124b", site: str = "here"
) -> bool:
    async with room.database.transaction() as session:
        return await room.discovery.note(
            session, protocol="mqtt", broker="embedded", site_code=site, external_id=name,
            topic=f"site/{site}/device/{name}/telemetry", payload=payload, received_at=clock.now(),
        )  # fmt: skip


async def smoke_detector(client: httpx.AsyncClient, site_id: UUID, code: str = "SMOKE-1") -> str:
    body = {
        "site_id": str(site_id), "code": code, "name": code, "kind": "smoke_detector", "profile_key": "nbiot-smoke",
    }  # fmt: skip
    return str((await client.post("/api/v1/equipment", json=body)).json()["id"])


async def test_a_device_is_discovered_once_counted_always_and_keeps_its_newest_twenty(
    room: CatalogRoom, manager: httpx.AsyncClient, clock: FakeClock, outbox: RecordingOutbox
):
    said = [json.dumps({"values": {"smoke_level": number}}) for number in range(25)]
    for payload in said:
        clock.advance(seconds=1)
        assert await speak(room, clock, payload.encode())
    assert len(outbox.of(DeviceDiscovered)) == 1
    listed = (await manager.get("/api/v1/discovered-devices")).json()
    assert (listed["total"], listed["items"][0]["messages"]) == (1, 25)
    detail = (await manager.get(f"/api/v1/discovered-devices/{listed['items'][0]['id']}")).json()
    assert [sample["payload"] for sample in detail["samples"]] == said[5:]


async def test_one_call_binds_it_and_hands_over_what_it_said(
    room: CatalogRoom, manager: httpx.AsyncClient, site_id: UUID, clock: FakeClock, outbox: RecordingOutbox
):
    await speak(room, clock, b"one")
    await speak(room, clock, b"two")
    equipment_id = await smoke_detector(manager, site_id)
    device = (await manager.get("/api/v1/discovered-devices")).json()["items"][0]["id"]
    outbox.events.clear()
    answer = await manager.post(f"/api/v1/discovered-devices/{device}/bind", json={"equipment_id": equipment_id})
    assert answer.json() == {"equipment_id": equipment_id, "samples": 2}
    assert [type(event) for event in outbox.events] == [CatalogChanged, DeviceBound]
    async with room.database.transaction() as session:
        entry = (await load_directory(session)).by_device["here", "0x00124b"]
        assert (entry.code, entry.address["broker"]) == ("SMOKE-1", "embedded")
        taken = await room.discovery.take_samples(session, UUID(device))
        assert [sample.payload for sample in taken] == [b"one", b"two"]
    async with room.database.transaction() as session:
        assert await room.discovery.take_samples(session, UUID(device)) == []
    waiting = (await manager.get("/api/v1/discovered-devices", params={"bound": False})).json()
    assert waiting["total"] == 0


async def test_a_message_on_its_way_while_the_device_was_bound_is_not_lost(
    room: CatalogRoom, manager: httpx.AsyncClient, site_id: UUID, clock: FakeClock, outbox: RecordingOutbox
):
    await speak(room, clock, b"before")
    equipment_id = await smoke_detector(manager, site_id)
    device = (await manager.get("/api/v1/discovered-devices")).json()["items"][0]["id"]
    await manager.post(f"/api/v1/discovered-devices/{device}/bind", json={"equipment_id": equipment_id})
    outbox.events.clear()
    await speak(room, clock, b"meanwhile")
    assert [event.discovered_id for event in outbox.of(DeviceBound)] == [UUID(device)]


async def test_what_cannot_be_bound_is_refused(
    room: CatalogRoom, manager: httpx.AsyncClient, site_id: UUID, clock: FakeClock
):
    await speak(room, clock, b"x")
    await speak(room, clock, b"x", name="0xother")
    items = (await manager.get("/api/v1/discovered-devices", params={"sort": "external_id"})).json()["items"]
    first, second = (f"/api/v1/discovered-devices/{item['id']}/bind" for item in items)
    body = {"site_id": str(site_id), "code": "P", "name": "P", "kind": "pump", "profile_key": "grundfos-cim-pump"}
    pump = (await manager.post("/api/v1/equipment", json=body)).json()["id"]
    assert (await manager.post(first, json={"equipment_id": pump})).json()["code"] == "binding_refused"
    assert (await manager.post(first, json={"equipment_id": str(uuid4())})).status_code == 404
    detector = await smoke_detector(manager, site_id)
    assert (await manager.post(first, json={"equipment_id": detector})).status_code == 200
    assert (await manager.post(first, json={"equipment_id": detector})).json()["code"] == "already_bound"
    body = {**body, "code": "Q", "external_id": "0xother"}
    await manager.post("/api/v1/equipment", json=body)
    another = await smoke_detector(manager, site_id, "SMOKE-2")
    assert (await manager.post(second, json={"equipment_id": another})).json()["code"] == "code_taken"


async def test_another_sites_devices_and_siteless_ones_are_not_seen(room: CatalogRoom, clock: FakeClock, site_id: UUID):
    elsewhere = await open_site(room, "elsewhere")
    await speak(room, clock, b"x")
    await speak(room, clock, b"x", site="no-such-site")
    async with client_of(room.app, token=room.logins.add(Role.MANAGER, site_id=elsewhere)) as stranger:
        assert (await stranger.get("/api/v1/discovered-devices")).json()["total"] == 0
    async with client_of(room.app, token=room.logins.add(Role.ADMIN)) as admin:
        items = (await admin.get("/api/v1/discovered-devices")).json()["items"]
        assert {item["site_code"] for item in items} == {"here", "no-such-site"}
        assert (await admin.delete(f"/api/v1/discovered-devices/{items[0]['id']}")).status_code == 204
        assert (await admin.get("/api/v1/discovered-devices")).json()["total"] == 1


async def test_names_that_no_database_can_keep_are_kept_as_well_as_can_be(
    room: CatalogRoom, manager: httpx.AsyncClient, clock: FakeClock
):
    assert await speak(room, clock, b"\xff\x00", name="a\x00\ud800b")
    item = (await manager.get("/api/v1/discovered-devices")).json()["items"][0]
    assert item["external_id"] == "a�?b"
    sample = (await manager.get(f"/api/v1/discovered-devices/{item['id']}")).json()["samples"][0]
    assert sample["payload"].startswith("�")


async def test_an_inventor_of_names_fills_the_inbox_and_no_more(
    room: CatalogRoom, clock: FakeClock, profiles: dict[str, DeviceProfile], site_id: UUID
):
    registry = CollectorRegistry()
    small = replace(room, discovery=Discovery(profiles, clock, registry, devices_kept=3))
    kept = [await speak(small, clock, b"x", name=f"n{number}") for number in range(5)]
    assert kept == [True, True, True, False, False]
    assert await speak(small, clock, b"x", name="n1")
    async with room.database.transaction() as session:
        said = [Sample("topic", b"x", clock.now())]
        assert not await small.discovery.note_all(
            session, protocol="mqtt", broker="embedded", site_code="here", external_id="n9", said=said, times=70,
            heard_at=clock.now(),
        )  # fmt: skip
    assert registry.get_sample_value("hub_discovered_refused_total", {"protocol": "mqtt"}) == 72
    assert registry.get_sample_value("hub_discovered_messages_total", {"protocol": "mqtt"}) == 76


# --- dead letters ------------------------------------------------------------------------------------------------


async def write(
    room: CatalogRoom,
    clock: FakeClock,
    reason: str,
    *,
    raw: bytes = b"x",
    site_id: UUID | None = None,
    detail: str = "",
) -> None:
    clock.advance(seconds=1)
    async with room.database.transaction() as session:
        await room.letters.add(
            session, raw=raw, reason=reason, detail=detail, source="mqtt", site_id=site_id, received_at=clock.now()
        )


async def test_letters_are_cut_bounded_a_reason_and_counted(
    room: CatalogRoom, manager: httpx.AsyncClient, clock: FakeClock, site_id: UUID
):
    for number in range(8):
        await write(room, clock, "unreadable", raw=b"\xff%d" % number, site_id=site_id)
    await write(room, clock, "implausible", raw=b"y" * 10_000, site_id=site_id, detail="nul \x00 here")
    listed = (await manager.get("/api/v1/dead-letters")).json()
    assert listed["total"] == 6
    newest = listed["items"][0]
    assert (newest["reason"], len(newest["raw"]), newest["size_bytes"]) == ("implausible", 4096, 10_000)
    assert newest["detail"] == "nul � here"
    assert [item["raw"] for item in listed["items"][1:]] == [f"�{number}" for number in (7, 6, 5, 4, 3)]
    counts = (await manager.get("/api/v1/dead-letters/counts")).json()
    assert [(count["reason"], count["kept"]) for count in counts] == [("implausible", 1), ("unreadable", 5)]
    labels = {"reason": "unreadable", "source": "mqtt"}
    assert room.registry.get_sample_value("hub_dead_letters_total", labels) == 8


async def test_what_was_only_counted_stands_beside_the_letter_it_is_like(
    room: CatalogRoom, manager: httpx.AsyncClient, clock: FakeClock, site_id: UUID
):
    letters = [
        NewLetter(
            id=new_id(), raw=b"{", reason="unreadable", detail=detail, source="mqtt", site_id=site_id,
            received_at=clock.now(),
        )
        for detail in ("loud", "quiet")
    ]  # fmt: skip
    loud = letters[0].id
    for alike in ({loud: 70}, {loud: 5, new_id(): 3}):  # the other one is gone by now: nobody minds
        async with room.database.transaction() as session:
            await room.letters.add_all(session, letters, alike=alike)
    listed = (await manager.get("/api/v1/dead-letters")).json()["items"]
    assert {item["detail"]: item["more_alike"] for item in listed} == {"loud": 75, "quiet": 0}


async def test_what_was_only_counted_of_unknown_devices_is_among_their_messages(
    room: CatalogRoom, manager: httpx.AsyncClient, clock: FakeClock
):
    keys = [("mqtt", "embedded", "here", name) for name in ("loud", "a\x00\ud800b", "a\x00?b", "never met")]
    said = [Sample("topic", b"%d" % number, clock.now()) for number in range(25)]
    async with room.database.transaction() as session:
        for protocol, broker, site_code, external_id in keys[:2]:
            assert await room.discovery.note_all(
                session, protocol=protocol, broker=broker, site_code=site_code, external_id=external_id, said=said,
                times=1_000, heard_at=clock.now(),
            )  # fmt: skip
    clock.advance(seconds=60)
    async with room.database.transaction() as session:
        await room.discovery.count_all(session, dict.fromkeys(keys, 500), heard_at=clock.now())
    found = (await manager.get("/api/v1/discovered-devices", params={"sort": "external_id"})).json()["items"]
    assert [(one["external_id"], one["messages"]) for one in found] == [("a�?b", 2_000), ("loud", 1_500)]
    assert {datetime.fromisoformat(one["last_seen_at"]) for one in found} == {clock.now()}
    kept = (await manager.get(f"/api/v1/discovered-devices/{found[1]['id']}")).json()["samples"]
    assert [sample["payload"] for sample in kept] == [str(number) for number in range(5, 25)]
    of_mqtt = {"protocol": "mqtt"}
    assert room.registry.get_sample_value("hub_discovered_messages_total", of_mqtt) == 4_000
    assert room.registry.get_sample_value("hub_discovered_refused_total", of_mqtt) == 500


async def test_letters_are_purged_in_the_callers_sites_only(
    room: CatalogRoom, manager: httpx.AsyncClient, clock: FakeClock, site_id: UUID
):
    elsewhere = await open_site(room, "elsewhere")
    await write(room, clock, "unreadable", site_id=site_id)
    await write(room, clock, "unreadable", site_id=elsewhere)
    await write(room, clock, "unreadable")
    cut = (clock.now() + timedelta(seconds=1)).isoformat()
    answer = await manager.delete("/api/v1/dead-letters", params={"reason": "unreadable", "before": cut})
    assert answer.json() == {"deleted": 1}
    async with client_of(room.app, token=room.logins.add(Role.ADMIN)) as admin:
        left = (await admin.get("/api/v1/dead-letters")).json()["items"]
        assert {item["site_id"] for item in left} == {str(elsewhere), None}
        assert (await manager.get(f"/api/v1/dead-letters/{left[0]['id']}")).status_code == 404
