"""The real hub on a real Mosquitto as shipped: a flood of malformed messages, smoke behind a backlog, a leak that
closes a valve.

Nothing healthy is lost, everything malformed is counted to the last, memory stays bounded, smoke waits for nobody. How
long healthy messages take meanwhile is judged by `hub bench flood`.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from kit.supervision.ports import free_port
from tests.device_adapters.mqtt.mosquitto import Mosquitto, running_mosquitto
from tests.faults.loud_device import LoudDevice
from tests.stories.devices import MqttDevice, now_ms
from tests.stories.harness import Demo, items, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

LARGE_BACKLOG = 200_000
SMOKE_WITHIN_S = 5.0
PROFILES = Path(__file__).parents[2] / "device_adapters" / "profiles"
USERS = {"hub": "hub", "nbiot-water": "meters", "nbiot-smoke": "smoke"}

VALVE = """
key = "story-valve"
name = { zh-CN = "入户电动阀", en = "Supply valve" }
kind = "valve"
protocol = "modbus"
edition = "tests"
[modbus]
poll_interval_s = 0.5
[[points]]
key = "open"
name = { zh-CN = "阀位", en = "Open" }
kind = "command"
unit = ""
range = [0, 1]
reporting = { mode = "periodic", interval_s = 1 }
modbus = { table = "coil", address = 0, write = "single" }
"""


@dataclass
class DemoWithBroker(Demo):
    """A demo that listens to a broker of the site, too, knows a valve, and may switch it."""

    broker: dict[str, Any] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {
            "HUB_MQTT_BROKERS": json.dumps([self.broker]), "HUB_LINKAGE_ENABLED": "true",
            "HUB_PROFILES_DIR": str(self.folder / "profiles"),
        }  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mosquitto]:
    async with running_mosquitto(tmp_path_factory.mktemp("broker") / "mosquitto", USERS) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(mosquitto: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    folder: Path = tmp_path_factory.mktemp("demo")
    broker = {"name": "north", "host": "127.0.0.1", "port": mosquitto.port, "username": "hub", "password": "hub"}
    running = DemoWithBroker(folder, broker=broker)
    shutil.copytree(PROFILES, folder / "profiles")
    (folder / "profiles" / "story-valve.toml").write_text(VALVE, "utf-8")
    try:
        await running.start()
        await until(lambda: sessions_are_up(running), what="both sessions at the broker")
        yield running
    finally:
        running.stop()


async def of_the_broker(demo: Demo, sample: str) -> dict[str, float]:
    """The sample of the site's broker, by line."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{demo.hub_url}/metrics")).text
    found = re.findall(rf'^{sample}{{broker="north",line="([^"]+)"}} (\S+)$', text, re.MULTILINE)
    return {line: float(value) for line, value in found}


async def sessions_are_up(demo: Demo) -> bool:
    up = await of_the_broker(demo, "hub_mqtt_session_up")
    return {"readings", "life-safety"} <= up.keys() and set(up.values()) == {1.0}


async def read_by_line(demo: Demo) -> tuple[float, float]:
    """Messages read so far: ordinary, life safety."""
    read = await of_the_broker(demo, "hub_mqtt_messages_total")
    return read["readings"], sum(count for line, count in read.items() if line.startswith("life-safety"))


def meters(mosquitto: Mosquitto, client_id: str) -> LoudDevice:
    return LoudDevice(mosquitto.port, "nbiot-water", USERS["nbiot-water"], client_id)


def topic(code: str) -> str:
    return f"site/yunqi/device/{code}/telemetry"


# Each is wrong in another way; every one of them is one count.
MALFORMED = [
    (topic("WM-0900"), b'{"values": {"volume_m3": 1'),
    (topic("WM-0901"), b"\xff\xfe\x00 no text at all"),
    (topic("WM-0902"), b'"no object"'),
    (topic("WM-0903"), b'{"values": {"volume_m3": "a lot"}}'),
    (topic("NOBODY-1"), b'{"values": {"volume_m3": 1.0}}'),
]


