"""Tables of linkage."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id
from kit.versions import Versioned


class LinkagePoint(Versioned, Base):
    """A point that actions may switch, and between which values: what is not listed is never switched.

    `needs_two`: two persons confirm each time. `timeout_s`: how long its read-back may take.
    """

    __tablename__ = "linkage_point"
    __table_args__ = (UniqueConstraint("equipment_id", "point_key"), CheckConstraint("low <= high", name="range"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id", ondelete="CASCADE"))
    point_key: Mapped[str]
    low: Mapped[float]
    high: Mapped[float]
    needs_two: Mapped[bool]
    timeout_s: Mapped[float]
    created_at: Mapped[datetime]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class LinkageRule(Versioned, Base):
    """On which alarms what is done. `condition` and `actions` as in `linkage.rule`. New ones are off."""

    __tablename__ = "linkage_rule"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    name: Mapped[str]
    is_enabled: Mapped[bool]
    condition: Mapped[dict[str, Any]]
    actions: Mapped[list[Any]]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    changed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class LinkageRun(Base):
    """One action set off by one alarm, at most once an episode; and what came of it.

    `reason`: why it was not done (a Hindrance). `detail`: what the adapter said. `confirmed_by`, `seconded_by`: who let
    it be done, where two had to.
    """

    __tablename__ = "linkage_run"
    __table_args__ = (
        UniqueConstraint("rule_id", "alarm_id", "onset_at", "number"),
        Index("ix_linkage_run_open", "expires_at", postgresql_where=text("ended_at IS NULL")),
        Index(None, "site_id", "created_at"),
        Index(None, "equipment_id", "point_key", "started_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    rule_id: Mapped[UUID] = mapped_column(ForeignKey("linkage_rule.id"))
    rule_version: Mapped[int]
    alarm_id: Mapped[UUID]
    onset_at: Mapped[datetime]
    number: Mapped[int]
    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id", ondelete="CASCADE"))
    point_key: Mapped[str]
    value: Mapped[float]
    needs_two: Mapped[bool]
    state: Mapped[str]
    reason: Mapped[str | None]
    detail: Mapped[str] = mapped_column(server_default="")
    read_back: Mapped[float | None]
    confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    confirmed_at: Mapped[datetime | None]
    seconded_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    rejected_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
