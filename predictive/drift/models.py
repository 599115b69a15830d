"""Tables of drift."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class DriftSubject(Base):
    """Equipment of one shape at a site, and what its days are made of.

    `features`: of each day, in order. Days before `days_until` are gathered; `judged_on`: the last day judged.
    """

    __tablename__ = "drift_subject"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    features: Mapped[list[Any]]
    days_until: Mapped[date]
    judged_on: Mapped[date | None]


class EquipmentDay(Base):
    """A local day of an equipment: one value for each feature of its subject, null where too little was read.

    `mode`: the wear that was named on the morning after, if any was. `is_judged`: whether it was looked at then.
    """

    __tablename__ = "equipment_day"
    __table_args__ = (Index(None, "site_id", "subject", "day"),)

    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    subject: Mapped[str]
    features: Mapped[list[Any]]
    mode: Mapped[str | None]
    is_judged: Mapped[bool]
