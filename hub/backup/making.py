"""Makes a backup of a hub that runs, or of one that rests.

What is copied first may be older than what is copied later, never the other way round with anything missing: the
positions and tables of one moment, then readings, then photos (a row is written after its file), then what the bus has
that was not stored before the readings were copied, or not judged at the moment of the tables.
"""

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bus.client import Bus
from hub.backup import relational, repository
from hub.backup.errors import BackupRefused
from hub.backup.manifest import (
    BUS,
    DATABASE,
    FORMAT,
    PHOTOS,
    SECRETS,
    TELEMETRY,
    Counts,
    Manifest,
    TelemetryKind,
    facts_of,
    hub_version,
)
from hub.backup.sealed import seal
from hub.backup.unsettled import stored_up_to, write_unsettled
from hub.infrastructure import Infrastructure, bus_settings, infrastructure
from hub.settings import HubSettings
from kit.clock import SystemClock
from kit.db import Database
from rules.positions import judged_up_to
from telemetry.duckdb_store import DuckDbStore
from telemetry.errors import StoreInUse, StoreUnavailable
from telemetry.remote import RemoteTelemetry
from telemetry.settings import TelemetrySettings


@dataclass(frozen=True)
class _Tables:
    counts: Mapping[str, int]
    judged: Mapping[tuple[int, bool], int]


async def make_backup(settings: HubSettings, folder: Path) -> Manifest:
    """Writes everything into a new folder that only its owner can read. Raises BackupRefused.

    Without its manifest, which comes last, a folder is no backup.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BackupRefused(f"{folder} is not empty: name a new folder")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with infrastructure(settings) as infra, Bus(bus_settings(settings, infra)) as bus:
        tables = await _tables(infra, folder)
        stored = await stored_up_to(bus)
        readings = await _telemetry(settings, bus, folder)
        photos = await asyncio.to_thread(_photos, settings.files, folder / PHOTOS)
        batches = await write_unsettled(bus, folder / BUS, stored=stored, judged=tables.judged)
    if settings.backup_passphrase is not None:
        seal(settings.secrets, folder / SECRETS, passphrase=settings.backup_passphrase.get_secret_value())
    manifest = Manifest(
        format=FORMAT,
        version=hub_version(),
        made_at=SystemClock().now(),
        telemetry=TelemetryKind.SERVER if TelemetrySettings().is_server else TelemetryKind.COPIED,
        counts=Counts(tables=dict(tables.counts), readings=readings, batches=batches, photos=photos),
        files=await asyncio.to_thread(facts_of, folder),
    )
    manifest.write(folder)
    return manifest


async def _tables(infra: Infrastructure, folder: Path) -> _Tables:
    async with Database(infra.database_url) as database, database.transaction() as session:
        snapshot = await repository.hold_still(session)
        judged = await judged_up_to(session)
        counts = await repository.row_counts(session)
        await relational.dump(infra.database_url, folder / DATABASE, snapshot=snapshot)
    return _Tables(counts, judged)


async def _telemetry(settings: HubSettings, bus: Bus, folder: Path) -> int:
    """Rows of the copied store; 0 where a server keeps the readings."""
    telemetry = TelemetrySettings()
    if telemetry.is_server:
        return 0
    target = (folder / TELEMETRY).absolute()
    source = telemetry.folder or settings.var / "telemetry"
    try:
        async with DuckDbStore(source, clock=SystemClock()) as store:
            await store.snapshot(target)
    except StoreInUse:
        await _by_its_owner(bus, target)
    return await readings_in(target)


async def _by_its_owner(bus: Bus, target: Path) -> None:
    try:
        await RemoteTelemetry(bus).snapshot(target)
    except StoreUnavailable as error:
        raise BackupRefused(
            "the process with the store role does not copy its readings (see its log); it writes to "
            f"{target} itself, so run `hub backup` on its machine, as its user"
        ) from error
    if not target.is_dir():
        raise BackupRefused(f"the store's copy is not in {target}: run `hub backup` on the machine of the store")


async def readings_in(folder: Path) -> int:
    """Rows of a store that nobody has open."""
    async with DuckDbStore(folder, clock=SystemClock()) as store:
        stats = await store.stats()
    assert stats.recent_rows is not None  # an embedded store counts them
    return stats.recent_rows + stats.segment_rows


def _photos(source: Path, target: Path) -> int:
    """Photos are written under another name and then renamed: whatever has its name is whole."""
    count = 0
    for path in sorted(source.rglob("*")) if source.is_dir() else []:
        if not path.is_file() or path.suffix == ".new":
            continue
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, copy)  # a photo never changes
        except OSError:
            shutil.copy2(path, copy)
        count += 1
    return count
