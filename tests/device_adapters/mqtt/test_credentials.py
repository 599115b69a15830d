"""Credentials over HTTP, and what they open on the real broker."""

from collections.abc import AsyncIterator

import httpx
import pytest

from device_adapters.events import MqttCredentialsChanged
from device_adapters.mqtt.broker import Broker
from kit.access import Role, Scope
from kit.db import Database
from kit.events import RecordingOutbox
from kit.supervision.nats import MQTT_USER, NatsServer
from tests.api import client_of
from tests.device_adapters.mqtt.estate import Estate, estate
from tests.device_adapters.mqtt.rig import device, until


@pytest.fixture
async def place(database: Database) -> Estate:
    return await estate(database)


@pytest.fixture
async def manager(place: Estate) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(place.app, token=place.logins.add(Role.MANAGER, site_id=place.site_id)) as client:
        yield client


def of(place: Estate, code: str) -> str:
    return f"/api/v1/equipment/{place.ids[code]}/mqtt-credential"


async def test_a_device_gets_its_own_topics_and_a_password_shown_once(
    place: Estate, manager: httpx.AsyncClient, outbox: RecordingOutbox
) -> None:
    assert (await manager.get(of(place, "LIFT-06"))).status_code == 404
    issued = await manager.post(of(place, "LIFT-06"))
    assert issued.status_code == 201
    body = issued.json()
    assert body["name"] == "yunqi/LIFT-06"
    assert body["publish"] == ["site/yunqi/device/LIFT-06/telemetry", "site/yunqi/device/LIFT-06/status"]
    assert body["subscribe"] == []
    assert len(body["password"]) >= 32
    assert len(outbox.of(MqttCredentialsChanged)) == 1
    seen = (await manager.get(of(place, "LIFT-06"))).json()
    assert "password" not in seen
    assert {key: value for key, value in body.items() if key != "password"} == seen


async def test_issuing_again_changes_the_password_and_nothing_else(place: Estate, manager: httpx.AsyncClient) -> None:
    first, second = [(await manager.post(of(place, "LIFT-06"))).json() for _ in range(2)]
    assert first["password"] != second["password"]
    assert first["id"] == second["id"]


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("PUMP-01", 409, "credential_needs_mqtt"),
        ("A", 409, "credential_needs_mqtt"),
        ("SPACED", 422, "name_not_for_topics"),
    ],
)
async def test_what_has_no_connection_of_its_own_gets_no_credential(
    place: Estate, manager: httpx.AsyncClient, code: str, status: int, error: str
) -> None:
    refused = await manager.post(of(place, code))
    assert (refused.status_code, refused.json()["code"]) == (status, error)


async def test_platforms_speak_for_a_site_and_panels_listen_to_its_alarms(
    place: Estate, manager: httpx.AsyncClient
) -> None:
    site = str(place.site_id)
    bodies = [
        {"site_id": site, "kind": "platform", "name": "nbiot-smoke", "title": "烟感平台"},
        {"site_id": site, "kind": "platform", "name": "tb", "profile": "thingsboard-gateway-sensor"},
        {"site_id": site, "kind": "panel", "name": "control-room"},
    ]
    smoke, gateway, panel = [(await manager.post("/api/v1/mqtt-credentials", json=body)).json() for body in bodies]
    assert smoke["name"] == "yunqi/nbiot-smoke"
    assert smoke["publish"] == ["site/yunqi/device/+/telemetry", "site/yunqi/device/+/status"]
    assert "v1/gateway/telemetry" in gateway["publish"]
    assert (panel["publish"], panel["subscribe"]) == ([], ["site/yunqi/alarms", "site/yunqi/alerts/+"])
    again = await manager.post("/api/v1/mqtt-credentials", json=bodies[0])
    assert (again.status_code, again.json()["code"]) == (409, "credential_name_taken")
    rotated = await manager.post(f"/api/v1/mqtt-credentials/{smoke['id']}/password")
    assert rotated.json()["password"] != smoke["password"]
    listed = (await manager.get("/api/v1/mqtt-credentials", params={"kind": "platform", "sort": "-name"})).json()
    assert [item["name"] for item in listed["items"]] == ["yunqi/tb", "yunqi/nbiot-smoke"]
    assert all("password" not in item for item in listed["items"])
    assert (await manager.delete(f"/api/v1/mqtt-credentials/{smoke['id']}")).status_code == 204
    assert (await manager.get("/api/v1/mqtt-credentials")).json()["total"] == 2


