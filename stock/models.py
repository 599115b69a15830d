"""Tables of the stock room."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id

QUANTITY = Numeric(14, 3)
MONEY = Numeric(14, 2)
COST = Numeric(14, 4)


class Storehouse(Base):
    """A place of a site where parts lie. `keeper_id`: who enters what comes in, and is told what runs low."""

    __tablename__ = "storehouse"
    __table_args__ = (UniqueConstraint("site_id", "code"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str]
    name: Mapped[str]
    keeper_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class Part(Base):
    """A kind of thing that is put in: a tap, a belt, a lamp. `unit` is what it is counted in."""

    __tablename__ = "part"
    __table_args__ = (UniqueConstraint("site_id", "code"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str]
    name: Mapped[str]
    model: Mapped[str] = mapped_column(server_default="")
    unit: Mapped[str]


class StockLevel(Base):
    """How many of a part lie in a storehouse. The ledger's sum, kept beside it so that its lock and its constraints
    decide races: never below zero, and never more reserved than is there."""

    __tablename__ = "stock_level"
    __table_args__ = (
        CheckConstraint("on_hand >= 0", name="on_hand"),
        CheckConstraint("reserved >= 0 AND reserved <= on_hand", name="reserved"),
        CheckConstraint("value >= 0", name="value"),
        CheckConstraint("minimum >= 0", name="minimum"),
        Index(None, "site_id"),
    )

    storehouse_id: Mapped[UUID] = mapped_column(ForeignKey("storehouse.id"), primary_key=True)
    part_id: Mapped[UUID] = mapped_column(ForeignKey("part.id"), primary_key=True, index=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    on_hand: Mapped[Decimal] = mapped_column(QUANTITY, default=Decimal(0), server_default=text("0"))
    reserved: Mapped[Decimal] = mapped_column(QUANTITY, default=Decimal(0), server_default=text("0"))
    value: Mapped[Decimal] = mapped_column(MONEY, default=Decimal(0), server_default=text("0"))
    average_cost: Mapped[Decimal] = mapped_column(COST, default=Decimal(0), server_default=text("0"))
    minimum: Mapped[Decimal] = mapped_column(QUANTITY, default=Decimal(0), server_default=text("0"))


class StockMovement(Base):
    """One line of the ledger; a trigger refuses to change or delete it. `…_change` is what it added, `…_after` what
    then lay there. `work_order_id` has no foreign key: this room knows no orders."""

    __tablename__ = "stock_movement"
    __table_args__ = (
        Index(None, "storehouse_id", "part_id", "id"),
        Index(None, "site_id", "id"),
        Index("ix_stock_movement_work_order", "work_order_id", postgresql_where=text("work_order_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    storehouse_id: Mapped[UUID] = mapped_column(ForeignKey("storehouse.id"))
    part_id: Mapped[UUID] = mapped_column(ForeignKey("part.id"))
    kind: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(QUANTITY)
    on_hand_change: Mapped[Decimal] = mapped_column(QUANTITY)
    reserved_change: Mapped[Decimal] = mapped_column(QUANTITY)
    value_change: Mapped[Decimal] = mapped_column(MONEY)
    on_hand_after: Mapped[Decimal] = mapped_column(QUANTITY)
    reserved_after: Mapped[Decimal] = mapped_column(QUANTITY)
    average_cost_after: Mapped[Decimal] = mapped_column(COST)
    work_order_id: Mapped[UUID | None]
    moved_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    note: Mapped[str] = mapped_column(server_default="")
