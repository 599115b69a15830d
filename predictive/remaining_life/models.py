"""Tables of remaining lives."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class RemainingLifeForecast(Base):
    """What an equipment had left by one mode of failure, as told on a day of its site; see `wear.ModeForecast`.

    Days are counted from `told_at`. `value`, `usual` and `level_at_failure` are in the unit of the point; of the mode
    that no point names, in thresholds of drift.
    """

    __tablename__ = "remaining_life_forecast"
    __table_args__ = (
        Index(None, "site_id", "day"),
        CheckConstraint("0 <= days_low AND days_low <= days_mid AND days_mid <= days_high", name="interval"),
        CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
    )

    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id", ondelete="CASCADE"), primary_key=True)
    mode: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    told_at: Mapped[datetime]
    point_key: Mapped[str | None]
    share: Mapped[float]
    days_low: Mapped[float]
    days_mid: Mapped[float]
    days_high: Mapped[float]
    confidence: Mapped[float]
    value: Mapped[float]
    usual: Mapped[float]
    level_at_failure: Mapped[float]
    speed_a_day: Mapped[float]
    since_at: Mapped[datetime]
    peers_low: Mapped[float | None]
    peers_high: Mapped[float | None]
