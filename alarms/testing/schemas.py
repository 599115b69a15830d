"""Shapes of test windows on the wire."""

from datetime import datetime
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from alarms.models import TestWindow
from alarms.testing.window import LONGEST_MIN, TestWindowState
from catalog.foreign_text import Line
from kit.http import Schema

# A test goes from device to device: who names more has not looked at the list.
MOST_DEVICES = 500

NEW_TEST: dict[str, JsonValue] = {
    "site_id": "0197a1d2-6c00-7000-8000-00000000000a",
    "equipment_ids": ["0197a1d2-6c00-7000-8000-00000000000c"],
    "minutes": 120,
    "reason": "3栋烟感年度检测，消防维保公司到场",
}


class TestWindowIn(Schema):
    """A test of named devices. It begins when a second person begins it, and ends by itself."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [NEW_TEST]})

    site_id: UUID
    equipment_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_DEVICES)]
    minutes: Annotated[int, Field(ge=1, le=LONGEST_MIN)]
    reason: Annotated[Line, Field(min_length=1)]


class RealFireIn(Schema):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "3栋12层有明火"}]})

    note: Line = ""


class TestSignOffIn(Schema):
    """What the two say when the test is over. `untried`: devices nobody got to; all others were tried. With any of
    these, or any that was tried and not heard, `note` says what becomes of that."""

    __test__: ClassVar[bool] = False

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"untried": [], "note": "3栋12层烟感无信号，已报修"}]}
    )

    untried: Annotated[list[UUID], Field(max_length=MOST_DEVICES, default_factory=list)]
    note: Line = ""


class TestedDeviceOut(Schema):
    """A device of a test. `heard_at`: the first it said in the test, null while it is silent; `was_tried`: as it was
    signed off, null before."""

    __test__: ClassVar[bool] = False

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "equipment_id": "0197a1d2-6c00-7000-8000-00000000000c",
                    "heard_at": "2026-11-22T01:20:00Z",
                    "was_tried": True,
                }
            ]
        },
    )

    equipment_id: UUID
    heard_at: datetime | None
    was_tried: bool | None


class TestWindowOut(Schema):
    """`until` is known once it was begun; `real_fire_at`: it ended because somebody said that it burns. When it is over
    somebody signs it off: `untried` nobody got to, `unheard` were tried and silent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0197a1d2-6c00-7000-8000-0000000000e1",
                    "state": "running",
                    **NEW_TEST,
                    "asked_by": "0197a1d2-6c00-7000-8000-0000000000aa",
                    "asked_at": "2026-11-22T01:00:00Z",
                    "begun_by": "0197a1d2-6c00-7000-8000-0000000000ab",
                    "began_at": "2026-11-22T01:05:00Z",
                    "until": "2026-11-22T03:05:00Z",
                    "ended_by": None,
                    "ended_at": None,
                    "real_fire_at": None,
                    "signed_by": None,
                    "signed_at": None,
                    "untried": [],
                    "unheard": [],
                    "sign_off_note": "",
                }
            ]
        }
    )

    id: UUID
    site_id: UUID
    state: TestWindowState
    equipment_ids: list[UUID]
    minutes: int
    reason: str
    asked_by: UUID
    asked_at: datetime
    begun_by: UUID | None
    began_at: datetime | None
    until: datetime | None
    ended_by: UUID | None
    ended_at: datetime | None
    real_fire_at: datetime | None
    signed_by: UUID | None
    signed_at: datetime | None
    untried: list[UUID]
    unheard: list[UUID]
    sign_off_note: str

    @classmethod
    def of(cls, window: TestWindow, state: TestWindowState) -> Self:
        return cls(
            id=window.id, site_id=window.site_id, state=state,
            equipment_ids=[UUID(one) for one in window.equipment_ids],
            minutes=window.minutes, reason=window.reason, asked_by=window.asked_by, asked_at=window.asked_at,
            begun_by=window.begun_by, began_at=window.began_at, until=window.until, ended_by=window.ended_by,
            ended_at=window.ended_at, real_fire_at=window.real_fire_at, signed_by=window.signed_by,
            signed_at=window.signed_at, untried=[UUID(one) for one in window.untried],
            unheard=[UUID(one) for one in window.unheard], sign_off_note=window.sign_off_note,
        )  # fmt: skip
