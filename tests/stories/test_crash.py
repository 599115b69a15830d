"""A hub killed with -9 between receiving and storing: no acknowledged reading is lost, nothing is raised twice."""

import asyncio
import csv
import io
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.stories.devices import MqttDevice, now_ms
from tests.stories.harness import Demo, items, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEED = 20261122
ACCOUNT = "yunqi/nbiot-smoke"
DETECTOR = "SMOKE-001"
PAUSE_S = 0.01
# Each sees smoke just before a kill; in buildings of their own, so that each has an order of its own.
ALARMED = ["SMOKE-050", "SMOKE-100"]


@dataclass
class Sent:
    """What the device published: message id → time and value."""

    readings: dict[int, tuple[int, float]] = field(default_factory=dict)
    newest_ms: int = 0

    def next_ts_ms(self) -> int:
        """Times never repeat, as a reading's time is its name."""
        self.newest_ms = max(now_ms(), self.newest_ms + 1)
        return self.newest_ms


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def device(demo: Demo) -> AsyncIterator[MqttDevice]:
    password = demo.mqtt_credentials()[ACCOUNT]
    device = MqttDevice(
        port=demo.ports.mqtt, username=ACCOUNT, password=password, client_id="story-crash", patient=True
    )
    yield device
    device.close()


async def test_a_killed_hub_loses_no_acknowledged_reading_and_raises_nothing_twice(
    demo: Demo, device: MqttDevice
) -> None:
    chance = random.Random(SEED)
    sent = Sent()
    ended = asyncio.Event()
    publishing = asyncio.create_task(publish(device, sent, ended))
    confirmed_before_a_kill: set[int] = set()
    for code in ALARMED:
        await confirmed(device, len(confirmed_before_a_kill) + chance.randrange(60, 120))
        await device.confirmed(device.telemetry(code, {"smoke": True}))
        await asyncio.sleep(chance.uniform(0.0, 0.1))
        demo.kill()
        confirmed_before_a_kill |= device.acknowledged
        await demo.start()
        device.use_password(ACCOUNT, demo.mqtt_credentials()[ACCOUNT])
    ended.set()
    await publishing
    assert len(confirmed_before_a_kill) >= 120, "the kills came amid readings"
    await until(lambda: all_confirmed(device, sent), what="the broker takes what was not confirmed")

    async with demo.logged_in("dispatcher") as desk:
        wanted = sorted(sent.readings.values())
        await until(lambda: stored_is(desk, wanted), what="every acknowledged reading is stored")
        for code in ALARMED:
            await device.confirmed(device.telemetry(code, {"smoke": True}))
            assert await raised_once(desk, code)


async def publish(device: MqttDevice, sent: Sent, ended: asyncio.Event) -> None:
    """Readings without a break, also while no broker answers."""
    while not ended.is_set():
        ts_ms, value = sent.next_ts_ms(), len(sent.readings) % 500 / 10  # as many digits as the CSV has
        sent.readings[device.telemetry(DETECTOR, {"temperature_c": value}, ts=ts_ms)] = (ts_ms, value)
        await asyncio.sleep(PAUSE_S)


async def confirmed(device: MqttDevice, count: int) -> None:
    async def enough() -> bool:
        return len(device.acknowledged) >= count

    await until(enough, what=f"{count} acknowledgements")


async def all_confirmed(device: MqttDevice, sent: Sent) -> bool:
    return sent.readings.keys() <= device.acknowledged


async def stored_is(desk: httpx.AsyncClient, wanted: list[tuple[int, float]]) -> bool:
    """Whether the store has exactly these: none lost, none twice, none changed."""
    found = await stored(desk)
    assert len(found) <= len(wanted), "a reading is there twice"
    return found == wanted


async def stored(desk: httpx.AsyncClient) -> list[tuple[int, float]]:
    """Time and value of every reading of the story's point, oldest first."""
    equipment = (await items(desk, "/equipment", q=DETECTOR))[0]
    points = (await desk.get(f"/equipment/{equipment['id']}/points")).json()
    point_no = next(point["point_no"] for point in points if point["key"] == "temperature_c")
    now = datetime.now(UTC)
    period = {"start": (now - timedelta(hours=1)).isoformat(), "end": (now + timedelta(hours=1)).isoformat()}
    answer = await desk.get(f"/points/{point_no}/series.csv", params=period | {"tz": "UTC"})
    answer.raise_for_status()
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))[1:]
    return [(_ms(time), float(value)) for time, value, _ in rows]


def _ms(time: str) -> int:
    return round(datetime.fromisoformat(time).replace(tzinfo=UTC).timestamp() * 1000)


async def raised_once(desk: httpx.AsyncClient, code: str) -> bool:
    """Waits for the alarm and its order of smoke that was told before a kill; then there is one of each."""

    async def alarm() -> dict[str, Any] | None:
        return next((a for a in await items(desk, "/alarms", limit=500) if a["equipment_code"] == code), None)

    async def order() -> dict[str, Any] | None:
        return next((o for o in await items(desk, "/work-orders", limit=500) if o["equipment_code"] == code), None)

    await until(alarm, what=f"the alarm of {code}")
    await until(order, what=f"the order about {code}")
    alarms = [a["fault_mode"] for a in await items(desk, "/alarms", limit=500) if a["equipment_code"] == code]
    orders = [o["kind"] for o in await items(desk, "/work-orders", limit=500) if o["equipment_code"] == code]
    return (alarms, orders) == (["smoke_detected"], ["smoke"])
