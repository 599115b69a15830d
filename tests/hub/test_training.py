"""Training as people do it: `hub train` beside a served hub, killed and gone on with; its models in the line."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from sqlalchemy import text

from building.reading import ReadingBatch
from bus.client import Bus
from catalog.loader import load_directory
from hub.infrastructure import bus_settings, infrastructure
from hub.settings import HubSettings
from kit.clock import to_ms
from kit.db import Database
from kit.supervision.ports import free_port
from predictive.streaming.shape import Shape, shape_of
from telemetry.remote import RemoteTelemetry
from tests.conftest import LIVENESS_S

SITE = """
[site]
code = "test"
name = "测试小区"
city = "杭州"
timezone = "Asia/Shanghai"

[[buildings]]
code = "B01"
name = "1栋"

[[equipment]]
for = { i = "1..2" }
code = "PUMP-{i:02}"
name = "{i}号水泵"
kind = "pump"
profile = "grundfos-cim-pump"
building = "B01"
protocol = "modbus"
address = { host = "127.0.0.1", port = 9, unit = 1 }
"""
PUMPS = ("PUMP-01", "PUMP-02")
DAYS, MINUTE_MS = 4, 60_000
READY_S, TRAINED_S = 120.0, 120.0
# The line says how it stands once a minute.
SAID_S = 60 + LIVENESS_S
_SPEAKS_EVERY_S = 5.0
_MINUTES_A_MESSAGE = 240
# Whatever is written of a model from now on has another byte somewhere.
FAILING_DISK = (
    "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.content := "
    "overlay(NEW.content placing set_byte('x'::bytea, 0, 255 - get_byte(NEW.content, 99)) from 100 for 1); "
    "RETURN NEW; END $$",
    "CREATE TRIGGER spoil BEFORE INSERT ON trained_model_part FOR EACH ROW EXECUTE FUNCTION spoil()",
)


@dataclass
class Place:
    """A served hub on a folder of its own, with its settings as environment."""

    settings: HubSettings
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        ports = {
            "HTTP": self.settings.http_port, "MQTT": self.settings.mqtt_port, "NATS": self.settings.nats_port,
            "POSTGRES": self.settings.postgres_port,
        }  # fmt: skip
        return {
            **os.environ, "HUB_VAR": str(self.settings.var), "HUB_TRAINING_LEARNING_DAYS": "2",
            "HUB_TRAINING_PROCESSES": "1", "HUB_TRAINING_BACK_TEST_EQUIPMENT": "1", "COLUMNS": "200",
            "HUB_PREDICTIVE_LOOK_EVERY_S": "0.5", **{f"HUB_{name}_PORT": str(port) for name, port in ports.items()},
        }  # fmt: skip

    def command(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "hub", *words], env=self.environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, cwd=Path(__file__).parents[2],
        )  # fmt: skip

    async def say(self, *words: str) -> str:
        """What a command of the hub says that ends well."""
        process = self.command(*words)
        said, _ = await asyncio.to_thread(process.communicate, timeout=TRAINED_S)
        assert process.returncode == 0, said
        return said

    @asynccontextmanager
    async def served(self) -> AsyncIterator[httpx.AsyncClient]:
        """An administrator's door to it, once it is ready."""
        with (self.folder / "serve.log").open("ab") as log:
            serving = subprocess.Popen(
                [sys.executable, "-m", "hub", "serve"], env=self.environment, stdout=log, stderr=log,
                start_new_session=True, cwd=Path(__file__).parents[2],
            )  # fmt: skip
        url = f"http://127.0.0.1:{self.settings.http_port}"
        try:
            async with httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=30) as client:
                await until(lambda: self._is_ready(client, url), READY_S)
                yield client
        finally:
            serving.terminate()
            await asyncio.to_thread(serving.wait, 60)

    async def _is_ready(self, client: httpx.AsyncClient, url: str) -> bool:
        try:
            return (await client.get(f"{url}/readyz")).is_success
        except httpx.TransportError:
            return False


@pytest.mark.long
async def test_training_beside_a_served_hub_from_history_to_the_line(tmp_path: Path) -> None:
    settings = HubSettings(
        var=tmp_path / "var", http_port=free_port(), mqtt_port=free_port(), nats_port=free_port(),
        postgres_port=free_port(),
    )  # fmt: skip
    place = Place(settings, tmp_path)
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    await place.say("load-site", str(tmp_path / "site.toml"))
    password = re.search(r"password (\S+)", await place.say("create-admin", "chen"))
    assert password
    async with place.served() as client:
        answer = await client.post("/auth/login", json={"username": "chen", "password": password.group(1)})
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        async with (
            infrastructure(settings) as infra,
            Database(infra.database_url) as database,
            Bus(bus_settings(settings, infra)) as bus,
        ):
            shapes = await lay_history(database, bus)
            speaking = asyncio.create_task(speak(bus, shapes))
            await story(place, client, database)
            speaking.cancel()


