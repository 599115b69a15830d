"""Shapes of maintenance windows on the wire."""

from datetime import datetime, time
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue, model_validator

from alarms.models import MaintenanceWindow
from alarms.windows.schedule import Occurrence
from alarms.windows.service import NewWindow
from catalog.foreign_text import Line
from kit.http import Schema

NIGHTLY: dict[str, JsonValue] = {
    "site_id": "0197a1d2-6c00-7000-8000-00000000000a",
    "reason": "每周二夜间水泵轮换保养",
    "building_id": None,
    "equipment_ids": ["0197a1d2-6c00-7000-8000-00000000000c"],
    "starts_at": None,
    "ends_at": None,
    "weekdays": [2],
    "at": "23:30:00",
    "minutes": 90,
}


class MaintenanceWindowIn(Schema):
    """A time of maintenance: of some equipment (and what hangs on it), of a building, or, naming neither, of the site.

    Once: `ends_at`, and `starts_at` unless it starts now. Again and again: `weekdays` (1 = Monday), `at` (the site's
    clock) and `minutes`, from `starts_at` to `ends_at` where they are given.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [NIGHTLY]})

    site_id: UUID
    reason: Annotated[Line, Field(min_length=1)]
    building_id: UUID | None = None
    equipment_ids: Annotated[list[UUID], Field(max_length=500, default_factory=list)]
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    weekdays: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(max_length=7, default_factory=list)]
    at: time | None = None
    minutes: Annotated[int | None, Field(ge=1, le=1440)] = None

    @model_validator(mode="after")
    def _is_one_kind_of_schedule(self) -> Self:
        if self.weekdays and (self.at is None or self.minutes is None):
            raise ValueError("`weekdays` needs `at` and `minutes`")
        if not self.weekdays and (self.at is not None or self.minutes is not None):
            raise ValueError("`at` and `minutes` belong to `weekdays`")
        if not self.weekdays and self.ends_at is None:
            raise ValueError("a window that does not repeat needs `ends_at`")
        if self.building_id is not None and self.equipment_ids:
            raise ValueError("a window is of a building or of equipment, not of both")
        return self

    def to_window(self) -> NewWindow:
        return NewWindow(
            site_id=self.site_id, reason=self.reason, building_id=self.building_id, equipment_ids=self.equipment_ids,
            starts_at=self.starts_at, ends_at=self.ends_at, weekdays=self.weekdays, at=self.at, minutes=self.minutes,
        )  # fmt: skip


class MaintenanceWindowOut(Schema):
    """`is_holding`: alarms are held back now. `next_from`, `next_until`: the time it holds now, or next."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0197a1d2-6c00-7000-8000-0000000000e3",
                    **NIGHTLY,
                    "starts_at": "2026-11-22T02:45:00Z",
                    "timezone": "Asia/Shanghai",
                    "is_holding": False,
                    "next_from": "2026-11-24T15:30:00Z",
                    "next_until": "2026-11-24T17:00:00Z",
                    "created_by": "0197a1d2-6c00-7000-8000-0000000000aa",
                    "created_at": "2026-11-22T02:45:00Z",
                    "ended_by": None,
                    "ended_at": None,
                }
            ]
        }
    )

    id: UUID
    site_id: UUID
    reason: str
    building_id: UUID | None
    equipment_ids: list[UUID]
    timezone: str
    starts_at: datetime
    ends_at: datetime | None
    weekdays: list[int]
    at: time | None
    minutes: int | None
    is_holding: bool
    next_from: datetime | None
    next_until: datetime | None
    created_by: UUID
    created_at: datetime
    ended_by: UUID | None
    ended_at: datetime | None

    @classmethod
    def of(cls, window: MaintenanceWindow, occurrence: Occurrence | None, *, is_holding: bool) -> Self:
        return cls(
            id=window.id, site_id=window.site_id, reason=window.reason, building_id=window.building_id,
            equipment_ids=[UUID(each) for each in window.equipment_ids], timezone=window.timezone,
            starts_at=window.starts_at, ends_at=window.ends_at, weekdays=window.weekdays,
            at=None if window.from_min is None else time(*divmod(window.from_min, 60)), minutes=window.duration_min,
            is_holding=is_holding, next_from=None if occurrence is None else occurrence.starts_at,
            next_until=None if occurrence is None else occurrence.ends_at, created_by=window.created_by,
            created_at=window.created_at, ended_by=window.ended_by, ended_at=window.ended_at,
        )  # fmt: skip