async def metrics(demo: Demo) -> dict[str, float]:
    """Every sample of /metrics, summed over its labels."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{demo.hub_url}/metrics")).text
    found: dict[str, float] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, value = line.split("{")[0].split(" ")[0], float(line.rsplit(" ", 1)[1])
            found[name] = found.get(name, 0.0) + value
    return found


def refused(counts: dict[str, float]) -> float:
    names = ("hub_intake_refused_total", "hub_intake_unknown_device_total", "hub_mqtt_foreign_messages_total")
    return sum(counts.get(name, 0.0) for name in names)


def memory_mb(demo: Demo) -> float:
    """Resident memory of the hub's own process."""
    assert demo.process is not None
    with open(f"/proc/{demo.process.pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024**2


@pytest.mark.parametrize(("count", "meter_count"), [(10_000, 100), pytest.param(40_000, 500, marks=pytest.mark.long)])
async def test_a_flood_of_malformed_messages_costs_no_healthy_reading_and_is_counted_to_the_last(
    hub: Demo, mosquitto: Mosquitto, count: int, meter_count: int
) -> None:
    begun_ms = now_ms() - 1
    # No value that another flood left there.
    wanted = {f"WM-{n:04}": (n + count) / 1000 for n in range(1, meter_count + 1)}
    healthy = [
        (topic(code), json.dumps({"ts": begun_ms + n, "values": {"volume_m3": volume_m3}}).encode())
        for n, (code, volume_m3) in enumerate(wanted.items())
    ]
    before, memory_before = await metrics(hub), memory_mb(hub)
    flood, speaking = meters(mosquitto, "flood"), meters(mosquitto, "healthy")
    await asyncio.gather(
        asyncio.to_thread(flood.publish, MALFORMED, count=count, rate=20_000),
        asyncio.to_thread(speaking.publish, healthy, count=meter_count, rate=meter_count / 2),
    )

    async def all_counted() -> bool:
        return refused(await metrics(hub)) - refused(before) >= count

    await until(all_counted, what="every malformed message is counted")
    async with hub.logged_in("dispatcher") as desk:
        points = await volume_points(desk, wanted)

        async def all_stored() -> bool:
            return await latest(desk, points) == wanted

        await until(all_stored, what="every healthy reading is stored")
    after = await metrics(hub)
    assert refused(after) - refused(before) == count
    # Originals are kept while there is room; the rest is counted as not kept.
    assert after.get("hub_refusals_dropped_total", 0) > 0
    assert memory_mb(hub) - memory_before < 150
    async with hub.logged_in("manager") as desk:
        shown = await until(lambda: drops_shown(desk), what="the desk shows it")
    assert shown >= 0.7 * count


async def volume_points(desk: httpx.AsyncClient, codes: Iterable[str]) -> dict[str, int]:
    """Number of the volume's point by meter's code."""
    pages = [await items(desk, "/equipment", q="WM-0", limit=500, offset=offset) for offset in (0, 500)]
    ids = {one["code"]: one["id"] for page in pages for one in page}

    async def number(code: str) -> int:
        points = (await desk.get(f"/equipment/{ids[code]}/points")).json()
        return int(next(point["point_no"] for point in points if point["key"] == "volume_m3"))

    return {code: await number(code) for code in codes}


async def latest(desk: httpx.AsyncClient, points: dict[str, int]) -> dict[str, float]:
    answer = await desk.get("/points/latest", params={"point": list(points.values())})
    answer.raise_for_status()
    values = {one["point_no"]: one["value"] for one in answer.json()}
    return {code: values[point_no] for code, point_no in points.items() if point_no in values}


async def drops_shown(desk: httpx.AsyncClient) -> int:
    rows = {row["counter"]: row["last_24h"] for row in (await desk.get("/system/drops")).json()}
    return int(rows["hub_intake_refused_total"])


@pytest.mark.parametrize("backlog", [10_000, pytest.param(LARGE_BACKLOG, marks=pytest.mark.long)])
async def test_smoke_does_not_wait_behind_a_backlog(hub: Demo, mosquitto: Mosquitto, backlog: int) -> None:
    """The hub is paused until the broker holds the backlog and, last of all, the smoke; then it wakes up.

    Only of the large one a time is asked, with room for a busy machine: reading it all takes several times as long.
    """
    detector = f"SMOKE-{backlog // 1000:03}"
    start_ms = now_ms()
    ordinary = [
        (topic(f"WM-{n % 1000 + 1:04}"), json.dumps({"ts": start_ms + n, "values": {"volume_m3": 1.0}}).encode())
        for n in range(10_000)
    ]
    panel = MqttDevice(port=mosquitto.port, username="nbiot-smoke", password="smoke", client_id=detector)
    ahead = meters(mosquitto, f"backlog-{backlog}")
    before = await read_by_line(hub)
    assert hub.process is not None
    async with hub.logged_in("dispatcher") as desk:
        os.kill(hub.process.pid, signal.SIGSTOP)
        try:
            await asyncio.to_thread(ahead.publish, ordinary, count=backlog)
            await panel.confirmed(panel.telemetry(detector, {"smoke": True}))
        finally:
            os.kill(hub.process.pid, signal.SIGCONT)
        woken = time.monotonic()

        async def alarm() -> bool:
            found = await items(desk, "/alarms", limit=50, life_safety=True)
            return any(one["equipment_code"] == detector for one in found)

        await until(alarm, what="the alarm of smoke")
        took_s = time.monotonic() - woken
    ordinary_read, urgent_read = [now - then for now, then in zip(await read_by_line(hub), before, strict=True)]
    panel.close()
    print(f"smoke behind {backlog:,} messages: seen over the API {took_s:.2f} s after the hub woke,", end=" ")
    print(f"when {ordinary_read:,.0f} of them had been read")
    if backlog == LARGE_BACKLOG:
        assert took_s < SMOKE_WITHIN_S
    assert urgent_read == 1, "the life-safety session was sent something else than the smoke"


@asynccontextmanager
async def valve_gateway() -> AsyncIterator[tuple[int, Callable[[], Awaitable[bool]]]]:
    """A Modbus TCP server with an open valve; its port, and whether the valve is open."""
    port = free_port()
    bits = [SimData(0, values=[True] + [False] * 15, datatype=DataType.BITS)]
    words = [SimData(0, values=[0], datatype=DataType.REGISTERS)]
    server = ModbusTcpServer(SimDevice(1, simdata=(bits, bits, words, words)), address=("127.0.0.1", port))
    await server.serve_forever(background=True)

    async def is_open() -> bool:
        found = await server.context.async_getValues(1, 1, 0, 1)
        assert isinstance(found, list)
        return bool(found[0])

    try:
        yield port, is_open
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


async def test_a_leak_heard_at_the_broker_closes_the_valve_over_modbus_and_all_of_it_is_in_the_audit(
    hub: Demo, mosquitto: Mosquitto
) -> None:
    """Meter → Mosquitto → rule → alarm → linkage → Modbus → read back → audit, none of it but by its own door."""
    async with hub.logged_in("manager") as desk, valve_gateway() as (port, is_open):
        [meter] = [one for one in await items(desk, "/equipment", q="WM-0042") if one["code"] == "WM-0042"]
        valve = {
            "site_id": meter["site_id"], "code": "V-0042", "name": "入户阀", "kind": "valve",
            "profile_key": "story-valve", "address": {"host": "127.0.0.1", "port": port, "unit": 1},
        }  # fmt: skip
        made = await desk.post("/equipment", json=valve)
        assert made.status_code == 201, made.text
        valve_id = made.json()["id"]

        async def is_read() -> bool:
            answer = await desk.get("/points/latest", params={"equipment": valve_id})
            return answer.is_success and [one["value"] for one in answer.json()] == [1.0]

        await until(is_read, what="the valve is polled")
        await _link(desk, meter, valve_id)
        speaking = meters(mosquitto, "leaking")
        leak = [(topic("WM-0042"), json.dumps({"ts": now_ms(), "values": {"leak": 1}}).encode())]
        await asyncio.to_thread(speaking.publish, leak, count=1)

        async def ended() -> dict[str, Any] | None:
            runs = await items(desk, "/linkage/runs")
            return next((one for one in runs if one["ended_at"]), None)

        run = await until(ended, what="the action is done")
        assert (run["state"], run["read_back"], run["detail"]) == ("done", 0.0, "")
        assert not await is_open()
        alarm = (await desk.get(f"/alarms/{run['alarm_id']}")).json()
        assert (alarm["equipment_code"], alarm["fault_mode"]) == ("WM-0042", "pipe_leak")
    async with hub.logged_in("admin") as admin:
        lines = await items(admin, "/audit", object_id=run["id"])
        assert [line["action"] for line in lines] == ["linkage.run"]


async def _link(desk: httpx.AsyncClient, meter: dict[str, Any], valve_id: str) -> None:
    """What a manager does: lists the point, writes the rule, switches it on."""
    listed = {"equipment_id": valve_id, "point": "open", "low": 0, "high": 0, "needs_two": False}
    answer = await desk.post("/linkage/points", json=listed)
    assert answer.status_code == 201, answer.text
    rule = {
        "site_id": meter["site_id"], "name": "漏水关阀", "condition": {"equipment_ids": [meter["id"]]},
        "actions": [{"equipment_id": valve_id, "point": "open", "value": 0}],
    }  # fmt: skip
    answer = await desk.post("/linkage/rules", json=rule)
    assert answer.status_code == 201, answer.text
    on = await desk.patch(f"/linkage/rules/{answer.json()['id']}", json={"is_enabled": True})
    assert on.status_code == 200, on.text
