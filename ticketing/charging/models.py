"""Tables of who pays: warranties, price lists, quotations, charges."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id

MONEY = Numeric(12, 2)


class WarrantyTerm(Base):
    """What somebody warrants for: of one equipment, of one building, or of the whole site. `ended_at`: entered by
    mistake, or given up; it decides nothing any more."""

    __tablename__ = "warranty_term"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="forwards"),
        Index(None, "site_id", "ends_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    building_id: Mapped[UUID | None] = mapped_column(ForeignKey("building.id"))
    equipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("equipment.id"))
    part: Mapped[str]
    provider: Mapped[str]
    starts_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date] = mapped_column(Date)
    note: Mapped[str] = mapped_column(server_default="")
    entered_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    entered_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PriceListVersion(Base):
    """A published price list. Never changed: another price is another version. `site_id` None: the company's, for
    every site that has none of its own."""

    __tablename__ = "price_list_version"
    __table_args__ = (UniqueConstraint("site_id", "version", postgresql_nulls_not_distinct=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"))
    version: Mapped[int]
    effective_from: Mapped[date] = mapped_column(Date)
    items: Mapped[list[Any]]
    saved_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    saved_at: Mapped[datetime]


class Quotation(Base):
    """What work would cost a private person. `items` as they were shown; `expires_on` is the last day they hold, in
    the site's time. `payer_id`: who is asked,
    None where only the door knows them."""

    __tablename__ = "quotation"
    __table_args__ = (
        UniqueConstraint("work_order_id", "number"),
        Index("uq_quotation_asked", "work_order_id", unique=True, postgresql_where=text("state = 'asked'")),
        Index("ix_quotation_payer", "payer_id", postgresql_where=text("payer_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"))
    number: Mapped[int]
    state: Mapped[str]
    payer: Mapped[str]
    payer_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    items: Mapped[list[Any]]
    total: Mapped[Decimal] = mapped_column(MONEY)
    price_list_id: Mapped[UUID | None] = mapped_column(ForeignKey("price_list_version.id"))
    why_asked: Mapped[list[str]]
    note: Mapped[str] = mapped_column(server_default="")
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    decided_how: Mapped[str | None]
    decided_why: Mapped[str | None]
    signature_id: Mapped[UUID | None] = mapped_column(ForeignKey("attachment.id"))


class Charge(Base):
    """What is to be billed later: agreed by the payer (a quotation), or the cost of work that somebody else bears.
    Nothing is paid here."""

    __tablename__ = "charge"
    __table_args__ = (
        UniqueConstraint("quotation_id"),
        Index(
            "uq_charge_of_cost", "work_order_id", "payer", unique=True,
            postgresql_where=text("quotation_id IS NULL AND state <> 'void'"),
        ),
        Index(None, "site_id", "state", "written_at"),
        CheckConstraint("amount >= 0", name="amount"),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"), index=True)
    quotation_id: Mapped[UUID | None] = mapped_column(ForeignKey("quotation.id"))
    payer: Mapped[str]
    payer_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    space_id: Mapped[UUID | None] = mapped_column(ForeignKey("space.id"))
    amount: Mapped[Decimal] = mapped_column(MONEY)
    state: Mapped[str]
    written_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
