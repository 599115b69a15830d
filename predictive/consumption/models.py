"""Tables of consumption."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class MeterForecast(Base):
    """The last forecast of a meter. `state` is a MeterState; without a forecast `first_day` and `forecast` are None.

    `forecast` is what `schemas.ForecastDays` reads, `used` what it rests on, `suspicions` what the count may be a sign
    of. `last_day`: the last day that was looked at.
    """

    __tablename__ = "meter_forecast"
    __table_args__ = (Index(None, "site_id"),)

    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    point_key: Mapped[str]
    unit: Mapped[str]
    state: Mapped[str]
    days_known: Mapped[int]
    days_needed: Mapped[int]
    last_day: Mapped[date]
    reckoned_at: Mapped[datetime]
    first_day: Mapped[date | None]
    forecast: Mapped[dict[str, Any] | None]
    used: Mapped[dict[str, Any]]
    suspicions: Mapped[list[Any]]


class ConsumptionRun(Base):
    """That the meters of a site were looked at after a day was over, and how far it is. `failed`: meters left out."""

    __tablename__ = "consumption_run"
    __table_args__ = (CheckConstraint("done <= meters", name="done"),)

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    meters: Mapped[int]
    done: Mapped[int]
    failed: Mapped[int]
