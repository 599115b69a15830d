"""What lies in a backup: counts, and the checksum of every file."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from importlib import metadata
from pathlib import Path

import msgspec

from hub.backup.errors import BackupRefused, Damaged

FORMAT = 1
FILE = "manifest.json"
DATABASE = "database.dump"
TELEMETRY = "telemetry"
PHOTOS = "files"
BUS = "bus.batches"
SECRETS = "secrets.sealed"
CHUNK_BYTES = 1 << 20


class TelemetryKind(StrEnum):
    """Where the readings are: in this backup, or in a server that has its own way of being backed up."""

    COPIED = "copied"
    SERVER = "server"


class FileFacts(msgspec.Struct, frozen=True):
    sha256: str
    bytes: int


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """`tables` has the rows of every table of the database, `readings` those of the copied store as it keeps them
    (recent ones may be there twice until compaction), `batches` what the bus had for the store or the judge."""

    tables: dict[str, int]
    readings: int
    batches: int
    photos: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    version: str
    made_at: datetime
    telemetry: TelemetryKind
    counts: Counts
    files: dict[str, FileFacts]

    def write(self, folder: Path) -> None:
        (folder / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1))


def hub_version() -> str:
    return metadata.version("zhiwu-hub")


def read_manifest(folder: Path) -> Manifest:
    """Raises BackupRefused for a folder that is no backup, or of a release to come."""
    try:
        manifest = msgspec.json.decode((folder / FILE).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise BackupRefused(f"{folder} is no backup, or one that was not finished: there is no {FILE} in it") from None
    except msgspec.DecodeError as error:
        raise BackupRefused(f"{folder / FILE} cannot be read: {error}") from None
    if manifest.format > FORMAT:
        raise BackupRefused(f"{folder} was made by hub {manifest.version}, which is newer: restore it with that one")
    return manifest


def facts_of(folder: Path) -> dict[str, FileFacts]:
    """Every file below `folder` but the manifest, by its path inside."""
    return {str(path.relative_to(folder)): _facts(path) for path in _files(folder)}


def verify(folder: Path) -> Manifest:
    """The manifest of a whole backup. Raises BackupRefused, Damaged."""
    manifest = read_manifest(folder)
    there = {str(path.relative_to(folder)) for path in _files(folder)}
    problems = [f"{name} is missing" for name in sorted(set(manifest.files) - there)]
    problems += [f"{name} does not belong to it" for name in sorted(there - set(manifest.files))]
    for name in sorted(there & set(manifest.files)):
        if _facts(folder / name) != manifest.files[name]:
            problems.append(f"{name} has changed since")
    if problems:
        raise Damaged(folder, problems)
    return manifest


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / FILE:
            yield path


def _facts(path: Path) -> FileFacts:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return FileFacts(digest.hexdigest(), path.stat().st_size)
