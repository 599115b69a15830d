"""Reports on the wire, as staff see them on the page of an order. Phones leave masked."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from kit.http import Schema
from people.phones import masked
from ticketing import examples
from ticketing.desk import OrderPage
from ticketing.forms import Answer
from ticketing.kinds import Category, Channel
from ticketing.models import Report


class ReportAnswerOut(Schema):
    """What a reporter filled into a field: the value as JSON, and what it is called where it was chosen."""

    key: str
    names: dict[str, str]
    unit: str | None
    value: Any
    value_names: Annotated[list[dict[str, str]], Field(description="by language, of each option that was chosen")]

    @classmethod
    def of(cls, answer: Answer) -> "ReportAnswerOut":
        field = answer.field
        words = [dict(one) for one in answer.words]
        return cls(key=field.key, names=dict(field.names), unit=field.unit, value=answer.value, value_names=words)


class ReportOut(Schema):
    """What one person said. `contact_phone` is masked."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.REPORT]})

    id: UUID
    reporter_id: UUID | None
    reporter_name: str | None
    taken_by: UUID | None
    channel: Channel
    category: Category
    fault_mode: str | None
    text: str
    contact_phone: str | None
    is_anonymous: Annotated[bool, Field(description="who said it, and where they live, is shown to managers alone")]
    place: str
    joined: bool
    answers: Annotated[list[ReportAnswerOut], Field(description="what they filled in and the caller may see")]
    appointment_at: Annotated[datetime | None, Field(description="when they asked somebody to come")]
    created_at: datetime

    @classmethod
    def of(cls, report: Report, page: OrderPage) -> "ReportOut":
        name = page.names.get(report.reporter_id) if report.reporter_id else None
        is_hidden = report.is_anonymous and not page.shows_anonymous
        return cls(
            id=report.id, reporter_id=None if is_hidden else report.reporter_id,
            reporter_name=None if is_hidden else report.contact_name or name,
            taken_by=report.taken_by, channel=Channel(report.channel), category=Category(report.category),
            fault_mode=report.fault_mode, text=report.text,
            contact_phone=None if is_hidden else masked(report.contact_phone), is_anonymous=report.is_anonymous,
            place="" if is_hidden else report.place, joined=report.joined,
            answers=[] if is_hidden else [ReportAnswerOut.of(one) for one in page.answers[report.id]],
            appointment_at=report.appointment_at, created_at=report.created_at,
        )  # fmt: skip
