"""How refused readings are shown: one dead letter a device and reason, however many readings, with samples."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import msgspec

from building.reading import Reading, ReadingBatch
from catalog.directory import Directory
from telemetry.admission import Refused

POISON_BATCH = "poison_batch"
_SAMPLES = 20


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    raw: bytes
    reason: str
    detail: str
    source: str
    site_id: UUID | None


def dead_letters(refused: Refused, directory: Directory) -> Iterator[DeadLetter]:
    """`raw` is JSON of the first readings; `detail` says the point, the value and what was expected of it."""
    by_device: dict[UUID | None, list[Reading]] = {}
    for reading in refused.readings:
        known = directory.by_point.get(reading.point_no)
        by_device.setdefault(known[0].equipment_id if known else None, []).append(reading)
    for equipment_id, readings in by_device.items():
        entry = directory.by_id[equipment_id] if equipment_id else None
        yield DeadLetter(
            raw=_as_json(readings),
            reason=refused.reason.value,
            detail=_detail(readings, directory),
            source=f"{entry.site_code}/{entry.code}" if entry else "",
            site_id=entry.site_id if entry else None,
        )


def unreadable(raw: bytes, reason: str) -> DeadLetter:
    """A message of the bus that is no batch."""
    return DeadLetter(raw=raw, reason=POISON_BATCH, detail=reason, source="bus", site_id=None)


def unstorable(batch: ReadingBatch, *, error: Exception, sequence: int) -> DeadLetter:
    """A batch whose columns no store can keep."""
    columns = (batch.point_no, batch.ts_ms, batch.value, batch.quality)
    raw = msgspec.json.encode([column[:_SAMPLES].tolist() for column in columns])
    return DeadLetter(raw=raw, reason=POISON_BATCH, detail=f"message {sequence}: {error}", source="bus", site_id=None)


def _as_json(readings: list[Reading]) -> bytes:
    # msgspec writes NaN as null, which is what a reader of the inbox should see.
    return msgspec.json.encode(
        [
            {"point": r.point_no, "ts": r.ts_ms, "value": r.value, "quality": r.quality.name.lower()}
            for r in readings[:_SAMPLES]
        ]
    )


def _detail(readings: list[Reading], directory: Directory) -> str:
    first = readings[0]
    known = directory.by_point.get(first.point_no)
    point = f"{known[1].key} (range {known[1].low:g}…{known[1].high:g} {known[1].unit})" if known else "?"
    more = f"; {len(readings)} readings in all" if len(readings) > 1 else ""
    return f"point {first.point_no} {point}: value {first.value:g} at {first.ts_ms}{more}"
