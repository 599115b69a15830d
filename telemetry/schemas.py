"""Readings on the wire."""

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from kit.clock import from_ms
from kit.http import Schema
from kit.i18n import Language
from telemetry.service import PointSeries, PointValue
from telemetry.store import Bucket


class LatestValueOut(Schema):
    """A point's newest reading. `value` is null unless `quality` is ok or stale; null is "not known", never 0."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "point_no": 17,
                    "equipment_id": "0197f3a0-5b1c-7c3a-9b57-1f6a3c2d4e5f",
                    "key": "bearing_temp_c",
                    "name": "轴承温度",
                    "kind": "sensor",
                    "value": 61.4,
                    "label": None,
                    "unit": "°C",
                    "decimals": 1,
                    "quality": "ok",
                    "ts": "2026-11-22T02:15:04.120Z",
                    "age_s": 1.9,
                    "is_overdue": False,
                    "life_safety": False,
                }
            ]
        }
    )

    point_no: int
    equipment_id: UUID
    key: str
    name: str
    kind: str
    value: float | None
    label: str | None
    unit: str
    decimals: int
    quality: str
    ts: datetime | None
    age_s: float | None
    is_overdue: bool
    life_safety: bool

    @classmethod
    def of(cls, found: PointValue, language: Language) -> "LatestValueOut":
        return cls(
            point_no=found.point.point_no,
            equipment_id=found.equipment.equipment_id,
            key=found.point.key,
            name=found.name.get(language.value, found.point.key),
            kind=found.point.kind.value,
            value=found.value,
            label=found.label.get(language.value) if found.label else None,
            unit=found.point.unit,
            decimals=found.decimals,
            quality=found.quality.name.lower(),
            ts=found.at,
            age_s=found.age_s,
            is_overdue=found.is_overdue,
            life_safety=found.point.life_safety,
        )


class BucketOut(Schema):
    """A bucket that has readings: `count` with a value, `bad` without. avg, min, max are null where count is 0."""

    ts: datetime
    avg: float | None
    min: float | None
    max: float | None
    count: int
    bad: int

    @classmethod
    def of(cls, row: Bucket) -> "BucketOut":
        return cls(ts=from_ms(row.ts_ms), avg=row.avg, min=row.min, max=row.max, count=row.count, bad=row.bad)


class SeriesOut(Schema):
    """A point's readings in buckets, oldest first; a bucket without a reading is absent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "point_no": 17,
                    "equipment_id": "0197f3a0-5b1c-7c3a-9b57-1f6a3c2d4e5f",
                    "key": "bearing_temp_c",
                    "name": "轴承温度",
                    "unit": "°C",
                    "decimals": 1,
                    "start": "2026-11-22T02:00:00Z",
                    "bucket_s": 60,
                    "rows": [
                        {"ts": "2026-11-22T02:00:00Z", "avg": 61.2, "min": 60.9, "max": 61.6, "count": 30, "bad": 0}
                    ],
                }
            ]
        }
    )

    point_no: int
    equipment_id: UUID
    key: str
    name: str
    unit: str
    decimals: int
    start: datetime = Field(description="where the first bucket of the period begins")
    bucket_s: int = Field(description="the width used, chosen by the hub when none was asked for")
    rows: list[BucketOut]

    @classmethod
    def of(cls, found: PointSeries, language: Language) -> "SeriesOut":
        return cls(
            point_no=found.point.point_no,
            equipment_id=found.equipment.equipment_id,
            key=found.point.key,
            name=found.name.get(language.value, found.point.key),
            unit=found.point.unit,
            decimals=found.decimals,
            start=from_ms(found.series.start_ms),
            bucket_s=found.series.bucket_ms // 1000,
            rows=[BucketOut.of(row) for row in found.series.rows],
        )
