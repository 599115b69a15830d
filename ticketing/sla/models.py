"""Tables of service levels. Rows without a site are the company's and hold at every site.

Orders carry a picture of what held when they opened: nothing here is asked again for an open order.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class ServicePolicy(Base):
    """What is said for a site, kind, priority and maintenance contract; what is null fits everything.

    `says` has some of `levels.LEVEL_FIELDS` in their JSON form.
    """

    __tablename__ = "service_policy"
    __table_args__ = (
        UniqueConstraint(
            "site_id",
            "kind",
            "priority",
            "contract_no",
            name="uq_service_policy_for",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("priority BETWEEN 1 AND 4", name="priority"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str | None]
    priority: Mapped[int | None]
    contract_no: Mapped[str | None]
    name: Mapped[str]
    says: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    changed_at: Mapped[datetime]
    changed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class BusinessWeek(Base):
    """Usual hours, Monday first, as spans of minutes of the local day."""

    __tablename__ = "business_week"
    __table_args__ = (
        UniqueConstraint("site_id", name="uq_business_week_site_id", postgresql_nulls_not_distinct=True),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"))
    hours: Mapped[list[Any]]
    keeps_holidays: Mapped[bool]
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    changed_at: Mapped[datetime]
    changed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class BusinessDay(Base):
    """A day that is unlike its weekday, entered by hand. `hours` empty: closed; null: open as on a working day."""

    __tablename__ = "business_day"
    __table_args__ = (
        UniqueConstraint("site_id", "day", name="uq_business_day_site_id_day", postgresql_nulls_not_distinct=True),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"))
    day: Mapped[date]
    name: Mapped[str]
    hours: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    changed_at: Mapped[datetime]
    changed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class CalendarWarning(Base):
    """That a site's manager was told that the public holidays of a year are unknown: once."""

    __tablename__ = "calendar_warning"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    told_at: Mapped[datetime]


class CitySettings(Base):
    """What holds in a city (`site.city`) below the settings of its sites, under the same keys."""

    __tablename__ = "city_settings"

    city: Mapped[str] = mapped_column(primary_key=True)
    settings: Mapped[dict[str, Any]]
    changed_at: Mapped[datetime]
    changed_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
