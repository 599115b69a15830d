"""Tables of telling about alarms: policies, destinations, cases (one escalation each), decisions, deliveries."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id
from kit.versions import Versioned


class AlertPolicy(Base):
    """One version of a site's policy; the highest is in force. Rows are never changed: going back writes a new one."""

    __tablename__ = "alert_policy"
    __table_args__ = (UniqueConstraint("site_id", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    version: Mapped[int]
    document: Mapped[dict[str, Any]]
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str]
    restores: Mapped[int | None]
    created_at: Mapped[datetime]


class AlertDestination(Versioned, Base):
    """Where a site's alarms are told besides people: a group's robot, a mailbox, a webhook, a topic."""

    __tablename__ = "alert_destination"
    __table_args__ = (UniqueConstraint("site_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    name: Mapped[str]
    kind: Mapped[str]
    address: Mapped[str]
    language: Mapped[str]
    is_enabled: Mapped[bool]
    created_at: Mapped[datetime]


class AlertCase(Base):
    """The telling of one episode at one severity, or of one growth of a group. `route` is the snapshot it follows.

    `subject` names the thing, so that an event heard twice begins nothing twice. `told`: how many tellings were made.
    `next_at`: when the next is due; None when it has ended.
    """

    __tablename__ = "alert_case"
    __table_args__ = (
        UniqueConstraint("subject"),
        Index("ix_alert_case_due", "next_at", postgresql_where=text("next_at IS NOT NULL")),
        Index("ix_alert_case_alarm", "alarm_id", "begun_at"),
        Index("ix_alert_case_group", "group_id", postgresql_where=text("group_id IS NOT NULL")),
        Index(None, "site_id", "begun_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    subject: Mapped[str]
    alarm_id: Mapped[UUID | None] = mapped_column(ForeignKey("alarm.id"))
    group_id: Mapped[UUID | None]
    telling: Mapped[int]
    about: Mapped[dict[str, Any]]
    severity: Mapped[str]
    life_safety: Mapped[bool]
    is_work: Mapped[bool]
    policy_version: Mapped[int]
    route: Mapped[dict[str, Any] | None]
    told: Mapped[int]
    begun_at: Mapped[datetime]
    first_told_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str] = mapped_column(default="")


class AlertDecision(Base):
    """One decision of a case and the facts it was made on. `key`: of the notification or delivery it led to."""

    __tablename__ = "alert_decision"
    __table_args__ = (
        Index(None, "case_id", "no"),
        Index("ix_alert_decision_person", "person_id", "at", postgresql_where=text("person_id IS NOT NULL")),
        Index(None, "site_id", "at"),
    )

    no: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    case_id: Mapped[UUID] = mapped_column(ForeignKey("alert_case.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    reason: Mapped[str]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    destination_id: Mapped[UUID | None]
    key: Mapped[str]
    facts: Mapped[dict[str, Any]]


class AlertDelivery(Base):
    """One message to one destination. Unique (key, destination): told once, however often it is asked for."""

    __tablename__ = "alert_delivery"
    __table_args__ = (
        UniqueConstraint("key", "destination_id"),
        Index("ix_alert_delivery_waiting", "due_at", postgresql_where=text("state = 'queued'")),
        Index("ix_alert_delivery_sending", "claimed_at", postgresql_where=text("state = 'sending'")),
        Index(None, "destination_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    destination_id: Mapped[UUID] = mapped_column(ForeignKey("alert_destination.id"))
    key: Mapped[str]
    message: Mapped[dict[str, Any]]
    urgency: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    deferred_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    provider_id: Mapped[str] = mapped_column(default="")
    error_code: Mapped[str] = mapped_column(default="")
    error_detail: Mapped[str] = mapped_column(default="")
