"""A backup of a running hub, laid back into an empty folder: nothing acknowledged before it is missing."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from building.declaration import parse_site
from building.reading import Reading, ReadingBatch
from bus.client import Bus
from catalog.directory import EquipmentEntry
from catalog.loader import apply_declaration
from hub.backup.errors import BackupRefused, Damaged
from hub.backup.manifest import BUS, Manifest, read_manifest, verify
from hub.backup.repository import row_counts
from hub.bootstrap import Hub, Role
from hub.infrastructure import bus_settings, infrastructure
from hub.roles import run_on
from hub.settings import HubSettings
from kit.clock import SystemClock, to_ms
from kit.db import Database
from kit.supervision.ports import free_port
from telemetry.duckdb_store import DuckDbStore
from tests.conftest import LIVENESS_S

SITE = {
    "site": {"code": "huayuan", "name": "花园", "city": "杭州", "timezone": "Asia/Shanghai"},
    "buildings": [{"code": "B1", "name": "1栋"}, {"code": "B2", "name": "2栋"}],
    "equipment": [
        {
            "code": f"SMOKE-{number}", "name": f"{number}号烟感", "kind": "smoke_detector", "profile": "nbiot-smoke",
            "building": f"B{number}", "protocol": "mqtt",
        }
        for number in (1, 2)
    ],
}  # fmt: skip
PASSPHRASE = "correct horse battery"


def settings_in(folder: Path) -> HubSettings:
    return HubSettings(
        var=folder, http_port=free_port(), mqtt_port=free_port(), nats_port=free_port(), postgres_port=free_port()
    )


@dataclass
class Talker:
    """A detector that goes on talking; `told` are the readings the bus has acknowledged, (point, time) → value."""

    hub: Hub
    bus: Bus
    told: dict[tuple[int, int], float] = field(default_factory=dict)

    @property
    def detectors(self) -> list[EquipmentEntry]:
        return [entry for entry in self.hub.common.directory.current.entries if entry.code.startswith("SMOKE")]

    async def talk(self) -> None:
        for number in range(100_000):
            detector = self.detectors[number % 2]
            await self.tell(detector, "temperature_c", 20 + number % 100 / 10)
            await asyncio.sleep(0.002)

    async def tell(self, detector: EquipmentEntry, key: str, value: float, *, life_safety: bool = False) -> None:
        point = detector.points[key].point_no
        ts_ms = to_ms(SystemClock().now())
        while (point, ts_ms) in self.told:
            ts_ms += 1
        batch = ReadingBatch.of([Reading(point, ts_ms, value)])
        await self.bus.publish(detector.partition, batch, life_safety=life_safety)
        self.told[point, ts_ms] = value


@asynccontextmanager
async def talking_hub(settings: HubSettings) -> AsyncIterator[Talker]:
    """A whole hub in this process, its site declared, one detector talking and one seeing smoke."""
    up: asyncio.Future[Hub] = asyncio.get_running_loop().create_future()

    async def prepare(hub: Hub) -> None:
        async with hub.common.database.transaction() as session:
            await apply_declaration(session, parse_site(SITE), hub.common.profiles)
        up.set_result(hub)

    async with infrastructure(settings) as infra:
        running = asyncio.create_task(run_on(settings, infra, roles=list(Role), prepare=prepare))
        async with asyncio.timeout(LIVENESS_S):
            while not up.done() and not running.done():
                await asyncio.sleep(0.05)
        async with Bus(bus_settings(settings, infra)) as bus:
            talker = Talker(await up, bus)
            await until(lambda: has_directory(talker))
            await talker.tell(talker.detectors[0], "smoke", 1.0, life_safety=True)
            talking = asyncio.create_task(talker.talk())
            try:
                yield talker
            finally:
                talking.cancel()
                running.cancel()
                await asyncio.wait([running, talking], timeout=LIVENESS_S)


async def has_directory(talker: Talker) -> bool:
    return len(talker.detectors) == 2


async def until(ask: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LIVENESS_S):
        while not await ask():
            await asyncio.sleep(0.1)


async def hub(settings: HubSettings, *words: str) -> str:
    """A `hub` command beside it, as its user types it; what it printed. Fails when it fails."""
    environment = {
        **os.environ, "HUB_VAR": str(settings.var), "HUB_POSTGRES_PORT": str(settings.postgres_port),
        "HUB_NATS_PORT": str(settings.nats_port), "HUB_MQTT_PORT": str(settings.mqtt_port),
        "HUB_HTTP_PORT": str(settings.http_port), "HUB_BACKUP_PASSPHRASE": PASSPHRASE, "COLUMNS": "200",
    }  # fmt: skip
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "hub", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def orders(url: str) -> int:
    async with Database(url) as database, database.transaction() as session:
        return (await row_counts(session))["work_order"]


async def stored(folder: Path, points: set[int]) -> dict[tuple[int, int], float]:
    async with DuckDbStore(folder, clock=SystemClock()) as store:
        batch = await store.raw(sorted(points), start_ms=0, end_ms=2**53, limit=1_000_000)
    return dict(zip(zip(batch.point_no.tolist(), batch.ts_ms.tolist(), strict=True), batch.value.tolist(), strict=True))


async def test_a_backup_of_a_running_hub_is_restored_without_a_loss(tmp_path: Path) -> None:
    first, second, archive = settings_in(tmp_path / "first"), settings_in(tmp_path / "second"), tmp_path / "backup"
    photo = first.files / "photos" / "ab" / "0123ab.jpg"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"a picture")
    async with talking_hub(first) as talker:
        url = talker.hub.common.database.url

        async def has_order() -> bool:
            return await orders(url) == 1

        await until(has_order)
        before = dict(talker.told)
        said = await hub(first, "backup", str(archive))
        assert len(talker.told) > len(before)  # it went on working meanwhile
    assert "sealed" in said
    manifest = verify(archive)
    assert manifest.counts.photos == 1
    assert await asyncio.to_thread(archive_modes, archive) == {0o700}

    said = await hub(second, "restore", str(archive))
    assert "everything is there" in said
    assert second.secrets.get("login_secret") == first.secrets.get("login_secret")
    assert (second.files / "photos" / "ab" / "0123ab.jpg").read_bytes() == b"a picture"
    await everything_of(before, second, manifest)


def archive_modes(archive: Path) -> set[int]:
    return {archive.stat().st_mode & 0o777}


async def everything_of(told: dict[tuple[int, int], float], settings: HubSettings, manifest: Manifest) -> None:
    """The restored hub works, stores what was under way on the old bus, and raises and orders nothing again."""
    points = {point for point, _ in told}
    async with infrastructure(settings) as infra:
        async with Database(infra.database_url) as database, database.transaction() as session:
            counts = await row_counts(session)
        running = asyncio.create_task(run_on(settings, infra, roles=list(Role)))
        async with Bus(bus_settings(settings, infra)) as bus:

            async def has_stored() -> bool:
                return (
                    await bus.pending(durable="store") == 0
                    and await bus.pending(durable="store", life_safety=True) == 0
                )

            await until(has_stored)
            await asyncio.sleep(1)  # a judge that would raise or order again has had the time
        assert await orders(infra.database_url) == 1
        running.cancel()
        await asyncio.wait([running], timeout=LIVENESS_S)
    for table in ("equipment", "point", "alarm", "alarm_episode", "work_order", "rule", "notification"):
        assert counts[table] == manifest.counts.tables[table], table
    found = await stored(settings.var / "telemetry", points)
    assert {key: found.get(key) for key in told} == told


@pytest.fixture
async def archive(tmp_path: Path) -> Path:
    """A backup of a hub that rests and knows nothing yet."""
    await hub(settings_in(tmp_path / "resting"), "backup", str(tmp_path / "backup"))
    return tmp_path / "backup"


async def test_a_backup_that_was_touched_is_neither_verified_nor_restored(archive: Path, tmp_path: Path) -> None:
    (archive / BUS).write_bytes(b"something else")
    with pytest.raises(Damaged, match=r"bus\.batches has changed"):
        verify(archive)
    (archive / BUS).unlink()
    with pytest.raises(Damaged, match=r"bus\.batches is missing"):
        verify(archive)
    with pytest.raises(AssertionError, match="no whole backup"):
        await hub(settings_in(tmp_path / "other"), "restore", str(archive))
    assert not (tmp_path / "other" / "postgres").exists()


async def test_nothing_is_written_over_unless_that_is_said(archive: Path, tmp_path: Path) -> None:
    other = settings_in(tmp_path / "other")
    await hub(other, "restore", str(archive))
    with pytest.raises(AssertionError, match="--replace"):
        await hub(other, "restore", str(archive))
    assert "everything is there" in await hub(other, "restore", str(archive), "--replace")
    with pytest.raises(AssertionError, match="is not empty"):
        await hub(other, "backup", str(archive))


def test_a_folder_without_a_manifest_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="no backup"):
        read_manifest(tmp_path)
