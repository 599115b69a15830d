"""Equipment and readings for the tests of models in the line."""

from collections.abc import Sequence
from uuid import UUID

import numpy as np

from building.equipment import EquipmentKind
from building.point import PointKind, Reporting, ReportingMode
from building.reading import ReadingBatch
from catalog.directory import EquipmentEntry, PointEntry
from kit.ids import new_id

MINUTE_MS = 60_000
START_MS = 1_795_392_000_000  # midnight, UTC
SITE_ID = new_id()
EVERY_MINUTE = Reporting(ReportingMode.PERIODIC, 60)


def point(
    point_no: int,
    key: str,
    *,
    kind: PointKind = PointKind.SENSOR,
    unit: str = "rpm",
    reporting: Reporting = EVERY_MINUTE,
    life_safety: bool = False,
) -> PointEntry:
    return PointEntry(point_no, key, kind, unit, -1e4, 1e4, reporting, life_safety)


def entry(
    *points: PointEntry,
    kind: EquipmentKind = EquipmentKind.PUMP,
    equipment_id: UUID | None = None,
    in_service: bool = True,
    partition: int = 1,
) -> EquipmentEntry:
    return EquipmentEntry(
        equipment_id=equipment_id or new_id(), site_id=SITE_ID, site_code="S", code=f"P-{points[0].point_no}",
        name="pump", kind=kind, profile_key="a-pump", protocol="mqtt", external_id="x", address={},
        partition=partition, parent_id=None, building_id=None, in_service=in_service,
        points={each.key: each for each in points},
    )  # fmt: skip


def readings_of(point_nos: Sequence[int], *, minutes: int, seed: int, share: float = 0.9) -> ReadingBatch:
    """About two readings a minute and point, some missing, in order of time."""
    random = np.random.default_rng(seed)
    point_no = np.repeat(np.array(point_nos, np.int32), 2 * minutes)
    ts_ms = np.tile(START_MS + np.arange(2 * minutes, dtype=np.int64) * (MINUTE_MS // 2), len(point_nos))
    ts_ms += random.integers(0, 20_000, len(ts_ms))
    value = 20.0 + point_no + random.normal(size=len(ts_ms))
    kept = random.random(len(ts_ms)) < share
    order = np.argsort(ts_ms[kept], kind="stable")
    return ReadingBatch(
        point_no[kept][order], ts_ms[kept][order], value[kept][order], np.zeros(int(kept.sum()), np.uint8)
    )
