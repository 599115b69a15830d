"""Linkage on the wire."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import msgspec
from pydantic import ConfigDict, Field, model_validator

from building.equipment import EquipmentKind
from building.severity import Severity
from catalog.foreign_text import Name
from kit.http import Schema
from linkage.models import LinkageRule
from linkage.rule import MOST_ACTIONS, Action, Condition, Hindrance, RunState, Said

_ID = "00000000-0000-7000-8000-000000000000"
_CONDITION: dict[str, Any] = {"fault_modes": ["leak"], "least_severity": "major"}
_ACTIONS: list[Any] = [{"equipment_id": _ID, "point": "open", "value": 0}]

Key = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
Keys = Annotated[list[Key], Field(max_length=100)]
# Beyond that no register holds anything.
Number = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
Version = Annotated[int, Field(ge=1, le=1_000_000)]


class LinkageStateOut(Schema):
    """`is_enabled`: HUB_LINKAGE_ENABLED. Off, everything can be prepared and nothing is ever done."""

    is_enabled: bool
    confirm_within_s: float
    start_within_s: float
    most_an_hour: int


class LinkagePointIn(Schema):
    """Values from `low` to `high` may be written; `needs_two`: two persons confirm each time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"equipment_id": _ID, "point": "open", "low": 0, "high": 0, "needs_two": True, "timeout_s": 10}
            ]
        }
    )

    equipment_id: UUID
    point: Key
    low: Number
    high: Number
    needs_two: bool = True
    timeout_s: float = Field(default=10.0, ge=1, le=60, description="seconds that read-back may take")

    @model_validator(mode="after")
    def _is_range(self) -> Self:
        if self.low > self.high:
            raise ValueError("low must not be above high")
        return self


class LinkagePointOut(Schema):
    id: UUID
    site_id: UUID
    equipment_id: UUID
    point_key: str
    low: float
    high: float
    needs_two: bool
    timeout_s: float
    created_at: datetime
    created_by: UUID | None


class LinkageCondition(Schema):
    """All of it must hold; at least one of fault modes, rules of alarms (`source_ids`) and equipment is named."""

    fault_modes: Keys = Field(default_factory=list)
    source_ids: Keys = Field(default_factory=list)
    equipment_ids: list[UUID] = Field(default_factory=list, max_length=100)
    equipment_kinds: list[EquipmentKind] = Field(default_factory=list, max_length=30)
    least_severity: Severity | None = None


class LinkageAction(Schema):
    """`value` in the point's unit."""

    equipment_id: UUID
    point: Key
    value: Number


class LinkageRuleEditIn(Schema):
    """`version`: the one that was seen. The rule is off afterwards."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "水浸关阀", "condition": _CONDITION, "actions": _ACTIONS, "version": 1}]
        }
    )

    name: Name
    condition: LinkageCondition
    actions: Annotated[list[LinkageAction], Field(min_length=1, max_length=MOST_ACTIONS)]
    version: Version

    @property
    def said(self) -> Said:
        return _said(self.condition, self.actions)


class LinkageRuleIn(Schema):
    """A new rule is off."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"site_id": _ID, "name": "水浸关阀", "condition": _CONDITION, "actions": _ACTIONS}]
        }
    )

    site_id: UUID
    name: Name
    condition: LinkageCondition
    actions: Annotated[list[LinkageAction], Field(min_length=1, max_length=MOST_ACTIONS)]

    @property
    def said(self) -> Said:
        return _said(self.condition, self.actions)


class LinkageSwitchIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"is_enabled": False, "version": 1}]})

    is_enabled: bool
    version: Annotated[int | None, Field(ge=1, le=1_000_000)] = None


class LinkageRuleOut(Schema):
    id: UUID
    site_id: UUID
    name: str
    is_enabled: bool
    condition: LinkageCondition
    actions: list[LinkageAction]
    version: int
    created_at: datetime
    changed_at: datetime
    changed_by: UUID | None

    @classmethod
    def of(cls, row: LinkageRule) -> Self:
        return cls.model_validate(row)


class LinkageRunOut(Schema):
    """`state` different: the device says `read_back`; unconfirmed: it was sent and may have been done; not_sent: it was
    certainly not. `reason`: why it was blocked or lapsed."""

    id: UUID
    site_id: UUID
    rule_id: UUID
    rule_version: int
    alarm_id: UUID
    onset_at: datetime
    equipment_id: UUID
    point_key: str
    value: float
    needs_two: bool
    state: RunState
    reason: Hindrance | None
    detail: str
    read_back: float | None
    confirmed_by: UUID | None
    confirmed_at: datetime | None
    seconded_by: UUID | None
    rejected_by: UUID | None
    created_at: datetime
    expires_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


def _said(condition: LinkageCondition, actions: list[LinkageAction]) -> Said:
    plain: dict[str, Any] = condition.model_dump(mode="json")
    wanted = msgspec.convert(plain, Condition, strict=False)
    return Said(wanted, tuple(Action(one.equipment_id, one.point, one.value) for one in actions))
