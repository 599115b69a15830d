"""Shapes of alarms on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue

from alarms.lifecycle import AlarmState
from alarms.models import InhibitionKind
from alarms.service import AlarmLabel
from alarms.transition import TransitionKind
from building.severity import Severity
from catalog.foreign_text import Line
from kit.http import Schema

# A nuisance that lasts longer is mended, or its rule is.
LONGEST_SHELF_MINUTES = 24 * 60

ALARM: dict[str, JsonValue] = {
    "id": "0197a1d2-6c00-7000-8000-000000000001",
    "site_id": "0197a1d2-6c00-7000-8000-00000000000a",
    "site_code": "yunqi",
    "building_id": "0197a1d2-6c00-7000-8000-00000000000b",
    "equipment_id": "0197a1d2-6c00-7000-8000-00000000000c",
    "equipment_code": "PUMP-03",
    "equipment_name": "3栋泵房3号泵",
    "source": "rule",
    "source_id": "pump-bearing-wear",
    "fault_mode": "bearing_wear",
    "severity": "major",
    "life_safety": False,
    "state": "UNACKED",
    "is_present": True,
    "message": {"zh-CN": "水泵轴承磨损：81 °C，6.2 mm/s", "en": "Pump bearing wear: 81 °C, 6.2 mm/s"},
    "values": {"bearing_temp_c": 81.0, "vibration_mm_s": 6.2},
    "order_kind": "repair",
    "order_priority": 2,
    "onset_at": "2026-11-22T02:40:00Z",
    "episode_onset_at": "2026-11-22T02:40:00Z",
    "raised_at": "2026-11-22T02:42:00Z",
    "returned_at": None,
    "acknowledged_at": None,
    "acknowledged_by": None,
    "cleared_at": None,
    "episodes": 1,
    "suppressed_by": None,
    "shelved_until": None,
    "label": None,
    "root_id": None,
    "group_id": None,
    "flapping_since": None,
    "is_test": False,
    "assignee_id": None,
    "reminders": 0,
}


class AlarmOut(Schema):
    """An alarm. `onset_at` is the device's time, `raised_at` the hub's; `message` has both languages.

    `episode_onset_at`: when its condition came back last, the same as `onset_at` if it never went.

    `is_test`: its device is being tested, shown as 测试. `reminders`: how often it asked again, unanswered.
    """

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [ALARM]})

    id: UUID
    site_id: UUID
    site_code: str
    building_id: UUID | None
    equipment_id: UUID
    equipment_code: str
    equipment_name: str
    source: str
    source_id: str
    fault_mode: str
    severity: Severity
    life_safety: bool
    state: AlarmState
    is_present: bool
    message: dict[str, str]
    values: dict[str, Any]
    order_kind: str | None
    order_priority: int | None
    onset_at: datetime
    episode_onset_at: datetime
    raised_at: datetime
    returned_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None
    cleared_at: datetime | None
    episodes: int
    suppressed_by: InhibitionKind | None
    shelved_until: datetime | None
    label: AlarmLabel | None
    is_test: bool
    assignee_id: UUID | None
    reminders: int
    root_id: UUID | None
    group_id: UUID | None
    flapping_since: datetime | None


class TransitionOut(Schema):
    """One line of an alarm's history. `via` names the panel at which it was done, where it was one; `severity` is the
    alarm's after it (null: written before that was kept)."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "0197a1d2-6c00-7000-8000-0000000000f1",
                    "kind": "acknowledged",
                    "before": "UNACKED",
                    "after": "ACKED",
                    "at": "2026-11-22T02:45:00Z",
                    "recorded_at": "2026-11-22T02:45:00Z",
                    "actor_id": "0197a1d2-6c00-7000-8000-0000000000aa",
                    "note": "已通知张工到场查看",
                    "via": "",
                    "values": {"bearing_temp_c": 81.0},
                    "severity": "major",
                    "published_at": "2026-11-22T02:45:01Z",
                }
            ]
        },
    )

    id: UUID
    kind: TransitionKind
    before: AlarmState
    after: AlarmState
    at: datetime
    recorded_at: datetime
    actor_id: UUID | None
    note: str
    via: str
    values: dict[str, Any]
    severity: Severity | None
    published_at: datetime | None


class AcknowledgeIn(Schema):
    """`episode_onset_at`: the alarm's as the caller saw it; null answers whatever is the latest."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "已通知张工到场查看"}]})

    note: Line = ""
    episode_onset_at: AwareDatetime | None = None


class ClearIn(Schema):
    """Clearing by hand says why: it stays in the alarm's history."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "传感器已拆除送修"}]})

    note: Annotated[Line, Field(min_length=1)]


class ShelveIn(Schema):
    """Shelving ends by itself, after a day at most, and says why."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"minutes": 120, "note": "传感器接触不良，已约厂家下午更换"}]}
    )

    minutes: Annotated[int, Field(ge=1, le=LONGEST_SHELF_MINUTES)]
    note: Annotated[Line, Field(min_length=1)]


class UnshelveIn(Schema):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "传感器已更换"}]})

    note: Line = ""


class AlarmCommentIn(Schema):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "厂家确认是探头老化"}]})

    note: Annotated[Line, Field(min_length=1)]


class AlarmAssignIn(Schema):
    """Whose it is to look after; null: nobody's any more."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"person_id": "0197a1d2-6c00-7000-8000-0000000000aa", "note": "请今天看一下"}]},
    )

    person_id: UUID | None
    note: Line = ""


class OutOfServiceIn(Schema):
    """Out of service until it is put back, or until a time; says why. Life safety is never."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"whole_equipment": False, "until": None, "note": "传感器已坏，备件下周到"}]},
    )

    whole_equipment: bool = False
    until: AwareDatetime | None = None
    note: Annotated[Line, Field(min_length=1)]


class InServiceIn(Schema):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "备件已更换"}]})

    note: Line = ""


class AlarmInhibitionOut(Schema):
    """What holds alarms back, or marks them as tests (`testing`), now. Without `source_id` and `fault_mode`: all the
    equipment's nuisance alarms. `reason` of an `inhibited` one is the order's number."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "0197a1d2-6c00-7000-8000-0000000000e2",
                    "site_id": "0197a1d2-6c00-7000-8000-00000000000a",
                    "equipment_id": "0197a1d2-6c00-7000-8000-00000000000c",
                    "kind": "out_of_service",
                    "fault_mode": None,
                    "source": "rule",
                    "source_id": "pump-bearing-wear",
                    "person_id": "0197a1d2-6c00-7000-8000-0000000000aa",
                    "reason": "传感器已坏，备件下周到",
                    "until": None,
                    "created_at": "2026-11-22T02:45:00Z",
                }
            ]
        },
    )

    id: UUID
    site_id: UUID
    equipment_id: UUID
    kind: InhibitionKind
    fault_mode: str | None
    source: str | None
    source_id: str | None
    person_id: UUID | None
    reason: str
    until: datetime | None
    created_at: datetime
