"""Lays a backup into an empty hub, and counts whether all of it is there."""

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from bus.client import Bus
from hub.backup import relational, repository
from hub.backup.errors import BackupRefused, NotEmpty
from hub.backup.making import readings_in
from hub.backup.manifest import BUS, DATABASE, PHOTOS, SECRETS, TELEMETRY, Manifest, TelemetryKind, verify
from hub.backup.sealed import unseal
from hub.backup.unsettled import publish_again
from hub.infrastructure import bus_settings, infrastructure, with_database
from hub.lock import is_locked
from hub.settings import HubSettings
from kit.db import Database
from rules.positions import begin_sequences_anew
from telemetry.settings import TelemetrySettings


@dataclass(frozen=True)
class Restored:
    """`secrets` says whether the backup had them: without, everybody logs in again and sent links are void."""

    manifest: Manifest
    secrets: bool


async def restore_backup(settings: HubSettings, folder: Path, *, replace: bool) -> Restored:
    """Verifies the backup, lays everything back and counts. Raises BackupRefused, NotEmpty, Damaged.

    A hub must not be running on the target. What is there is thrown away with `replace` only.
    """
    manifest = await asyncio.to_thread(verify, folder)
    if is_locked(settings.var):
        raise BackupRefused(f"a hub works on {settings.var}: stop it first")
    places = _Places.of(settings)
    secrets = _unsealed(settings, folder)
    await _database(settings, folder, manifest, replace=replace, places=places)
    await asyncio.to_thread(_copy, folder / PHOTOS, places.photos)
    if manifest.telemetry is TelemetryKind.COPIED:
        await asyncio.to_thread(_copy, folder / TELEMETRY, places.telemetry)
        _same("readings", await readings_in(places.telemetry), manifest.counts.readings)
    settings.secrets.put(secrets)
    await _bus(settings, folder, manifest)
    return Restored(manifest, bool(secrets))


@dataclass(frozen=True)
class _Places:
    photos: Path
    telemetry: Path

    @classmethod
    def of(cls, settings: HubSettings) -> "_Places":
        return cls(settings.files, TelemetrySettings().folder or settings.var / "telemetry")

    def require_empty(self, *, replace: bool) -> None:
        """Raises NotEmpty, or makes them so."""
        for place in (self.photos, self.telemetry):
            if not place.exists() or not any(place.iterdir()):
                continue
            if not replace:
                raise NotEmpty(f"{place} is not empty")
            shutil.rmtree(place)


def _unsealed(settings: HubSettings, folder: Path) -> dict[str, str]:
    if not (folder / SECRETS).exists():
        return {}
    if settings.backup_passphrase is None:
        raise BackupRefused("this backup holds sealed secrets: set HUB_BACKUP_PASSPHRASE to what it was made with")
    return unseal(folder / SECRETS, passphrase=settings.backup_passphrase.get_secret_value())


async def _database(settings: HubSettings, folder: Path, manifest: Manifest, *, replace: bool, places: _Places) -> None:
    async with with_database(settings) as url, Database(url) as database:
        async with database.transaction() as session:
            await _require_empty(session, replace=replace)
        places.require_empty(replace=replace)
        await relational.restore(url, folder / DATABASE)
        async with database.transaction() as session:
            for table, rows in (await repository.row_counts(session)).items():
                _same(f"rows of {table}", rows, manifest.counts.tables.get(table, 0))
            await begin_sequences_anew(session)


async def _require_empty(session: AsyncSession, *, replace: bool) -> None:
    tables = await repository.row_counts(session)
    if tables and not replace:
        raise NotEmpty(f"the database has {len(tables)} tables")
    if tables:
        await repository.throw_away(session)


async def _bus(settings: HubSettings, folder: Path, manifest: Manifest) -> None:
    """Starts the servers, which brings an older backup's tables to this release, and publishes what was under way."""
    async with infrastructure(settings) as infra, Bus(bus_settings(settings, infra)) as bus:
        _same("batches on the bus", await publish_again(bus, folder / BUS), manifest.counts.batches)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)


def _same(what: str, found: int, expected: int) -> None:
    if found != expected:
        raise BackupRefused(f"after restoring there are {found} {what} instead of {expected}: do not use this hub")
