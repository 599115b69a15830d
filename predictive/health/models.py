"""Tables of health."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class EquipmentEvidence(Base):
    """What detectors said of an equipment in a quarter of a day, added up as it comes (`tally.EvidenceSum`); kept for
    days only. `weights`: excess by point key."""

    __tablename__ = "equipment_evidence"
    __table_args__ = (Index(None, "site_id", "since_at"),)

    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"), primary_key=True)
    since_at: Mapped[datetime] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    rows: Mapped[int]
    excess: Mapped[float]
    highest: Mapped[float]
    above: Mapped[int]
    weights: Mapped[dict[str, Any]]


class EquipmentHealth(Base):
    """An equipment on a day of its site. `health` None: `state` (a HealthState) says why. `parts` and `points` are what
    it is made of, the heaviest first; `comparison`: its leading point beside its like at the same load."""

    __tablename__ = "equipment_health"
    __table_args__ = (
        Index(None, "site_id", "day", "health"),
        CheckConstraint("health BETWEEN 0 AND 100", name="health"),
    )

    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    reckoned_at: Mapped[datetime]
    state: Mapped[str]
    days_known: Mapped[float]
    days_needed: Mapped[float]
    health: Mapped[float | None]
    percentile: Mapped[float | None]
    peers: Mapped[int]
    parts: Mapped[list[Any]]
    points: Mapped[list[Any]]
    comparison: Mapped[dict[str, Any] | None]
