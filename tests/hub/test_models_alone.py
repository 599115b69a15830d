"""The process of models as it really runs: killed with -9 it begins again where it was, and judges nothing twice."""

import asyncio
import contextlib
import os
import signal
import sys
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from building.declaration import parse_site
from bus.client import Bus
from catalog.loader import apply_declaration, load_directory
from hub.bootstrap import Hub, Role
from hub.infrastructure import bus_settings, infrastructure
from hub.roles import run_on
from hub.settings import HubSettings
from kit.clock import SystemClock, to_ms
from kit.supervision.ports import free_port
from predictive.detectors.contract import stacked
from predictive.detectors.ensemble import Ensemble
from predictive.streaming.frames import window_of
from predictive.streaming.shape import Shape, shape_of
from predictive.training.card import Draft, Family
from predictive.training.packing import pack_arrays
from predictive.training.store import ModelStore
from telemetry.errors import StoreUnavailable
from telemetry.remote import RemoteTelemetry
from tests.alarms.place import SITE
from tests.conftest import LIVENESS_S
from tests.predictive.streaming.test_line import MINUTE_MS, past_of

PUMPS = ("PUMP-01", "PUMP-02")
_ROWS_JUDGED = text("SELECT coalesce(sum(rows), 0) FROM equipment_evidence")
_CHECKPOINTS = text("SELECT count(*) FROM stream_checkpoint")
_WATCHED = text("SELECT count(*) FROM equipment_watch WHERE model_id IS NOT NULL")
_PREDICTIONS = text("SELECT count(*) FROM prediction")
_TWICE = text("SELECT count(*) - count(DISTINCT equipment_id) FROM prediction")


@dataclass
class Story:
    settings: HubSettings
    hub: Hub

    async def ask(self, query: Any) -> int:
        async with self.hub.common.database.transaction() as session:
            return int(await session.scalar(query) or 0)

    @asynccontextmanager
    async def models(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """The process, once it has judged what the store has and said what it makes of both pumps."""
        async with self.hub.common.database.transaction() as session:
            await session.execute(text("DELETE FROM equipment_watch"))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hub.models_alone", env={**os.environ, **environment(self.settings)}
        )
        try:
            async with asyncio.timeout(LIVENESS_S):
                while await self.ask(_WATCHED) < len(PUMPS):
                    assert process.returncode is None
                    await asyncio.sleep(0.2)
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def environment(settings: HubSettings) -> Mapping[str, str]:
    ports = {"NATS": settings.nats_port, "POSTGRES": settings.postgres_port, "HTTP": settings.http_port}
    return {
        "HUB_VAR": str(settings.var), **{f"HUB_{name}_PORT": str(port) for name, port in ports.items()},
        "HUB_HEALTH_PORT": str(settings.health_port), "HUB_PREDICTIVE_LOOK_EVERY_S": "0.2",
    }  # fmt: skip


@pytest.fixture
async def story(tmp_path: Path) -> AsyncIterator[Story]:
    """A hub that stores and does jobs, with ten hours of two pumps in its store and a model of both."""
    settings = HubSettings(
        var=tmp_path, http_port=free_port(), mqtt_port=free_port(), nats_port=free_port(), postgres_port=free_port(),
        health_port=free_port(),
    )  # fmt: skip
    up: asyncio.Future[Hub] = asyncio.get_running_loop().create_future()

    async def prepare(hub: Hub) -> None:
        async with hub.common.database.transaction() as session:
            await apply_declaration(session, parse_site(tomllib.loads(SITE)), hub.common.profiles)
        up.set_result(hub)

    async with infrastructure(settings) as infra:
        quiet = settings.model_copy(update={"health_port": 0})
        running = asyncio.create_task(run_on(quiet, infra, roles=[Role.STORE, Role.JOBS], prepare=prepare))
        async with asyncio.timeout(LIVENESS_S):
            hub = await up
            async with Bus(bus_settings(settings, infra)) as bus:
                await _past(hub, bus)
        yield Story(settings, hub)
        running.cancel()
        await asyncio.wait([running], timeout=LIVENESS_S)


async def _past(hub: Hub, bus: Bus) -> None:
    """Readings go the way of all readings; models are learnt from the first hours of them."""
    async with hub.common.database.transaction() as session:
        directory = await load_directory(session)
    entries = [entry for entry in directory.entries if entry.code in PUMPS]
    shapes = [shape for entry in entries if (shape := shape_of(entry)) is not None]
    readings = past_of(shapes, until_ms=to_ms(datetime.now(UTC)))
    await bus.publish(entries[0].partition, readings)
    start_ms = int(readings.ts_ms.min()) // shapes[0].step_ms * shapes[0].step_ms
    end_ms = start_ms + 400 * MINUTE_MS
    windows = [window_of(shape, readings, start_ms=start_ms, end_ms=end_ms) for shape in shapes]
    packed = pack_arrays(stacked([Ensemble().calibrate(window) for window in windows]))
    now = datetime.now(UTC)
    draft = Draft(
        site_id=entries[0].site_id, family=Family.DETECTORS, subject=shapes[0].subject, packed=packed,
        data_from=now - timedelta(days=1), data_until=now, points=shapes[0].point_keys, step_s=shapes[0].step_s,
        equipment_ids=[entry.equipment_id for entry in entries],
    )  # fmt: skip
    secret = hub.common.secrets.get("model_secret")
    async with hub.common.database.transaction() as session:
        await ModelStore(secret=secret, clock=SystemClock()).save(session, draft)
    await _stored(RemoteTelemetry(bus), shapes[0], newest_ms=int(readings.ts_ms.max()))


async def _stored(store: RemoteTelemetry, shape: Shape, *, newest_ms: int) -> None:
    while True:
        with contextlib.suppress(StoreUnavailable):  # it is just starting
            latest = await store.latest(list(shape.point_nos))
            if len(latest) and latest.ts_ms.max() >= newest_ms:
                return
        await asyncio.sleep(0.1)


@pytest.mark.long
async def test_killed_at_any_time_it_goes_on_from_what_it_kept_and_judges_nothing_twice(story: Story) -> None:
    async with story.models() as process:
        process.kill()  # before its first checkpoint: nothing is counted of what it judged
    assert await story.ask(_CHECKPOINTS) == 0
    assert await story.ask(_ROWS_JUDGED) == 0

    async with story.models() as process:
        door = f"http://127.0.0.1:{story.settings.health_port}"
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{door}/readyz")).json()["ready"]
            assert "hub_model_look_seconds_count" in (await client.get(f"{door}/metrics")).text
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), LIVENESS_S) == 0
    judged = await story.ask(_ROWS_JUDGED)
    assert judged > 100
    assert await story.ask(_CHECKPOINTS) > 0

    async with story.models() as process:
        process.kill()
    async with story.models() as process:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), LIVENESS_S)
    # What was judged before is not judged again: minutes that have passed since are, and nothing was read in them.
    assert await story.ask(_ROWS_JUDGED) - judged <= len(PUMPS) * 3
    async with asyncio.timeout(LIVENESS_S):
        while await story.ask(_PREDICTIONS) == 0:  # by the job, in the process that does jobs
            await asyncio.sleep(0.2)
    assert await story.ask(_TWICE) == 0
