"""The catalog on the wire: profiles, discovered devices, dead letters, imports."""

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from building.equipment import EquipmentKind
from building.point import PointKind, ReportingMode
from building.profile import DeviceProfile, PointSpec
from catalog.views import DeadLetterView, Sample
from kit.http import Schema

_ID = "019aa9f2-7c1e-7b6d-9a53-0c5d1e2f3a4b"
_DISCOVERED: JsonDict = {
    "id": _ID, "site_id": _ID, "site_code": "yunqi", "protocol": "mqtt", "broker": "embedded",
    "external_id": "SMOKE-902", "first_seen_at": "2026-11-22T02:12:00Z", "last_seen_at": "2026-11-22T02:13:00Z",
    "messages": 2, "bound_equipment_id": None, "bound_at": None,
}  # fmt: skip
_SAMPLE: JsonDict = {
    "topic": "site/yunqi/device/SMOKE-902/telemetry", "payload": '{"values": {"smoke": false}}',
    "received_at": "2026-11-22T02:12:00Z",
}  # fmt: skip


class ProfilePoint(Schema):
    key: str
    name: dict[str, str]
    kind: PointKind
    unit: str
    low: float
    high: float
    reporting_mode: ReportingMode
    interval_s: float
    decimals: int
    life_safety: bool
    labels: dict[str, dict[str, str]]

    @classmethod
    def of(cls, point: PointSpec) -> "ProfilePoint":
        return cls(
            key=point.key, name=dict(point.name), kind=point.kind, unit=point.unit, low=point.low, high=point.high,
            reporting_mode=point.reporting.mode, interval_s=point.reporting.interval_s, decimals=point.decimals,
            life_safety=point.life_safety, labels={key: dict(words) for key, words in point.labels.items()},
        )  # fmt: skip


class ProfileOut(Schema):
    """A model of device: what it reports, after which edition of which standard or manual."""

    key: str
    name: dict[str, str]
    kind: EquipmentKind
    protocol: str
    edition: str
    points: list[ProfilePoint]

    @classmethod
    def of(cls, profile: DeviceProfile) -> "ProfileOut":
        return cls(
            key=profile.key, name=dict(profile.name), kind=profile.kind, protocol=profile.protocol,
            edition=profile.edition, points=[ProfilePoint.of(point) for point in profile.points.values()],
        )  # fmt: skip


class SampleOut(Schema):
    """A message as it came; bytes that are no UTF-8 are shown as �."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SAMPLE]})

    topic: str
    payload: str
    received_at: datetime

    @classmethod
    def of(cls, sample: Sample) -> "SampleOut":
        return cls(
            topic=sample.topic, payload=sample.payload.decode("utf-8", "replace"), received_at=sample.received_at
        )


class DiscoveredOut(Schema):
    """A device that speaks and that the catalog does not know."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DISCOVERED]})

    id: UUID
    site_id: UUID | None
    site_code: str
    protocol: str
    broker: str
    external_id: str
    first_seen_at: datetime
    last_seen_at: datetime
    messages: int
    bound_equipment_id: UUID | None
    bound_at: datetime | None


class DiscoveredDetail(DiscoveredOut):
    model_config = ConfigDict(json_schema_extra={"examples": [_DISCOVERED | {"samples": [_SAMPLE]}]})

    samples: list[SampleOut]


class BindIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"equipment_id": _ID}]})

    equipment_id: UUID


class Bound(Schema):
    """`samples`: how many kept messages become readings."""

    equipment_id: UUID
    samples: int


class DeadLetterOut(Schema):
    """`raw` is shown as text, � for what is none; `size_bytes` is its length before it was cut to 4 KB. `more_alike`:
    how many more of the same sender and reason came within a minute of it and were only counted."""

    id: UUID
    site_id: UUID | None
    received_at: datetime
    source: str
    reason: str
    detail: str
    raw: str
    size_bytes: int
    more_alike: int

    @classmethod
    def of(cls, letter: DeadLetterView) -> "DeadLetterOut":
        return cls(**{**vars(letter), "raw": letter.raw.decode("utf-8", "replace")})


class LetterCountOut(Schema):
    reason: str
    source: str
    kept: int
    last_at: datetime


class Purged(Schema):
    deleted: int


class RowProblemOut(Schema):
    """A bad row: its line in the file (the header is line 1), the column as the file names it, and what is wrong."""

    line: int
    column: str
    code: str
    message: str


class ImportOut(Schema):
    """What an import did, or with `dry_run` would do. `problems` is empty when everything can be imported."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "owners", "dry_run": True, "rows": 2, "created": 1, "updated": 0,
                    "problems": [{"line": 3, "column": "手机", "code": "phone", "message": "不是有效的手机号"}],
                }
            ]
        }
    )  # fmt: skip

    kind: str
    dry_run: bool
    rows: int
    created: int
    updated: int
    problems: list[RowProblemOut]
    ignored_columns: list[str] = Field(default_factory=list)
