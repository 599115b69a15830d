"""The work itself on the wire."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from catalog.foreign_text import Line, Name
from kit.http import Schema
from kit.i18n import Language, Texts
from ticketing.charging.schemas import PayerOut
from ticketing.kinds import ClosingCode, OrderState
from ticketing.models import WorkOrder
from ticketing.working.arriving import Arrival, PlaceKept, Position, Scanned
from ticketing.working.checking import GivenAnswer
from ticketing.working.checklist import CheckKind, Checklist, CheckOutcome
from ticketing.working.completion import Wanted
from ticketing.working.jobs import PartAction, PartMove
from ticketing.working.labour import LabourSource, Spent
from ticketing.working.sheet import LabourLine, WorkSheet
from ticketing.working.suggesting import SuggestedBy, Suggestion

Quantity = Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=3)]

_ORDER = "0198b5a0-0000-7000-8000-000000000007"


# --- coming --------------------------------------------------------------------------------------------------------


class PositionIn(Schema):
    """Where the phone says it is, in degrees (WGS 84). Kept only while its holder is on shift."""

    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    accuracy_m: Annotated[float | None, Field(ge=0, le=100_000, allow_inf_nan=False)] = None

    def position(self) -> Position:
        return Position(self.latitude, self.longitude, self.accuracy_m)


class CheckInIn(Schema):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"position": {"latitude": 30.2741, "longitude": 120.1551, "accuracy_m": 12}}, {}]
        }
    )

    position: PositionIn | None = None


class ScanIn(CheckInIn):
    """`work_order_id`: the one chosen, where the first answer listed several."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "hN1x8o2cQm3v7yKq", "work_order_id": None}]})

    token: Name
    work_order_id: UUID | None = None


class ClosingSuggestionOut(Schema):
    """The closing code that finishing is one tap with, and what suggests it."""

    code: ClosingCode
    by: SuggestedBy

    @classmethod
    def of(cls, suggestion: Suggestion) -> "ClosingSuggestionOut":
        return cls(code=suggestion.code, by=suggestion.by)


class WantedOut(Schema):
    """What finishing still wants, by its name in the reader's language."""

    what: Wanted
    name: str


class ArrivalOut(Schema):
    """Where the order stands now, what became of the coordinates, and all that finishing takes."""

    work_order_id: UUID
    number: str
    state: OrderState
    version: int
    place_kept: PlaceKept
    place_words: str
    payer: PayerOut
    suggested_closing_code: ClosingSuggestionOut
    wanted: list[WantedOut]

    @classmethod
    def of(cls, arrival: Arrival, sheet: WorkSheet, texts: Texts, language: Language) -> "ArrivalOut":
        order = arrival.order
        return cls(
            work_order_id=order.id, number=order.number, state=order.state, version=order.version,
            place_kept=arrival.place_kept, place_words=texts.text(f"working.place.{arrival.place_kept}", language),
            payer=PayerOut.of(order, texts, language), suggested_closing_code=ClosingSuggestionOut.of(sheet.suggestion),
            wanted=wanted_out(sheet.missing, texts, language),
        )  # fmt: skip


class OrderHereOut(Schema):
    id: UUID
    number: str
    title: dict[str, str]
    place: str
    state: OrderState
    priority: int
    is_mine: bool

    @classmethod
    def of(cls, order: WorkOrder) -> "OrderHereOut":
        return cls(
            id=order.id, number=order.number, title=order.title, place=order.place, state=order.state,
            priority=order.priority, is_mine=order.assignee_id is not None,
        )  # fmt: skip


class ReportHereOut(Schema):
    """What a new report from this place is filled in with."""

    site_id: UUID
    equipment_id: UUID | None
    space_id: UUID | None
    name: str


class ScanOut(Schema):
    """`arrived`: it was clear which order; `choose`: several, scan again with one; `report`: none, report from here."""

    outcome: Literal["arrived", "choose", "report"]
    words: str
    arrival: ArrivalOut | None = None
    choices: list[OrderHereOut] = Field(default_factory=list)
    report: ReportHereOut | None = None

    @classmethod
    def of(cls, scanned: Scanned, sheet: WorkSheet | None, texts: Texts, language: Language) -> "ScanOut":
        label = scanned.label
        if scanned.arrival is not None and sheet is not None:
            arrival = ArrivalOut.of(scanned.arrival, sheet, texts, language)
            words = texts.text("working.scan.arrived", language, number=arrival.number, name=label.name)
            return cls(outcome="arrived", words=words, arrival=arrival)
        if scanned.choices:
            words = texts.text("working.scan.choose", language, name=label.name, count=len(scanned.choices))
            return cls(outcome="choose", words=words, choices=[OrderHereOut.of(one) for one in scanned.choices])
        here = ReportHereOut(
            site_id=label.site_id, equipment_id=label.equipment_id, space_id=label.space_id, name=label.name
        )
        return cls(outcome="report", words=texts.text("working.scan.report", language, name=label.name), report=here)


# --- checklists ----------------------------------------------------------------------------------------------------


