"""What a backup holds, in lines for whoever made it."""

from collections.abc import Iterator
from pathlib import Path

from hub.backup.manifest import SECRETS, Manifest, TelemetryKind

NOTABLE_TABLES = ("equipment", "alarm", "work_order", "report", "notification", "person")


def summary(manifest: Manifest, folder: Path) -> Iterator[str]:
    size_mb = sum(facts.bytes for facts in manifest.files.values()) / 1e6
    made = f"hub {manifest.version}, {manifest.made_at:%F %T} UTC"
    yield f"{folder}: {len(manifest.files)} files, {size_mb:,.1f} MB, {made}"
    tables = manifest.counts.tables
    notable = ", ".join(f"{tables[name]:,} {name}" for name in NOTABLE_TABLES if name in tables)
    yield f"  tables    {sum(tables.values()):,} rows in {len(tables)}: {notable}"
    match manifest.telemetry:
        case TelemetryKind.COPIED:
            yield f"  readings  {manifest.counts.readings:,} rows"
        case TelemetryKind.SERVER:
            yield "  readings  NOT in it: back up HUB_TELEMETRY_URL with its own tools (docs/operations.md)"
    yield f"  photos    {manifest.counts.photos:,}"
    yield f"  bus       {manifest.counts.batches:,} batches not stored or judged yet"
    sealed = SECRETS in manifest.files
    yield f"  secrets   {'sealed with HUB_BACKUP_PASSPHRASE' if sealed else 'left out: set HUB_BACKUP_PASSPHRASE'}"
