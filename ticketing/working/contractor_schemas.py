"""A contractor's link to one order, on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from catalog.foreign_text import Line
from kit.http import Schema
from ticketing.kinds import ClosingCode, OrderState
from ticketing.working.contractors import ContractorView


class ContractorLinkIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"hours": 48}]})

    hours: Annotated[int, Field(ge=1, le=24 * 30, description="how long the link opens the order")] = 48


class ContractorLinkOut(Schema):
    id: UUID
    work_order_id: UUID
    person_id: UUID
    path: Annotated[str, Field(description="of the web face; whoever has it has the order")]
    expires_at: datetime


class ContractorOrderOut(Schema):
    """One order as its contractor's link shows it; the contact's name and phone are masked."""

    number: str
    title: dict[str, str]
    place: str
    category: str
    state: OrderState
    due_at: datetime
    contact_name: str | None
    contact_phone: str | None
    text: str
    facts: dict[str, Any]
    photos: int
    actions: list[str]
    expires_at: datetime

    @classmethod
    def of(cls, view: ContractorView) -> "ContractorOrderOut":
        return cls.model_validate(view)


class ContractorActionIn(Schema):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"action": "accept"}, {"action": "finish", "closing_code": "real_fault", "note": "换门机皮带"}]
        }
    )

    action: Literal["accept", "arrive", "finish"]
    closing_code: ClosingCode | None = None
    note: Line | None = None
