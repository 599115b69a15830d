"""The main line through its real doors: MQTT, Modbus, WeChat's callback and HTTP, on a hub as `hub demo` starts it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.stories.devices import MqttDevice, now_ms, pump_gateway
from tests.stories.harness import Demo, items, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SITE = "yunqi"
OUTAGE = "demo-elevator.outage"  # the demo's id of the template that tells residents of a standing elevator


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(demo: Demo) -> AsyncIterator[httpx.AsyncClient]:
    async with demo.logged_in("dispatcher") as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def manager(demo: Demo) -> AsyncIterator[httpx.AsyncClient]:
    async with demo.logged_in("manager") as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(demo: Demo) -> AsyncIterator[httpx.AsyncClient]:
    async with demo.logged_in("admin") as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform(demo: Demo) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=demo.platform_url, timeout=60) as client:
        yield client


def device_of(demo: Demo, username: str) -> MqttDevice:
    password = demo.mqtt_credentials()[username]
    return MqttDevice(
        port=demo.ports.mqtt, username=username, password=password, client_id=f"story-{username.replace('/', '-')}"
    )


@pytest.fixture
def lift(demo: Demo) -> Iterator[MqttDevice]:
    device = device_of(demo, f"{SITE}/LIFT-06")
    yield device
    device.close()


@pytest.fixture
def smoke_platform(demo: Demo) -> Iterator[MqttDevice]:
    device = device_of(demo, f"{SITE}/nbiot-smoke")
    yield device
    device.close()


async def order_of(desk: httpx.AsyncClient, code: str, **where: Any) -> dict[str, Any]:
    """The newest order about an equipment that fits, in full."""

    async def found() -> dict[str, Any] | None:
        for line in await items(desk, "/work-orders", sort="-opened_at", limit=200):
            if line["equipment_code"] == code and all(line[key] == value for key, value in where.items()):
                answer = await desk.get(f"/work-orders/{line['id']}")
                answer.raise_for_status()
                whole: dict[str, Any] = answer.json()
                return whole
        return None

    return await until(found, what=f"an order about {code} with {where}")


async def alarm_of(desk: httpx.AsyncClient, code: str, **where: Any) -> dict[str, Any]:
    async def found() -> dict[str, Any] | None:
        for alarm in await items(desk, "/alarms", sort="-raised_at", limit=200):
            if alarm["equipment_code"] == code and all(alarm[key] == value for key, value in where.items()):
                return alarm
        return None

    return await until(found, what=f"an alarm of {code} with {where}")


async def told(platform: httpx.AsyncClient, *, count: int = 1, contains: str, **query: str) -> list[dict[str, Any]]:
    """Messages that the outside services took, at least `count` of them."""

    async def found() -> list[dict[str, Any]] | None:
        fitting = [
            message
            for message in await items(platform, "/messages", limit=500, **query)
            if contains in message["title"] + message["text"]
        ]
        return fitting if len(fitting) >= count else None

    return await until(found, what=f"{count} messages with {contains!r} {query}")


async def act(client: httpx.AsyncClient, order_id: str, action: str, **fields: Any) -> dict[str, Any]:
    answer = await client.post(f"/work-orders/{order_id}/actions", json={"action": action, **fields})
    assert answer.status_code == 200, answer.text
    moved: dict[str, Any] = answer.json()
    return moved


async def test_a_trapped_passenger_sets_everybody_going_and_residents_hear_after_a_person_confirmed(
    demo: Demo, desk: httpx.AsyncClient, platform: httpx.AsyncClient, lift: MqttDevice
) -> None:
    await lift.confirmed(lift.telemetry("LIFT-06", {"service_mode": 1, "passenger_trapped": False, "floor": 8}))
    await lift.confirmed(lift.telemetry("LIFT-06", {"passenger_trapped": True, "door_closed": True, "running": False}))

    alarm = await alarm_of(desk, "LIFT-06", fault_mode="passenger_trapped")
    assert (alarm["severity"], alarm["life_safety"], alarm["state"]) == ("critical", True, "UNACKED")
    order = await order_of(desk, "LIFT-06", kind="entrapment", priority=1)
    tasks = {task["kind"]: task for task in order["tasks"]}
    assert {"intercom", "reassure", "release", "rescue_hotline"} <= set(tasks)
    assert tasks["rescue_hotline"]["facts"]["rescue_code"]
    for kind in ("intercom", "reassure", "release"):
        assert tasks[kind]["assignee_id"], kind
    await told(platform, count=3, contains=order["number"], channel="wecom")

    assert not [m for m in await items(platform, "/messages", channel="wechat") if m["title"] == OUTAGE]
    confirmed = await desk.post(f"/work-orders/{order['id']}/confirm-outage", json={"note": "现场确认停梯"})
    assert confirmed.status_code == 200, confirmed.text
    await told(platform, contains=OUTAGE, channel="wechat", to="owner-3-2-502")
    outsiders = await items(platform, "/messages", channel="wechat", to="owner-3-1-502")
    assert not [m for m in outsiders if m["title"] == OUTAGE], "another unit has an elevator of its own"

    lift.telemetry("LIFT-06", {"passenger_trapped": False})
    await alarm_of(desk, "LIFT-06", fault_mode="passenger_trapped", state="RTN_UNACKED")
    still = await order_of(desk, "LIFT-06", kind="entrapment")
    assert still["state"] not in ("verified", "closed"), "recovery alone never closes a matter of life"


async def test_a_worn_pump_becomes_an_order_and_recovery_proves_it_done(
    demo: Demo, desk: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    rule = (await admin.get("/rules/pump-bearing-wear")).json()
    definition = rule["definition"] | {"for": "2s", "clear_for": "2s"}
    changed = {"definition": definition, "enabled": True, "version": rule["version"]}
    answer = await admin.put("/rules/pump-bearing-wear", json=changed)
    assert answer.status_code == 200, answer.text
    hurry = {"settings": {"proof": {"in_band_min": 0.05}}}
    for site in (await admin.get("/sites")).json():
        hurried = await admin.patch(f"/sites/{site['id']}/settings", json=hurry)
        assert hurried.status_code == 200, hurried.text

    async with pump_gateway(demo.ports.modbus) as pump:
        await until(lambda: reads(desk, "PUMP-01", "bearing_temp_c", 52.0), what="the pump is read")
        pump.set(bearing_temp_c=83.4, vibration_mm_s=6.2)
        alarm = await alarm_of(desk, "PUMP-01", fault_mode="bearing_wear")
        order = await order_of(desk, "PUMP-01", fault_mode="bearing_wear", kind="repair")
        pump.set(bearing_temp_c=85.0, vibration_mm_s=6.6)
        await until(lambda: reads(desk, "PUMP-01", "bearing_temp_c", 85.0), what="a second match is read")
        fitting = [a for a in await items(desk, "/alarms", limit=500) if a["equipment_code"] == "PUMP-01"]
        assert [a["id"] for a in fitting if a["fault_mode"] == "bearing_wear"] == [alarm["id"]]

        me = (await desk.get("/auth/me")).json()["person_id"]
        assigned = await desk.post(f"/work-orders/{order['id']}/assign", json={"assignee_id": me, "reason": "在现场"})
        assert assigned.status_code == 200, assigned.text
        for action in ("accept", "arrive", "start"):
            await act(desk, order["id"], action)
        done = await act(desk, order["id"], "finish", closing_code="real_fault", note="更换轴承")
        assert done["state"] == "done", "not verified while the bearing is hot"
        pump.set(bearing_temp_c=50.0, vibration_mm_s=1.9)
        await order_of(desk, "PUMP-01", fault_mode="bearing_wear", state="verified")
        assert (await alarm_of(desk, "PUMP-01", fault_mode="bearing_wear"))["state"] in ("RTN_UNACKED", "NORMAL")


async def reads(client: httpx.AsyncClient, code: str, key: str, value: float) -> bool:
    """Whether the newest value of a point is that."""
    equipment = await items(client, "/equipment", q=code)
    equipment_id = next(item["id"] for item in equipment if item["code"] == code)
    answer = await client.get("/points/latest", params={"equipment": equipment_id})
    if answer.status_code == 404:
        return False  # made this instant: the readings' side hears of it a moment later
    answer.raise_for_status()
    return any(point["key"] == key and point["value"] == pytest.approx(value) for point in answer.json())


async def test_two_owners_and_an_alarm_share_one_order_and_each_hears_every_step(
    demo: Demo, desk: httpx.AsyncClient, platform: httpx.AsyncClient
) -> None:
    lift = device_of(demo, f"{SITE}/LIFT-09")  # 5栋1单元
    lift.telemetry("LIFT-09", {"service_mode": 1, "fault_code": 1})
    order = await order_of(desk, "LIFT-09", kind="repair")
    owners = ["owner-5-1-502", "owner-5-1-1201"]
    for owner in owners:
        answer = await platform.post("/wechat/send", json={"from": owner, "text": "5栋1单元电梯不动了"})
        assert answer.status_code == 200, answer.text
        assert order["number"] in answer.json()["reply"], answer.json()
    joined = (await desk.get(f"/work-orders/{order['id']}")).json()
    assert joined["reports"] == 2
    orders = await items(desk, "/work-orders", limit=500)
    assert len([line for line in orders if line["equipment_code"] == "LIFT-09"]) == 1

    # An elevator is for whoever has the certificate: its maintenance contractor.
    async with demo.logged_in("contractor") as fitter:
        fitter_id = (await fitter.get("/auth/me")).json()["person_id"]
        given = await desk.post(f"/work-orders/{order['id']}/assign", json={"assignee_id": fitter_id})
        assert given.status_code == 200, given.text
        for action in ("accept", "arrive", "start"):
            await act(fitter, order["id"], action)
        lift.telemetry("LIFT-09", {"fault_code": 0})
        await alarm_of(desk, "LIFT-09", fault_mode="elevator_fault", is_present=False)
        await act(fitter, order["id"], "finish", closing_code="real_fault", note="调整门锁")
    for owner in owners:
        steps = await told(platform, count=3, contains=order["number"], channel="wechat", to=owner)
        assert len({step["title"] for step in steps}) >= 3, "received, assigned, done"
    progress = await platform.post("/wechat/send", json={"from": owners[0], "text": "进度"})
    assert order["number"] in progress.json()["reply"]
    lift.close()


async def test_smoke_is_never_muted(desk: httpx.AsyncClient, smoke_platform: MqttDevice) -> None:
    smoke_platform.telemetry("SMOKE-007", {"smoke": False, "battery_pct": 4})
    low = await order_of(desk, "SMOKE-007", fault_mode="battery_low")
    assert low["state"] not in ("closed", "cancelled"), "an open order mutes nuisance alarms of this detector"
    # A clock that runs two days ahead, and an open order: neither may keep a fire back.
    two_days_ms = 2 * 24 * 3600 * 1000
    smoke_platform.telemetry("SMOKE-007", {"smoke": True, "smoke_level": 9.0}, ts=now_ms() + two_days_ms)
    alarm = await alarm_of(desk, "SMOKE-007", fault_mode="smoke_detected")
    assert alarm["suppressed_by"] is None
    order = await order_of(desk, "SMOKE-007", kind="smoke", priority=1)
    assert {task["kind"] for task in order["tasks"]} >= {"confirm_fire"}


async def test_an_unknown_device_waits_in_the_inbox_and_its_samples_become_readings(
    demo: Demo, desk: httpx.AsyncClient, manager: httpx.AsyncClient, smoke_platform: MqttDevice
) -> None:
    await smoke_platform.confirmed(smoke_platform.telemetry("SMOKE-NEW", {"temperature_c": 19.25, "battery_pct": 88}))

    async def discovered() -> dict[str, Any] | None:
        found = await items(manager, "/discovered-devices", limit=100)
        return next((device for device in found if device["external_id"] == "SMOKE-NEW"), None)

    device = await until(discovered, what="the new device in the inbox")
    whole = (await manager.get(f"/discovered-devices/{device['id']}")).json()
    assert "19.25" in str(whole["samples"])

    sites = (await manager.get("/sites")).json()
    body = {
        "site_id": sites[0]["id"], "code": "SMOKE-901", "name": "门厅烟感", "kind": "smoke_detector",
        "profile_key": "nbiot-smoke", "protocol": "mqtt", "external_id": "SMOKE-901",
    }  # fmt: skip
    made = await manager.post("/equipment", json=body)
    assert made.status_code == 201, made.text
    bound = await manager.post(f"/discovered-devices/{device['id']}/bind", json={"equipment_id": made.json()["id"]})
    assert bound.status_code == 200, bound.text
    await until(lambda: reads(desk, "SMOKE-901", "temperature_c", 19.25), what="kept samples stored as readings")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{not json", "not_json"),
        (b'{"values": {"temperature_c": NaN}}', "not_a_number"),
        (b"[" * 2000 + b"]" * 2000, "too_deep"),
        (b'{"values": {"battery_pct": "' + b"x" * 300_000 + b'"}}', "too_large"),
        (b'{"values": {"temperature_c": 900}}', "implausible"),
        (b'{"values": {"no_such_point": 1}}', "unknown_point"),
        (b'{"ts": 4102444800000, "values": {"temperature_c": 20}}', "time_ahead"),
    ],
    ids=["broken", "nan", "deep", "oversized", "implausible", "unknown point", "far ahead"],
)
async def test_what_cannot_be_used_is_kept_with_its_reason_and_harms_nobody(
    desk: httpx.AsyncClient, manager: httpx.AsyncClient, smoke_platform: MqttDevice, payload: bytes, reason: str
) -> None:
    async def count() -> int:
        counts = (await manager.get("/dead-letters/counts")).json()
        return sum(row["kept"] for row in counts if row["reason"] == reason)

    before = await count()
    topic = f"site/{SITE}/device/SMOKE-012/telemetry"
    await smoke_platform.confirmed(smoke_platform.publish(topic, payload))

    async def counted() -> bool:
        return await count() > before

    await until(counted, what=f"a dead letter for {reason}")
    value = float(now_ms() % 1000) / 100
    smoke_platform.telemetry("SMOKE-013", {"temperature_c": value})
    await until(lambda: reads(desk, "SMOKE-013", "temperature_c", value), what="the neighbour is still heard")


async def test_a_forged_wechat_message_is_refused_and_leaves_nothing(demo: Demo, desk: httpx.AsyncClient) -> None:
    before = (await desk.get("/work-orders")).json()["total"]
    xml = (
        "<xml><ToUserName>gh</ToUserName><FromUserName>owner-3-2-502</FromUserName><CreateTime>1</CreateTime>"
        "<MsgType>text</MsgType><Content>厨房漏水</Content><MsgId>1</MsgId></xml>"
    )
    async with httpx.AsyncClient(base_url=demo.hub_url) as stranger:
        query = {"signature": "0" * 40, "timestamp": str(now_ms() // 1000), "nonce": "n"}
        answer = await stranger.post("/wechat/callback", params=query, content=xml.encode())
    assert answer.status_code == 403
    assert (await desk.get("/work-orders")).json()["total"] == before


async def test_an_owner_sees_own_reports_only_and_no_desk(demo: Demo, platform: httpx.AsyncClient) -> None:
    answer = await platform.post("/wechat/send", json={"from": "owner-7-1-502", "text": "厨房漏水"})
    assert "WO-" in answer.json()["reply"], answer.json()
    other = await platform.post("/wechat/send", json={"from": "owner-7-1-1201", "text": "进度"})
    assert "WO-" not in other.json()["reply"]


async def test_panels_hear_each_transition_over_mqtt(demo: Demo, admin: httpx.AsyncClient) -> None:
    sites = (await admin.get("/sites")).json()
    wanted = {"site_id": sites[0]["id"], "kind": "panel", "name": "hall-panel"}
    made = await admin.post("/mqtt-credentials", json=wanted)
    assert made.status_code == 201, made.text
    account = made.json()

    async def let_in() -> MqttDevice | None:
        try:
            return MqttDevice(
                port=demo.ports.mqtt, username=account["name"], password=account["password"], client_id="panel"
            )
        except AssertionError:
            return None

    panel = await until(let_in, what="the panel is let in")
    panel.subscribe(f"site/{SITE}/alarms")
    lift = device_of(demo, f"{SITE}/LIFT-11")
    lift.telemetry("LIFT-11", {"service_mode": 1, "fault_code": 1})

    async def heard() -> dict[str, Any] | None:
        return next((body for _, body in panel.heard if body["equipment"] == "LIFT-11"), None)

    message = await until(heard, what="the alarm over MQTT")
    assert (message["transition"], message["rule"], message["severity"]) == ("raised", "elevator-fault", "major")
    assert message["value"] == {"fault_code": 1.0}
    assert {"alarm_id", "event_time"} <= set(message)
    lift.telemetry("LIFT-11", {"fault_code": 0})

    async def returned() -> bool:
        return any(
            body["transition"] == "returned" for _, body in panel.heard if body["alarm_id"] == message["alarm_id"]
        )

    await until(returned, what="the end of the alarm over MQTT")
    lift.close()
    panel.close()
