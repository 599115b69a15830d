"""Tables of the work itself."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class ChecklistVersion(Base):
    """A checklist as it was saved, never changed. `equipment_kind` "" is for any equipment; the one of the very kind
    comes before it. The highest version holds for new orders; an open one keeps its own."""

    __tablename__ = "checklist_version"

    code: Mapped[str] = mapped_column(primary_key=True)
    equipment_kind: Mapped[str] = mapped_column(primary_key=True, server_default="")
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    saved_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    saved_at: Mapped[datetime]


class OrderChecklist(Base):
    """Which checklist an order has, as it held when the order opened."""

    __tablename__ = "order_checklist"

    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str]
    equipment_kind: Mapped[str]
    version: Mapped[int]


class ChecklistAnswer(Base):
    """What was found at one item. A reopened order is checked anew (`attempt`)."""

    __tablename__ = "checklist_answer"

    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    outcome: Mapped[str]
    measure: Mapped[Decimal | None] = mapped_column(Numeric(16, 4))
    note: Mapped[str | None]
    photo_id: Mapped[UUID | None] = mapped_column(ForeignKey("attachment.id"))
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[datetime]


class LabourEntry(Base):
    """Somebody's time on an order: from–to, or minutes that were only told. Without `ended_at` and minutes it runs."""

    __tablename__ = "labour_entry"
    __table_args__ = (
        Index(
            "uq_labour_entry_running", "work_order_id", "person_id", unique=True,
            postgresql_where=text("ended_at IS NULL AND minutes IS NULL"),
        ),
        Index(None, "work_order_id"),
        CheckConstraint("ended_at IS NULL OR ended_at >= started_at", name="forwards"),
        CheckConstraint("started_at IS NOT NULL OR minutes IS NOT NULL", name="said"),
        CheckConstraint("minutes >= 0", name="minutes"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    minutes: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    source: Mapped[str]
    note: Mapped[str] = mapped_column(server_default="")
    entered_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    entered_at: Mapped[datetime]


class Helper(Base):
    """Another technician who joined. The order stays its assignee's."""

    __tablename__ = "work_order_helper"
    __table_args__ = (Index("ix_work_order_helper_person", "person_id", postgresql_where=text("left_at IS NULL")),)

    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    asked_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    since: Mapped[datetime]
    left_at: Mapped[datetime | None]


class CheckIn(Base):
    """Somebody came. Coordinates only where the person was on shift; `place_kept` says what became of them."""

    __tablename__ = "check_in"
    __table_args__ = (Index(None, "work_order_id"), Index(None, "at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    how: Mapped[str]
    place_kept: Mapped[str]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    accuracy_m: Mapped[float | None]


class ContractorLink(Base):
    """A link that opens one order for one contractor without a log-in, until it ends or is taken back."""

    __tablename__ = "contractor_link"
    __table_args__ = (Index(None, "work_order_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
