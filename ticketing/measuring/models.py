"""Tables of measures. Triggers on work orders, their timelines and ratings enter what has to be measured anew."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, Double, ForeignKey, Identity, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class OrderMeasure(Base):
    """An order as figures see it. Right unless the order is due (`MeasureDue`): then it is measured when asked for.

    Seconds from opening, holds left out of `resolution_s`; stars 1 to 5. `…_in_time` None: it has not happened yet (or
    nobody promised it); `…_missed_at`: when it will have been missed if it still has not, None where it cannot be any
    more. `mended`: done with something to mend; `failed`: what was mended was an equipment.
    """

    __tablename__ = "order_measure"
    __table_args__ = (Index(None, "site_id", "opened_at"), Index(None, "opened_at"))

    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id", ondelete="CASCADE"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    opened_at: Mapped[datetime]
    building_id: Mapped[UUID | None]
    equipment_id: Mapped[UUID | None]
    assignee_id: Mapped[UUID | None]
    priority: Mapped[int]
    is_over: Mapped[bool]
    is_done: Mapped[bool]
    answered_in_time: Mapped[bool | None]
    arrived_in_time: Mapped[bool | None]
    done_in_time: Mapped[bool | None]
    is_mended: Mapped[bool]
    is_fixed_at_once: Mapped[bool]
    is_failure: Mapped[bool]
    is_repeat: Mapped[bool]
    answer_missed_at: Mapped[datetime | None]
    arrival_missed_at: Mapped[datetime | None]
    end_missed_at: Mapped[datetime | None]
    response_s: Mapped[float | None] = mapped_column(Double)
    resolution_s: Mapped[float | None] = mapped_column(Double)
    held_s: Mapped[float] = mapped_column(Double)
    stars: Mapped[float | None] = mapped_column(Double)
    cost: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    kind: Mapped[str]
    category: Mapped[str]
    left_out: Mapped[str | None]
    equipment_kind: Mapped[str | None]
    equipment_code: Mapped[str | None]


class MeasureDue(Base):
    """An order changed and waits to be measured anew. Entered by triggers, in the transaction that changed it; only
    ever added to and taken from, so that nobody waits for anybody."""

    __tablename__ = "order_measure_due"

    no: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    site_id: Mapped[UUID]
    work_order_id: Mapped[UUID]
