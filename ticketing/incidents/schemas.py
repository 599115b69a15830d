"""Wire shapes of what belongs together."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from catalog.foreign_text import Line, Name
from kit.http import Schema
from ticketing.incidents.family import Family
from ticketing.incidents.followers import FollowerView
from ticketing.incidents.splitting import Correction
from ticketing.kinds import Category, OrderState
from ticketing.models import WorkOrder

_ID = "0198b5a0-0000-7000-8000-000000000801"
Version = Annotated[int | None, Field(ge=1, description="the version last seen; a newer one refuses")]


class RelatedOut(Schema):
    """Another order, as a line on the page of one."""

    id: UUID
    number: str
    state: OrderState
    priority: int
    title: dict[str, str]
    place: str
    equipment_code: str | None

    @classmethod
    def of(cls, order: WorkOrder | None) -> "RelatedOut | None":
        return None if order is None else cls.model_validate(order)


class FamilyOut(Schema):
    """Orders that belong to one: its root and the orders under it (one trouble explains the others), what it was
    merged into and what was merged into it, what it repeats, and what it duplicates."""

    root: RelatedOut | None
    children: list[RelatedOut]
    merged_into: RelatedOut | None
    absorbed: list[RelatedOut]
    repeats: RelatedOut | None
    duplicates: RelatedOut | None

    @classmethod
    def of(cls, family: Family) -> "FamilyOut":
        return cls(
            root=RelatedOut.of(family.root),
            children=[RelatedOut.model_validate(order) for order in family.children],
            merged_into=RelatedOut.of(family.into),
            absorbed=[RelatedOut.model_validate(order) for order in family.absorbed],
            repeats=RelatedOut.of(family.repeat_of),
            duplicates=RelatedOut.of(family.duplicate_of),
        )


class MergeIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"into": _ID, "reason": "同一处漏水", "version": 3}]})

    into: Annotated[UUID, Field(description="the order that stays")]
    reason: Line | None = None
    version: Version = None


class ReasonIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "不是同一个问题"}]})

    reason: Name


class ParentIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"root": _ID, "reason": "停电引起"}]})

    root: Annotated[UUID, Field(description="the order whose trouble explains this one")]
    reason: Line | None = None


class SplitIn(Schema):
    """What the report was about after all; left out, nobody knows yet, and the new order stands alone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"reason": "说的是楼道灯，不是电梯", "category": "lighting", "space_id": _ID, "version": 4}]
        }
    )

    reason: Name
    category: Category | None = None
    fault_mode: Name | None = None
    equipment_id: UUID | None = None
    space_id: UUID | None = None
    building_id: UUID | None = None
    priority: Annotated[int | None, Field(ge=1, le=4, description="1 is the most urgent")] = None
    version: Version = None

    def to_correction(self) -> Correction:
        return Correction(**self.model_dump(exclude={"reason", "version"}))


class FollowerOut(Schema):
    """Somebody who is told how the order goes on. `report_id` null: a member of staff who asked to be told."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"person_id": _ID, "name": "钱进", "report_id": None, "since": "2026-11-22T04:00:00Z"}]
        }
    )

    person_id: UUID
    name: str | None
    report_id: UUID | None
    since: datetime

    @classmethod
    def of(cls, follower: FollowerView) -> "FollowerOut":
        return cls.model_validate(follower)
