"""Wire shapes of what is asked of work orders; the answers are in `schemas`."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from catalog.foreign_text import Line, Name
from kit.access import Role
from kit.http import Schema
from people.phones import normal_phone
from ticketing.kinds import (
    Category,
    Channel,
    ChildrenFate,
    ClosingCode,
    FireOutcome,
)
from ticketing.reports import NewReport
from ticketing.tasks import TaskAction

KindCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Priority = Annotated[int, Field(ge=1, le=4, description="1 is the most urgent")]


class WorkOrderIn(Schema):
    """An order as staff enter it, for a caller or for what they saw themselves."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site_id": "0198b5a0-0000-7000-8000-000000000001",
                    "channel": "phone",
                    "category": "water_leak",
                    "text": "厨房水管漏水",
                    "space_id": "0198b5a0-0000-7000-8000-000000000502",
                    "contact_name": "王女士",
                    "contact_phone": "13800138000",
                }
            ]
        }
    )

    site_id: UUID
    channel: Channel
    category: Category = Category.OTHER
    text: Line = ""
    space_id: UUID | None = None
    building_id: UUID | None = None
    equipment_id: UUID | None = None
    fault_mode: Annotated[
        Name | None, Field(description='"passenger_trapped" and "smoke_detected" start flows of their own')
    ] = None
    reporter_id: Annotated[UUID | None, Field(description="the resident, when known")] = None
    contact_name: Name | None = None
    contact_phone: Annotated[str | None, Field(max_length=30)] = None
    priority: Priority | None = None
    kind: Annotated[KindCode | None, Field(description="code of a kind; left out, place and category suggest one")] = (
        None
    )
    topic: Annotated[KindCode | None, Field(description="a node of the kind's category tree")] = None
    form: dict[str, Any] = Field(default_factory=dict, description="values of the kind's fields, by key")
    appointment_at: AwareDatetime | None = None

    def to_report(self, taken_by: UUID, roles: frozenset[Role]) -> NewReport:
        """Phones are kept in the one way that matches; what is none is kept as it was said."""
        given = self.model_dump(exclude={"contact_phone"})
        phone = (self.contact_phone or "").replace("\x00", "").strip()
        return NewReport(**given, taken_by=taken_by, roles=roles, contact_phone=normal_phone(phone) or phone or None)


class ActionIn(Schema):
    """An action on an order. `GET /work-orders/{id}` lists what is possible now and which fields it wants."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"action": "accept", "version": 2, "promised_at": "2026-11-22T10:42:00+08:00"},
                {
                    "action": "finish",
                    "closing_code": "real_fault",
                    "note": "更换门机皮带，试运行正常",
                    "cause": "皮带老化",
                    "remedy": "更换皮带",
                },
            ]
        }
    )

    action: Annotated[KindCode, Field(description="an action of the order's flow")]
    version: Annotated[int | None, Field(ge=1, description="the version last seen; a newer one refuses")] = None
    assignee_id: UUID | None = None
    reason: Line | None = None
    note: Line | None = None
    closing_code: ClosingCode | None = None
    hold_until: AwareDatetime | None = None
    promised_at: AwareDatetime | None = None
    fault_mode: Annotated[Name | None, Field(description="what it was, with real_fault or misuse")] = None
    cause: Annotated[Line | None, Field(description="why, with real_fault or misuse")] = None
    remedy: Annotated[Line | None, Field(description="what was done about it, with real_fault or misuse")] = None
    duplicate_of: Annotated[UUID | None, Field(description="the other order, with closing_code duplicate")] = None
    children: Annotated[
        ChildrenFate | None, Field(description="on close: what becomes of the orders under this one")
    ] = None
    form: dict[str, Any] = Field(default_factory=dict, description="values of the kind's fields, by key")


class AssignIn(Schema):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"assignee_id": "0198b5a0-0000-7000-8000-0000000000aa", "version": 3}]}
    )

    assignee_id: UUID
    version: Annotated[int | None, Field(ge=1)] = None
    reason: Line | None = None


class EditIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"priority": 2, "reason": "影响整栋楼用水"}]})

    priority: Priority | None = None
    promised_at: AwareDatetime | None = None
    form: dict[str, Any] = Field(default_factory=dict, description="values of the kind's fields; null takes one away")
    reason: Name
    version: Annotated[int | None, Field(ge=1)] = None


class CommentIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "已联系业主，下午在家"}]})

    text: Name


class OutageIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "现场确认停梯，维保检修中"}]})

    note: Line | None = None


class TaskActionIn(Schema):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"action": "finish", "outcome": "false_alarm", "note": "厨房油烟"}, {"action": "arrive"}]
        }
    )

    action: TaskAction
    outcome: FireOutcome | None = None
    note: Line | None = None
