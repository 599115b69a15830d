"""Tables of what owners say of the work."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class OwnerVerdict(Base):
    """Whether one reporter finds the work good, asked once each time it is said to be done: of each order that their
    report has been in.

    `remind_at` and `silent_at` are snapshots of the site's policy. `satisfaction` 1 … 5: how a complaint was answered.
    """

    __tablename__ = "owner_verdict"
    __table_args__ = (
        UniqueConstraint("report_id", "work_order_id", "attempt"),
        CheckConstraint("satisfaction BETWEEN 1 AND 5", name="satisfaction"),
        Index(
            "ix_owner_verdict_remind",
            "remind_at",
            postgresql_where=text("outcome IS NULL AND reminded_at IS NULL"),
        ),
        Index("ix_owner_verdict_silent", "silent_at", postgresql_where=text("outcome IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"), index=True)
    report_id: Mapped[UUID] = mapped_column(ForeignKey("report.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    attempt: Mapped[int]
    asked_at: Mapped[datetime]
    remind_at: Mapped[datetime]
    silent_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    satisfaction: Mapped[int | None]
    words: Mapped[str | None]
    answered_at: Mapped[datetime | None]


class OrderRating(Base):
    """One reporter's marks for one attempt. `assignee_id`: who did that work, whoever has the order now."""

    __tablename__ = "order_rating"
    __table_args__ = (
        UniqueConstraint("report_id", "work_order_id", "attempt"),
        CheckConstraint("speed BETWEEN 1 AND 5", name="speed"),
        CheckConstraint("attitude BETWEEN 1 AND 5", name="attitude"),
        CheckConstraint("quality BETWEEN 1 AND 5", name="quality"),
        Index(None, "site_id", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"), index=True)
    report_id: Mapped[UUID] = mapped_column(ForeignKey("report.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    attempt: Mapped[int]
    speed: Mapped[int]
    attitude: Mapped[int]
    quality: Mapped[int]
    words: Mapped[str | None]
    at: Mapped[datetime]
    return_visit_id: Mapped[UUID | None] = mapped_column(ForeignKey("work_order.id"))


class OrderUrge(Base):
    """An owner asked to hurry (催单)."""

    __tablename__ = "order_urge"
    __table_args__ = (Index(None, "report_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"), index=True)
    report_id: Mapped[UUID] = mapped_column(ForeignKey("report.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]


class ComplaintSubject(Base):
    """Whom a complaint is about: they neither get nor see the order."""

    __tablename__ = "complaint_subject"

    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True, index=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    named_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