@pytest.mark.parametrize(
    "change",
    [{"kind": "device"}, {"name": ""}, {"name": "a/b"}, {"name": "a\u0000"}, {"profile": "nonsense"}, {"more": 1}],
)
async def test_what_is_wrong_is_refused_and_never_a_fault_of_ours(
    place: Estate, manager: httpx.AsyncClient, change: dict[str, object]
) -> None:
    body = {"site_id": str(place.site_id), "kind": "platform", "name": "p"} | change
    assert (await manager.post("/api/v1/mqtt-credentials", json=body)).status_code == 422
    assert (await manager.get("/api/v1/mqtt-credentials", params={"sort": "password_hash"})).status_code == 422


async def test_other_sites_and_other_roles_see_nothing(place: Estate, database: Database) -> None:
    other = await estate(database, "other")
    async with database.transaction() as session:
        issued = await place.service.issue_for_equipment(session, Scope.everywhere(), place.ids["LIFT-06"])
    async with client_of(place.app, token=place.logins.add(Role.MANAGER, site_id=other.site_id)) as stranger:
        assert (await stranger.get("/api/v1/mqtt-credentials")).json()["total"] == 0
        for method, path in (
            ("GET", of(place, "LIFT-06")),
            ("POST", of(place, "LIFT-06")),
            ("DELETE", of(place, "LIFT-06")),
            ("POST", f"/api/v1/mqtt-credentials/{issued.id}/password"),
            ("DELETE", f"/api/v1/mqtt-credentials/{issued.id}"),
        ):
            assert (await stranger.request(method, path)).status_code == 404, (method, path)
    async with client_of(place.app, token=place.logins.add(Role.ENGINEER, site_id=place.site_id)) as engineer:
        assert (await engineer.get(of(place, "LIFT-06"))).status_code == 200
        assert (await engineer.post(of(place, "LIFT-06"))).status_code == 403
    async with client_of(place.app, token=place.logins.add(Role.OWNER, site_id=place.site_id)) as owner:
        assert (await owner.get("/api/v1/mqtt-credentials")).status_code == 403


async def test_the_broker_lets_in_whom_the_service_names_and_puts_out_whom_it_no_longer_does(
    place: Estate, database: Database, nats_server: NatsServer
) -> None:
    everywhere = Scope.everywhere()
    async with database.transaction() as session:
        lift = await place.service.issue_for_equipment(session, everywhere, place.ids["LIFT-06"])
        other = await place.service.issue_for_equipment(session, everywhere, place.ids["LIFT-07"])
        await nats_server.set_mqtt_users(await place.service.users(session))
    broker = Broker(name="embedded", host=nats_server.mqtt_host, port=nats_server.mqtt_port)
    async with (
        device(broker, MQTT_USER, "mqtt", client_id="hub") as hub,
        device(broker, lift.name, lift.password, client_id="lift") as speaking,
        device(broker, other.name, other.password, client_id="other") as removed,
    ):
        await hub.listen("site/+/device/+/telemetry")
        await speaking.say("site/yunqi/device/LIFT-06/telemetry", {"values": {}})
        await until(lambda: len(hub.heard) == 1)
        async with database.transaction() as session:
            await place.service.revoke_for_equipment(session, everywhere, place.ids["LIFT-07"])
            await nats_server.set_mqtt_users(await place.service.users(session))
        await until(lambda: not removed.client.is_connected())
        await speaking.say("site/yunqi/device/LIFT-06/telemetry", {"values": {}})
        await until(lambda: len(hub.heard) == 2)


async def test_the_demo_fleet_gets_a_password_each_and_new_ones_each_time(place: Estate, database: Database) -> None:
    """An elevator whose name fits no topic is passed over."""
    async with database.transaction() as session:
        first = await place.service.issue_fleet(session, place.site_id)
    async with database.transaction() as session:
        second = await place.service.issue_fleet(session, place.site_id)
    assert set(first) == {"yunqi/LIFT-06", "yunqi/LIFT-07", "yunqi/nbiot-smoke", "yunqi/nbiot-water"}
    assert set(first) == set(second)
    assert all(first[name] != second[name] for name in first)