class ChecklistIn(Schema):
    """A checklist as a document; see docs/ticketing.md, "Checklists"."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "equipment_kind": "pump",
                    "document": {
                        "names": {"zh-CN": "水泵保养", "en": "Pump maintenance"},
                        "items": [
                            {"code": "noise", "names": {"zh-CN": "无异响", "en": "No noise"}},
                            {
                                "code": "pressure", "names": {"zh-CN": "出口压力", "en": "Outlet pressure"},
                                "kind": "measure", "unit": "MPa", "low": 0.3, "high": 0.6,
                            },
                        ],
                    },
                }
            ]
        }
    )  # fmt: skip

    equipment_kind: Annotated[str | None, Field(max_length=40, description="left out: for any equipment")] = None
    document: dict[str, Any]


class ChecklistItemOut(Schema):
    code: str
    name: str
    kind: CheckKind
    unit: str | None
    low: Decimal | None
    high: Decimal | None


class ChecklistOut(Schema):
    code: str
    equipment_kind: str | None
    version: int
    name: str
    items: list[ChecklistItemOut]

    @classmethod
    def of(cls, checklist: Checklist, language: Language) -> "ChecklistOut":
        items = [
            ChecklistItemOut(
                code=one.code, name=one.names[language.value], kind=one.kind, unit=one.unit, low=one.low, high=one.high
            )
            for one in checklist.items
        ]
        return cls(
            code=checklist.code, equipment_kind=checklist.equipment_kind or None, version=checklist.version,
            name=checklist.names[language.value], items=items,
        )  # fmt: skip


class ChecklistAnswerIn(Schema):
    """pass or fail for a check, a number for a measure; what failed needs a note or a picture of the order."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"outcome": "pass"}, {"measure": "0.72", "note": "压力偏高，已调减压阀"}]}
    )

    outcome: CheckOutcome | None = None
    measure: Annotated[Decimal | None, Field(max_digits=16, decimal_places=4)] = None
    note: Line | None = None
    photo_id: UUID | None = None

    def given(self) -> GivenAnswer:
        return GivenAnswer(**self.model_dump())


class ChecklistAnswerOut(Schema):
    item: str
    outcome: CheckOutcome
    measure: Decimal | None
    note: str | None
    photo_id: UUID | None
    answered_by: UUID | None
    answered_at: datetime


# --- time, parts, help ---------------------------------------------------------------------------------------------


class LabourIn(Schema):
    """From and to, or minutes. `person_id` left out: the caller."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"started_at": "2026-11-22T10:00:00+08:00", "ended_at": "2026-11-22T10:40:00+08:00"}, {"minutes": 25},
            ]
        }
    )  # fmt: skip

    person_id: UUID | None = None
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    minutes: Annotated[Decimal | None, Field(max_digits=6, decimal_places=2)] = None
    note: Line = ""

    def spent(self) -> Spent:
        return Spent(self.started_at, self.ended_at, self.minutes)


class LabourOut(Schema):
    person_id: UUID
    person_name: str
    started_at: datetime | None
    ended_at: datetime | None
    minutes: Decimal
    is_running: bool
    source: LabourSource
    note: str

    @classmethod
    def of(cls, line: LabourLine, names: Mapping[UUID, str]) -> "LabourOut":
        entry = line.entry
        return cls(
            person_id=entry.person_id, person_name=names.get(entry.person_id, "—"), started_at=entry.started_at,
            ended_at=entry.ended_at, minutes=line.minutes, is_running=line.is_running, source=entry.source,
            note=entry.note,
        )  # fmt: skip


class PartMoveIn(Schema):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "action": "use", "storehouse_id": "0198b5a0-0000-7000-8000-000000000501",
                    "part_id": "0198b5a0-0000-7000-8000-000000000502", "quantity": "1",
                }
            ]
        }
    )  # fmt: skip

    action: PartAction
    storehouse_id: UUID
    part_id: UUID
    quantity: Quantity
    note: Line = ""

    def move(self) -> PartMove:
        return PartMove(**self.model_dump())


class OrderPartOut(Schema):
    """`held`: reserved for the order; `used`: taken less what came back; `value`: what that cost, in yuan."""

    storehouse_id: UUID
    part_id: UUID
    part_code: str
    part_name: str
    unit: str
    held: Decimal
    used: Decimal
    value: Decimal


class HelperIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"person_id": "0198b5a0-0000-7000-8000-0000000000aa"}]})

    person_id: UUID


class HelperOut(Schema):
    person_id: UUID
    name: str
    since: datetime


class WorkSheetOut(Schema):
    """All that whoever does the work must know and bring. `missing`: what finishing would be refused for now."""

    work_order_id: UUID
    payer: PayerOut
    cost: Decimal
    suggested_closing_code: ClosingSuggestionOut
    missing: list[WantedOut]
    checklist: ChecklistOut | None
    answers: list[ChecklistAnswerOut]
    labour: list[LabourOut]
    parts: list[OrderPartOut]
    helpers: list[HelperOut]

    @classmethod
    def of(cls, sheet: WorkSheet, texts: Texts, language: Language) -> "WorkSheetOut":
        return cls(
            work_order_id=sheet.order.id,
            payer=PayerOut.of(sheet.order, texts, language),
            cost=sheet.order.cost,
            suggested_closing_code=ClosingSuggestionOut.of(sheet.suggestion),
            missing=wanted_out(sheet.missing, texts, language),
            checklist=ChecklistOut.of(sheet.checklist, language) if sheet.checklist else None,
            answers=[ChecklistAnswerOut.model_validate(one) for one in sheet.answers],
            labour=[LabourOut.of(line, sheet.names) for line in sheet.labour],
            parts=[OrderPartOut.model_validate(one) for one in sheet.parts],
            helpers=[
                HelperOut(person_id=one.person_id, name=sheet.names.get(one.person_id, "—"), since=one.since)
                for one in sheet.helpers
            ],
        )


def wanted_out(wanted: Sequence[Wanted], texts: Texts, language: Language) -> list[WantedOut]:
    return [WantedOut(what=one, name=texts.text(f"working.wanted.{one}", language)) for one in wanted]
