"""Shapes of locks on equipment on the wire."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue

from alarms.models import Inhibition
from catalog.foreign_text import Line
from kit.http import Schema

NEW_LOCKOUT: dict[str, JsonValue] = {
    "equipment_id": "0197a1d2-6c00-7000-8000-00000000000c",
    "reason": "更换 3 号泵机械密封，已断电挂牌",
    "until": None,
}


class LockoutIn(Schema):
    """A lock on an equipment, until it is taken off, or until a time; says why. Life safety is never held back."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [NEW_LOCKOUT]})

    equipment_id: UUID
    reason: Annotated[Line, Field(min_length=1)]
    until: AwareDatetime | None = None


class LockoutOut(Schema):
    """Who has locked an equipment out, why and until when. `is_on`: nuisance alarms are held back by it now;
    `released_by`: who took it off, null where its time was over."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0197a1d2-6c00-7000-8000-0000000000e4",
                    "site_id": "0197a1d2-6c00-7000-8000-00000000000a",
                    **NEW_LOCKOUT,
                    "person_id": "0197a1d2-6c00-7000-8000-0000000000aa",
                    "locked_at": "2026-11-22T02:45:00Z",
                    "is_on": True,
                    "released_at": None,
                    "released_by": None,
                }
            ]
        }
    )

    id: UUID
    site_id: UUID
    equipment_id: UUID
    person_id: UUID | None
    reason: str
    until: datetime | None
    locked_at: datetime
    is_on: bool
    released_at: datetime | None
    released_by: UUID | None

    @classmethod
    def of(cls, lockout: Inhibition, *, is_on: bool) -> Self:
        return cls(
            id=lockout.id, site_id=lockout.site_id, equipment_id=lockout.equipment_id, person_id=lockout.person_id,
            reason=lockout.reason, until=lockout.until, locked_at=lockout.created_at, is_on=is_on,
            released_at=lockout.released_at, released_by=lockout.released_by,
        )  # fmt: skip
