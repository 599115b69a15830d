"""Work orders on the wire. Phones leave masked; a whole number is asked for on its own, and that is written down."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from kit.http import Schema
from people.contractors.views import ContractorView
from people.phones import masked
from ticketing import examples
from ticketing.attachment_schemas import PhotoOut, VideoOut
from ticketing.desk import OrderLine, OrderPage, PossibleAction
from ticketing.dispatch.modes import DispatchMode
from ticketing.dispatch.offers import OfferOutcome
from ticketing.dispatch.scoring import Ranking
from ticketing.incidents.schemas import FamilyOut
from ticketing.journal import Entry
from ticketing.kinds import (
    Category,
    Channel,
    ClosingCode,
    FireOutcome,
    OrderState,
    OwnerState,
    TaskKind,
    TaskState,
)
from ticketing.listing_repository import OrderCounts
from ticketing.models import DispatchOffer, TimelineEntry, WorkOrder, WorkOrderTask
from ticketing.proof.verdict import Proof
from ticketing.report_schemas import ReportOut
from ticketing.reports import Known, OwnerReport
from ticketing.tasks import TaskAction
from ticketing.videos import is_video


class WorkOrderLineOut(Schema):
    """An order as lists show it. `title` by language; times UTC."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ORDER_LINE]})

    id: UUID
    site_id: UUID
    number: str
    kind: Annotated[str, Field(description="code of the kind, see `GET /order-kinds`")]
    category: Category
    channel: Channel
    state: OrderState
    stage: Annotated[str | None, Field(description="where it stands in its flow, if that is not called like the state")]
    priority: int
    title: dict[str, str]
    place: str
    building_id: UUID | None
    space_id: UUID | None
    equipment_id: UUID | None
    equipment_code: str | None
    fault_mode: str | None
    assignee_id: UUID | None
    assignee_name: str | None
    reports: int
    is_life_safety: bool
    is_repeat: bool
    is_overdue: bool
    proof: Annotated[Proof | None, Field(description="what telemetry says of the work; null: it was not asked")]
    root_id: Annotated[UUID | None, Field(description="the order whose trouble explains this one")]
    opened_at: datetime
    response_due_at: datetime
    resolution_due_at: datetime
    promised_at: datetime
    version: int

    @classmethod
    def of(cls, line: OrderLine) -> "WorkOrderLineOut":
        return cls.model_validate(_line_values(line))


class ActionOut(Schema):
    """What the caller may do now, what that is called (by language) and the fields it wants."""

    action: str
    name: dict[str, str]
    required: list[str]

    @classmethod
    def of(cls, possible: PossibleAction) -> "ActionOut":
        return cls(action=possible.row.action, name=possible.name, required=list(possible.row.required))


class TaskOut(Schema):
    """A parallel task. `facts` is what is needed to do it: the number to call, the elevator's rescue code."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.TASK]})

    id: UUID
    kind: TaskKind
    state: TaskState
    is_required: bool
    assignee_id: UUID | None
    assignee_name: str | None = None
    facts: dict[str, Any]
    created_at: datetime
    due_at: datetime
    met_at: datetime | None
    ended_at: datetime | None
    escalated_at: datetime | None
    outcome: str | None
    note: str | None
    actions: Annotated[list[TaskAction], Field(default_factory=list)]

    @classmethod
    def of(cls, task: WorkOrderTask, page: OrderPage) -> "TaskOut":
        shown = cls.model_validate(task)
        shown.assignee_name = page.names.get(task.assignee_id) if task.assignee_id else None
        shown.actions = list(page.task_actions.get(task.id, ()))
        return shown


class TimelineOut(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [examples.TIMELINE]})

    position: int
    at: datetime
    what: Entry
    actor_id: UUID | None
    actor_name: str | None = None
    why: str | None
    before: dict[str, Any]
    after: dict[str, Any]

    @classmethod
    def of(cls, entry: TimelineEntry, page: OrderPage) -> "TimelineOut":
        shown = cls.model_validate(entry)
        shown.actor_name = page.names.get(entry.actor_id) if entry.actor_id else None
        return shown


class ReasonOut(Schema):
    """A part of a score: `ticketing.dispatch.<factor>` explains it."""

    factor: str
    points: int
    count: int


class OfferOut(Schema):
    """Whom the order was offered to, why, and what became of it."""

    person_id: UUID
    person_name: str | None = None
    chosen_by: UUID | None
    mode: DispatchMode
    score: int | None
    reasons: list[ReasonOut]
    offered_at: datetime
    outcome: OfferOutcome | None
    ended_at: datetime | None

    @classmethod
    def of(cls, offer: DispatchOffer, page: OrderPage) -> "OfferOut":
        shown = cls.model_validate(offer)
        shown.person_name = page.names.get(offer.person_id)
        return shown


class OrderContractorOut(Schema):
    """Who maintains the order's equipment: the number to call day and night, and whom to ask for."""

    id: UUID
    name: str
    hotline: str | None
    contacts: list[str]

    @classmethod
    def of(cls, view: ContractorView) -> "OrderContractorOut":
        contacts = [f"{one.name} {one.title} {masked(one.phone)}" for one in view.contacts]
        return cls(id=view.id, name=view.name, hotline=view.hotline, contacts=contacts)


class OrderAlarmOut(Schema):
    """An episode of an alarm behind the order."""

    alarm_id: UUID
    fault_mode: str
    onset_at: datetime
    acknowledged_at: datetime | None
    returned_at: datetime | None


