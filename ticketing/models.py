"""Tables of the ticketing room."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, Date, ForeignKey, Index, Numeric, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id
from ticketing.kinds import Procedure

# Queries say these in the very words of the indexes below, else PostgreSQL does not see that they are the same.
STILL_OPEN = "state NOT IN ('verified', 'closed', 'cancelled')"
COMMON_KIND = "repair"
RARE_KIND = f"kind <> '{COMMON_KIND}'"
# Hardly an order is due so long after it was opened: the few that are have indexes of their own.
LONG_D = 6
LONG_UNTIL = {due: f"{due} - opened_at > interval '{LONG_D} days'" for due in ("response_due_at", "resolution_due_at")}
UNPROVED = "proof = 'unproved'"
EMPTY = text("'{}'")
# What a search looks at.
SEARCHED = (
    "lower(number || ' ' || place || ' ' || coalesce(equipment_code, '') || ' ' || coalesce(title ->> 'zh-CN', ''))"
)
# Each letter of it and each two in a row, an array. Trigrams would not do: most Chinese words have two letters.
GRAMS = "letters_and_pairs(searched)"
_FILTERED = ("site_id", "state", "priority", "kind")
_LINE_FACTS = (
    "site_id", "state", "priority", "kind", "building_id", "assignee_id", "equipment_id", "repeat_of_id", "number",
    "response_due_at", "resolution_due_at", "responded_at", "done_at", "held_since", "arrival_due_at", "arrived_at",
    "searched",
)  # fmt: skip


class WorkOrder(Base):
    """A piece of work. `version` grows with every change that makes an older look at it stale; `entries` counts its
    timeline, `attempt` how often it was begun (reopening begins it anew).

    Times of policy are snapshotted when the order opens (`response_min` … `proof_window_min`): a
    changed setting does not rewrite open orders. `title` has both languages. `facts` is the equipment's state as it
    was when the order opened.

    `kind` and `flow` are codes of documents (`ticketing.definitions`), with the version that holds for this order;
    `procedure` is what the kind means to code, `topic` the leaf of the kind's category tree that `category` was read
    from, `form` what was filled in. `stage` is where the order stands in its flow, None where that is called like the
    `state` it maps onto.
    """

    __tablename__ = "work_order"
    __table_args__ = (
        UniqueConstraint("site_id", "number"),
        Index(None, "site_id", "state", "priority"),
        Index(None, "site_id", "opened_at", "id", postgresql_include=_FILTERED[1:]),
        CheckConstraint("priority BETWEEN 1 AND 4", name="priority"),
        # The desk's day: open orders under any filter and sort, answered from the index alone.
        Index(
            "ix_work_order_open", "opened_at", "id", postgresql_where=text(STILL_OPEN), postgresql_include=_LINE_FACTS
        ),
        # All orders ever, by what a list sorts and narrows by. A number and a time that is due follow the time of
        # opening so closely that they need none of their own.
        Index(None, "opened_at", "id"),
        Index(None, "priority", "opened_at", "id"),
        Index(None, "state", "opened_at", "id"),
        Index(None, "state", "priority", "opened_at", "id"),
        *(Index(f"ix_work_order_long_{due}", due, postgresql_where=text(long)) for due, long in LONG_UNTIL.items()),
        Index(None, "building_id", "opened_at"),
        Index(
            "ix_work_order_repeat",
            "opened_at",
            "id",
            postgresql_where=text("repeat_of_id IS NOT NULL"),
            postgresql_include=_FILTERED,
        ),
        Index(
            "ix_work_order_rare_kind",
            "kind",
            "opened_at",
            "id",
            postgresql_where=text(RARE_KIND),
            postgresql_include=_FILTERED[:3],
        ),
        # Whom dispatch weighs: what people have in hand, and where they last arrived.
        Index("ix_work_order_in_hand", "assignee_id", postgresql_where=text(STILL_OPEN)),
        Index("ix_work_order_arrival", "assignee_id", "arrived_at", postgresql_where=text("arrived_at IS NOT NULL")),
        Index("ix_work_order_grams", text(GRAMS), postgresql_using="gin"),
        # What the sweeps look for, small however many orders a site has had.
        Index("ix_work_order_answer_due", "answer_due_at", postgresql_where=text("answer_due_at IS NOT NULL")),
        Index("ix_work_order_proof_due", "proof_due_at", postgresql_where=text("proof_due_at IS NOT NULL")),
        Index("ix_work_order_parent", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index("ix_work_order_merged_into", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
        Index("ix_work_order_unproved", "opened_at", "id", postgresql_where=text(UNPROVED)),
        Index("ix_work_order_repeated", "repeat_of_id", postgresql_where=text("repeat_of_id IS NOT NULL")),
        Index("ix_work_order_sla_next", "sla_next_at", postgresql_where=text("sla_next_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    number: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    kind_version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    procedure: Mapped[str] = mapped_column(default="repair", server_default=text("'repair'"))
    category: Mapped[str]
    topic: Mapped[str | None]
    channel: Mapped[str]
    state: Mapped[str]
    flow: Mapped[str] = mapped_column(default="repair", server_default=text("'repair'"))
    flow_version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    stage: Mapped[str | None]
    form: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    priority: Mapped[int]
    title: Mapped[dict[str, Any]]
    place: Mapped[str]
    building_id: Mapped[UUID | None] = mapped_column(ForeignKey("building.id"))
    space_id: Mapped[UUID | None] = mapped_column(ForeignKey("space.id"))
    equipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("equipment.id"), index=True)
    equipment_code: Mapped[str | None]
    equipment_kind: Mapped[str | None]
    fault_mode: Mapped[str | None]
    opened_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    contractor_id: Mapped[UUID | None] = mapped_column(ForeignKey("contractor.id"))
    repeat_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("work_order.id"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("work_order.id"))
    duplicate_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("work_order.id"))
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("work_order.id"))
    version: Mapped[int] = mapped_column(default=1)
    entries: Mapped[int] = mapped_column(default=0)
    attempt: Mapped[int] = mapped_column(default=1)

    opened_at: Mapped[datetime]
    admitted_at: Mapped[datetime | None]
    appointment_at: Mapped[datetime | None]
    response_due_at: Mapped[datetime]
    arrival_due_at: Mapped[datetime | None]
    resolution_due_at: Mapped[datetime]
    promised_at: Mapped[datetime]
    response_min: Mapped[float]
    arrival_min: Mapped[float | None]
    resolution_min: Mapped[float]
    sla: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    sla_steps: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    sla_next_at: Mapped[datetime | None]
    answer_min: Mapped[float]
    proof_window_min: Mapped[float]
    proof_in_band_min: Mapped[float] = mapped_column(default=5, server_default=text("5"))
    answer_due_at: Mapped[datetime | None]
    dispatch_round: Mapped[int] = mapped_column(default=1)
    dispatched_at: Mapped[datetime | None]
    responded_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    held_since: Mapped[datetime | None]
    hold_until: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    proof_due_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    response_escalated_at: Mapped[datetime | None]
    arrival_escalated_at: Mapped[datetime | None]
    resolution_escalated_at: Mapped[datetime | None]
    urged_at: Mapped[datetime | None]
    urges: Mapped[int] = mapped_column(default=0, server_default=text("0"))

    payer: Mapped[str | None]
    payer_facts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    cost: Mapped[Decimal] = mapped_column(Numeric(12, 2), default=Decimal(0), server_default=text("0"))
    proof: Mapped[str | None]
    proof_facts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    closing_code: Mapped[str | None]
    closing_note: Mapped[str | None]
    found_mode: Mapped[str | None]
    cause: Mapped[str | None]
    remedy: Mapped[str | None]
    fire_outcome: Mapped[str | None]
    outage_confirmed_at: Mapped[datetime | None]
    outage_confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    inhibition_id: Mapped[UUID | None]
    muted: Mapped[str | None]
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    # Narrows lists and is never shown.
    searched: Mapped[str] = mapped_column(Computed(SEARCHED, persisted=True), deferred=True, deferred_raiseload=True)

    @property
    def at_stage(self) -> str:
        """Where it stands in its flow."""
        return self.stage or self.state

    @property
    def is_life_safety(self) -> bool:
        return Procedure(self.procedure).is_life_safety


class Incident(Base):
    """What one or more orders are about. The partial unique index is what makes two reports one order."""

    __tablename__ = "incident"
    __table_args__ = (
        Index("uq_incident_open", "site_id", "key", unique=True, postgresql_where=text("closed_at IS NULL")),
        Index("ix_incident_subject", "site_id", "subject", postgresql_where=text("closed_at IS NULL")),
        Index(None, "site_id", "key", "opened_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"), unique=True)
    subject: Mapped[str]
    nature: Mapped[str]
    key: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class Report(Base):
    """What one person said: a private child of the order. `source_ref` names the message it came in, once a site.

    `is_anonymous`: only managers see who said it. `withdrawn_at`: the reporter took it back. `form` is what they filled
    in, of the `kind` and its version that they meant, and `appointment_at` when somebody may come: theirs also where
    the order they joined is of another kind and has another appointment.
    """

    __tablename__ = "report"
    __table_args__ = (UniqueConstraint("site_id", "source_ref"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"), index=True)
    reporter_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    taken_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    channel: Mapped[str]
    category: Mapped[str]
    fault_mode: Mapped[str | None]
    text: Mapped[str]
    contact_name: Mapped[str | None]
    contact_phone: Mapped[str | None]
    space_id: Mapped[UUID | None] = mapped_column(ForeignKey("space.id"))
    place: Mapped[str]
    joined: Mapped[bool]
    kind: Mapped[str | None]
    kind_version: Mapped[int | None]
    form: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=EMPTY)
    appointment_at: Mapped[datetime | None]
    is_anonymous: Mapped[bool] = mapped_column(default=False, server_default=false())
    withdrawn_at: Mapped[datetime | None]
    source_ref: Mapped[str | None]
    created_at: Mapped[datetime]


class Follower(Base):
    """Who is told how an order goes on. Followers never see each other."""

    __tablename__ = "follower"

    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    report_id: Mapped[UUID | None] = mapped_column(ForeignKey("report.id"))
    since: Mapped[datetime]


class WorkOrderAlarm(Base):
    """An episode of an alarm behind an order. It belongs to one order, so that a repeated event changes nothing; an
    alarm that came back is another episode, maybe of another order. `told_with`: the group of alarms that it was told
    with, or the alarm that explains it; None: it was told by itself."""

    __tablename__ = "work_order_alarm"

    alarm_id: Mapped[UUID] = mapped_column(ForeignKey("alarm.id"), primary_key=True)
    onset_at: Mapped[datetime] = mapped_column(primary_key=True)
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"), index=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    fault_mode: Mapped[str]
    joined_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]
    told_with: Mapped[UUID | None]


class WorkOrderTask(Base):
    """A parallel step with a person and a time of its own. `met_at` stops its clock."""

    __tablename__ = "work_order_task"
    __table_args__ = (
        UniqueConstraint("work_order_id", "attempt", "kind"),
        Index(
            "ix_work_order_task_due",
            "due_at",
            postgresql_where=text("met_at IS NULL AND ended_at IS NULL AND escalated_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"))
    attempt: Mapped[int]
    kind: Mapped[str]
    state: Mapped[str]
    met_by: Mapped[str]
    is_required: Mapped[bool]
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    met_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    escalated_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    note: Mapped[str | None]


class DispatchOffer(Base):
    """Whom an order was offered to, why, and what became of it: the explanation shown on the order."""

    __tablename__ = "dispatch_offer"
    __table_args__ = (
        Index("uq_dispatch_offer_open", "work_order_id", unique=True, postgresql_where=text("outcome IS NULL")),
        Index(None, "site_id", "person_id", "offered_at"),
        Index(None, "person_id", "offered_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"), index=True)
    round: Mapped[int]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    chosen_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    mode: Mapped[str]
    score: Mapped[int | None]
    reasons: Mapped[list[Any]]
    offered_at: Mapped[datetime]
    outcome: Mapped[str | None]
    ended_at: Mapped[datetime | None]


class TimelineEntry(Base):
    """One change: who, when, why, before and after. Never updated, never deleted. Actor None: the hub itself.

    `version` is the order's after it: what a caller who saw an older one has missed.
    """

    __tablename__ = "work_order_timeline"
    __table_args__ = (UniqueConstraint("work_order_id", "position"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"))
    position: Mapped[int]
    version: Mapped[int | None]
    at: Mapped[datetime]
    what: Mapped[str]
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    why: Mapped[str | None]
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Attachment(Base):
    """A kept picture. `report_id` set: it is that reporter's own and as private as the report."""

    __tablename__ = "attachment"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"), index=True)
    report_id: Mapped[UUID | None] = mapped_column(ForeignKey("report.id"), index=True)
    added_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    added_at: Mapped[datetime]
    media_type: Mapped[str]
    size_bytes: Mapped[int]
    width_px: Mapped[int]
    height_px: Mapped[int]
    sha256: Mapped[str]
    source_ref: Mapped[str | None] = mapped_column(unique=True)
    purpose: Mapped[str] = mapped_column(default="work", server_default="work")
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))


class DayCounter(Base):
    """The last order number of a site's local day. Its row lock keeps numbers without gaps and without races."""

    __tablename__ = "work_order_day"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    last_no: Mapped[int]
