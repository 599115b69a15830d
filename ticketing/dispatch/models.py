"""Tables of dispatch: orders that wait to be taken, and plans for many orders at once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class DispatchWait(Base):
    """An order that nobody was asked for by name: it stands in the grab pool, or the desk is to give it out.

    `person_ids`: who might take it when it began, and was told. At most one wait of an order is open; `outcome` None
    until it ends.
    """

    __tablename__ = "dispatch_wait"
    __table_args__ = (
        Index("uq_dispatch_wait_open", "work_order_id", unique=True, postgresql_where=text("outcome IS NULL")),
        Index("ix_dispatch_wait_due", "ends_at", postgresql_where=text("outcome IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"), index=True)
    round: Mapped[int]
    mode: Mapped[str]
    person_ids: Mapped[list[str]]
    began_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    outcome: Mapped[str | None]
    ended_at: Mapped[datetime | None]


class DispatchPlan(Base):
    """A plan that was proposed: `orders` were looked at, with `people` to give them to."""

    __tablename__ = "dispatch_plan"
    __table_args__ = (Index(None, "site_id", "made_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    made_at: Mapped[datetime]
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    orders: Mapped[int]
    people: Mapped[int]


class DispatchPlanItem(Base):
    """An order that the plan gives to somebody else. `version` is that of the order when it was planned: only then is
    it applied. `outcome` None until somebody applied it or found it changed."""

    __tablename__ = "dispatch_plan_item"

    plan_id: Mapped[UUID] = mapped_column(ForeignKey("dispatch_plan.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"))
    version: Mapped[int]
    before_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    score: Mapped[int | None]
    reasons: Mapped[list[Any]]
    outcome: Mapped[str | None]