class WorkOrderOut(WorkOrderLineOut):
    """An order with everything on it."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ORDER]})

    repeat_of: Annotated[str | None, Field(description="number of the earlier order about the same thing")]
    dispatched_at: datetime | None
    responded_at: datetime | None
    arrived_at: datetime | None
    answer_due_at: datetime | None
    held_since: datetime | None
    hold_until: datetime | None
    done_at: datetime | None
    proof_due_at: datetime | None
    verified_at: datetime | None
    settled_at: datetime | None
    closing_code: ClosingCode | None
    closing_note: str | None
    found_mode: Annotated[str | None, Field(description="the fault mode that it was, as found")]
    cause: str | None
    remedy: str | None
    proof_facts: Annotated[dict[str, Any], Field(description="the last verdict; charts are at …/proofs")]
    family: FamilyOut
    fire_outcome: FireOutcome | None
    outage_confirmed_at: datetime | None
    kind_version: int
    kind_name: dict[str, str]
    stage_name: Annotated[dict[str, str], Field(description="by language")]
    topic: str | None
    form: Annotated[dict[str, Any], Field(description="what was filled in and the caller may see")]
    appointment_at: datetime | None
    admitted_at: datetime | None
    facts: Annotated[dict[str, Any], Field(description="the equipment's latest values when the order opened")]
    actions: list[ActionOut]
    tasks: list[TaskOut]
    timeline: list[TimelineOut]
    report_list: list[ReportOut]
    offers: list[OfferOut]
    contractor: OrderContractorOut | None
    photos: list[PhotoOut]
    videos: list[VideoOut]
    alarms: list[OrderAlarmOut]

    @classmethod
    def of_page(cls, page: OrderPage) -> "WorkOrderOut":
        order = page.line.order
        own = {name: getattr(order, name) for name in cls.model_fields if hasattr(order, name)}
        values = own | _line_values(page.line) | {
            "repeat_of": page.repeat_of,
            "kind_name": page.kind.names,
            "stage_name": page.stage_name,
            "form": page.form,
            "actions": [ActionOut.of(possible) for possible in page.actions],
            "tasks": [TaskOut.of(task, page) for task in page.tasks],
            "timeline": [TimelineOut.of(entry, page) for entry in page.timeline],
            "report_list": [ReportOut.of(report, page) for report in page.reports],
            "offers": [OfferOut.of(offer, page) for offer in page.offers],
            "contractor": OrderContractorOut.of(page.contractor) if page.contractor else None,
            "photos": [PhotoOut.of(kept) for kept in page.photos if not is_video(kept.media_type)],
            "videos": [VideoOut.of(kept) for kept in page.photos if is_video(kept.media_type)],
            "family": FamilyOut.of(page.family),
            "alarms": [OrderAlarmOut.model_validate(link) for link in page.alarms],
        }  # fmt: skip
        return cls.model_validate(values)


class CountsOut(Schema):
    """How the desk stands. Every state is there, zero included."""

    by_state: dict[OrderState, int]
    overdue: int
    urgent: int

    @classmethod
    def of(cls, counted: OrderCounts) -> "CountsOut":
        return cls(
            by_state={state: counted.by_state.get(state, 0) for state in OrderState},
            overdue=counted.overdue,
            urgent=counted.urgent,
        )


class CreatedOut(Schema):
    """What became of what was entered. `joined`: it was known already, and this was added to it."""

    work_order_id: UUID
    report_id: UUID
    number: str
    joined: bool
    promised_at: datetime


class SuggestionOut(Schema):
    """Somebody on shift: a score with its reasons, or why they were left out."""

    person_id: UUID
    name: str
    open_orders: int
    score: int | None
    reasons: list[ReasonOut]
    refusal: str | None

    @classmethod
    def of_ranking(cls, ranking: Ranking) -> "list[SuggestionOut]":
        fit = [
            cls(
                person_id=one.bidder.person_id, name=one.bidder.name, open_orders=one.bidder.open_orders,
                score=one.score, reasons=[ReasonOut.model_validate(reason) for reason in one.reasons], refusal=None,
            )
            for one in ranking.scored
        ]  # fmt: skip
        unfit = [
            cls(
                person_id=bidder.person_id, name=bidder.name, open_orders=bidder.open_orders, score=None, reasons=[],
                refusal=why.value,
            )
            for bidder, why in ranking.refused
        ]  # fmt: skip
        return fit + unfit


class PhoneOut(Schema):
    phone: str | None


class OwnerReportOut(Schema):
    """All that a reporter sees of what became of their report."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "report_id": "0198b5a0-0000-7000-8000-000000000001",
                    "number": "WO-20261122-0007",
                    "category": "elevator",
                    "place": "3栋2单元",
                    "state": "assigned",
                    "engineer": "张工",
                    "promised_at": "2026-11-22T02:42:00Z",
                    "known": "sensor",
                    "created_at": "2026-11-22T02:12:00Z",
                }
            ]
        }
    )

    report_id: UUID
    number: str
    category: Category
    place: str
    state: OwnerState
    engineer: str | None
    promised_at: datetime
    known: Known
    created_at: datetime

    @classmethod
    def of(cls, report: OwnerReport) -> "OwnerReportOut":
        return cls.model_validate({name: getattr(report, name) for name in cls.model_fields})


def _line_values(line: OrderLine) -> dict[str, Any]:
    order: WorkOrder = line.order
    own = {name: getattr(order, name) for name in WorkOrderLineOut.model_fields if hasattr(order, name)}
    return own | {
        "assignee_name": line.assignee_name,
        "reports": line.reports,
        "is_repeat": order.repeat_of_id is not None,
        "root_id": order.parent_id,
        "is_overdue": line.is_overdue,
    }
