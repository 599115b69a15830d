"""A contractor's link to one order, on the wire."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from catalog.foreign_text import Line, Name
from kit.http import Schema
from kit.i18n import Language, Texts
from ticketing.forms import FieldType
from ticketing.kinds import ClosingCode, OrderState
from ticketing.words import Words
from ticketing.working.checklist import CheckOutcome
from ticketing.working.contractor_work import ContractorView
from ticketing.working.labour import Spent
from ticketing.working.linked_form import LinkedField
from ticketing.working.schemas import ChecklistOut, ClosingSuggestionOut, WantedOut, wanted_out


class ContractorLinkIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"hours": 48}]})

    hours: Annotated[int, Field(ge=1, le=24 * 30, description="how long the link opens the order")] = 48


class ContractorLinkOut(Schema):
    id: UUID
    work_order_id: UUID
    person_id: UUID
    path: Annotated[str, Field(description="of the web face; whoever has it has the order")]
    expires_at: datetime


class ContractorOptionOut(Schema):
    code: str
    name: str


class ContractorFieldOut(Schema):
    """A field of the order's form that finishing wants. `options`: what may be said, of a place or an equipment the
    order's own; `may_write` false: the desk fills it in."""

    key: str
    name: str
    type: FieldType
    unit: str | None
    low: float | None
    high: float | None
    many: bool
    options: list[ContractorOptionOut]
    value: Any
    may_write: bool

    @classmethod
    def of(cls, one: LinkedField, language: Language) -> "ContractorFieldOut":
        field = one.field
        options = [ContractorOptionOut(code=each.code, name=each.names[language]) for each in one.options]
        return cls(
            key=field.key, name=field.names[language], type=field.type, unit=field.unit, low=field.low,
            high=field.high, many=field.many, options=options, value=one.value, may_write=one.may_write,
        )  # fmt: skip


class ContractorAnswerOut(Schema):
    """What was found at an item of the checklist."""

    item: str
    outcome: CheckOutcome
    measure: Decimal | None
    note: str | None
    photo_id: UUID | None


class ContractorPartOut(Schema):
    """A part of the order: `held` for it, `used` in it. What it costs is not the contractor's business."""

    storehouse_id: UUID
    part_id: UUID
    part_code: str
    part_name: str
    unit: str
    held: Decimal
    used: Decimal


class ContractorStockOut(Schema):
    """A part in a storehouse of the site, and how many of it are free."""

    storehouse_id: UUID
    storehouse_name: str
    part_id: UUID
    part_code: str
    part_name: str
    unit: str
    available: Decimal


class ContractorSheetOut(Schema):
    """What the work takes: `wanted` by its kind in all, `missing` of it for now; and what was entered so far."""

    suggested_closing_code: ClosingSuggestionOut
    wanted: list[WantedOut]
    missing: list[WantedOut]
    fields: Annotated[list[ContractorFieldOut], Field(description="of its form, sent as `form` with finish")]
    checklist: ChecklistOut | None
    answers: list[ContractorAnswerOut]
    labour_min: Annotated[Decimal, Field(description="working time of everybody on it, minutes")]
    parts: list[ContractorPartOut]

    @classmethod
    def of(cls, view: ContractorView, texts: Texts, language: Language) -> "ContractorSheetOut":
        sheet = view.sheet
        return cls(
            suggested_closing_code=ClosingSuggestionOut.of(sheet.suggestion),
            wanted=wanted_out(view.wanted, texts, language), missing=wanted_out(view.missing, texts, language),
            fields=[ContractorFieldOut.of(one, language) for one in view.fields],
            checklist=ChecklistOut.of(sheet.checklist, language) if sheet.checklist else None,
            answers=[ContractorAnswerOut.model_validate(one) for one in sheet.answers],
            labour_min=sum((line.minutes for line in sheet.labour), start=Decimal(0)),
            parts=[ContractorPartOut.model_validate(one) for one in sheet.parts],
        )  # fmt: skip


class ContractorOrderOut(Schema):
    """One order as its contractor's link shows it; the contact is masked, and gone when it is over."""

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
    work: ContractorSheetOut

    @classmethod
    def of(cls, view: ContractorView, texts: Texts, language: Language) -> "ContractorOrderOut":
        return cls(
            number=view.number, title=dict(view.title), place=view.place, category=view.category, state=view.state,
            due_at=view.due_at, contact_name=view.contact_name, contact_phone=view.contact_phone, text=view.text,
            facts=dict(view.facts), photos=view.photos, actions=view.actions, expires_at=view.expires_at,
            work=ContractorSheetOut.of(view, texts, language),
        )  # fmt: skip


class ContractorActionIn(Schema):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"action": "accept"}, {"action": "finish", "closing_code": "real_fault", "note": "换门机皮带"}]
        }
    )

    action: Literal["accept", "arrive", "finish"]
    closing_code: ClosingCode | None = None
    note: Line | None = None
    fault_mode: Annotated[Name | None, Field(description="what it was, with real_fault or misuse")] = None
    cause: Annotated[Line | None, Field(description="why, with real_fault or misuse")] = None
    remedy: Annotated[Line | None, Field(description="what was done about it, with real_fault or misuse")] = None
    form: dict[str, Any] = Field(default_factory=dict, description="with finish: values of `work.fields`, by key")

    def words(self) -> Words:
        return Words(**self.model_dump(exclude={"action"}))


class ContractorLabourIn(Schema):
    """From and to, or minutes: the holder's own."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"minutes": 25}]})

    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    minutes: Annotated[Decimal | None, Field(max_digits=6, decimal_places=2)] = None
    note: Line = ""

    def spent(self) -> Spent:
        return Spent(self.started_at, self.ended_at, self.minutes)