async def story(place: Place, client: httpx.AsyncClient, database: Database) -> None:
    await die_while_training(place, database)
    said = await place.say("train", "--days", str(DAYS))
    assert "under way already" in said
    assert "2 of 2 equipment" in said
    (first,) = await models(client)
    assert (first["state"], first["version"], first["equipment"]) == ("champion", 1, 2)
    assert len(first["sha256"]) == 64
    assert first["code_version"].count("+") == 1
    assert first["data_from"] < first["data_until"]
    assert first["metrics"]["equipment_days"] > 0
    await until(lambda: _are_watched_by(client, first["id"]), SAID_S)

    await place.say("train", "--days", str(DAYS))
    second, _ = await models(client)
    assert (second["state"], second["version"]) == ("shadow", 2)
    promoted = await client.post(f"/insight/model-trials/{second['id']}/promote", json={"note": "数字更好"})
    assert promoted.is_success, promoted.text
    assert [one["state"] for one in await models(client)] == ["champion", "retired"]
    await until(lambda: _are_watched_by(client, second["id"]), SAID_S)

    async with database.transaction() as session:
        for statement in FAILING_DISK:
            await session.execute(text(statement))
    await place.say("train", "--days", str(DAYS))
    await until(lambda: _is_refused(client), SAID_S)
    assert await _are_watched_by(client, second["id"])


async def die_while_training(place: Place, database: Database) -> None:
    """Killed with -9 as soon as it is at work; what it had begun is still under way."""
    training = place.command("train", "--days", str(DAYS))
    assert training.stdout
    await until(lambda: _is_running(database), TRAINED_S)
    training.send_signal(signal.SIGKILL)
    await asyncio.to_thread(training.communicate)
    assert await _is_running(database)


async def lay_history(database: Database, bus: Bus) -> list[Shape]:
    """Four days of two pumps, a reading a minute, the way that all readings go."""
    async with database.transaction() as session:
        directory = await load_directory(session)
    entries = [entry for entry in directory.entries if entry.code in PUMPS]
    shapes = [shape for entry in entries if (shape := shape_of(entry)) is not None]
    assert len(shapes) == len(PUMPS)
    until_ms = to_ms(datetime.now(UTC)) // MINUTE_MS * MINUTE_MS
    minutes = DAYS * 1440
    for first in range(0, minutes, _MINUTES_A_MESSAGE):
        await bus.publish(
            entries[0].partition, past(shapes, until_ms, first=first, minutes=minutes, count=_MINUTES_A_MESSAGE)
        )
    store = RemoteTelemetry(bus)

    async def is_stored() -> bool:
        latest = await store.latest(list(shapes[-1].point_nos))
        return bool(len(latest)) and int(latest.ts_ms.max()) >= until_ms - MINUTE_MS

    await until(is_stored, READY_S)
    return shapes


async def speak(bus: Bus, shapes: Sequence[Shape]) -> None:
    """They go on speaking while they are learnt."""
    while True:
        await bus.publish(1, past(shapes, to_ms(datetime.now(UTC)), first=0, minutes=0, count=1))
        await asyncio.sleep(_SPEAKS_EVERY_S)


def past(shapes: Sequence[Shape], until_ms: int, *, first: int, minutes: int, count: int) -> ReadingBatch:
    """`count` minutes from the `first` of so many that end at `until_ms`."""
    chance = np.random.default_rng(first)
    at = np.arange(first, first + count)
    ts_ms = until_ms - MINUTE_MS * (minutes - at)
    load = 1.0 + 0.3 * np.sin(2 * np.pi * at / 1440)
    points = [point_no for shape in shapes for point_no in shape.point_nos]
    values = np.stack([10 * (1 + place % 5) * load for place in range(len(points))], axis=1)
    values += 0.05 * chance.normal(size=values.shape)
    return ReadingBatch(
        np.tile(np.array(points, np.int32), len(at)), np.repeat(ts_ms, len(points)), values.ravel(),
        np.zeros(values.size, np.uint8),
    )  # fmt: skip


# --- what is asked -----------------------------------------------------------------------------------------------


async def until(holds: Callable[[], Awaitable[bool]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


async def models(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await client.get("/predictive/trained-models", params={"family": "detectors"})
    found: list[dict[str, Any]] = answer.json()
    return found


async def _are_watched_by(client: httpx.AsyncClient, model_id: str) -> bool:
    answer = await client.get("/predictive/watches", params={"state": "watching"})
    assert answer.is_success, answer.text
    return [one["model_id"] for one in answer.json()["items"]] == [model_id] * len(PUMPS)


async def _is_running(database: Database) -> bool:
    async with database.transaction() as session:
        found = await session.scalar(text("SELECT count(*) FROM training_run WHERE state = 'running'"))
    return bool(found)


async def _is_refused(client: httpx.AsyncClient) -> bool:
    drops = (await client.get("/system/drops")).json()
    (refused,) = [one for one in drops if one["counter"].startswith("hub_models_refused")]
    return bool(refused["last_24h"])
