"""Tables of contractors. A company that works at two sites stands there twice: contacts and people are a site's own."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id
from kit.versions import Versioned


class Contractor(Versioned, Base):
    """A company. `hotline` is answered day and night; `is_active` False: it works here no more, its contracts rest."""

    __tablename__ = "contractor"
    __table_args__ = (UniqueConstraint("site_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    name: Mapped[str]
    license_no: Mapped[str | None]
    hotline: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ContractorContact(Base):
    """Whom to call there, in this order."""

    __tablename__ = "contractor_contact"
    __table_args__ = (UniqueConstraint("contractor_id", "position"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    contractor_id: Mapped[UUID] = mapped_column(ForeignKey("contractor.id", ondelete="CASCADE"))
    position: Mapped[int]
    name: Mapped[str]
    title: Mapped[str] = mapped_column(server_default="")
    phone: Mapped[str]


class ContractorPerson(Base):
    """Who works for whom: at a site for one contractor at most."""

    __tablename__ = "contractor_person"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    contractor_id: Mapped[UUID] = mapped_column(ForeignKey("contractor.id", ondelete="CASCADE"), index=True)


class MaintenanceContract(Versioned, Base):
    """One equipment, maintained from a day to a day (both included; no last day: until further notice).

    Nobody maintains what another maintains at the same time: the database refuses it. `arrival_min`: within how many
    minutes they promise to be on site.
    """

    __tablename__ = "maintenance_contract"
    __table_args__ = (
        CheckConstraint("ends_on IS NULL OR starts_on <= ends_on", name="order"),
        CheckConstraint("arrival_min > 0", name="arrival_min"),
        Index(None, "contractor_id"),
        ExcludeConstraint(
            ("equipment_id", "="),
            (func.daterange(text("starts_on"), text("ends_on"), text("'[]'::text")), "&&"),
            using="gist",
            name="ex_maintenance_contract_overlap",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    contractor_id: Mapped[UUID] = mapped_column(ForeignKey("contractor.id"))
    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id", ondelete="CASCADE"))
    number: Mapped[str] = mapped_column(server_default="")
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    arrival_min: Mapped[float]
