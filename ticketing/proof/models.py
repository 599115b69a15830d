"""Tables of proof."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class OrderProof(Base):
    """A verdict of telemetry on one attempt of an order, with how the points went. Never deleted.

    `began_at`: when the work was said to be done; `in_band_since` only of what is verified, `doubt` only of what is
    unproved. `chart` holds `ChartLine`s; None until the store has been asked, which no verdict waits for. Apart from
    the order, because lists of orders carry no charts.
    """

    __tablename__ = "work_order_proof"
    __table_args__ = (Index(None, "work_order_id", "decided_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"))
    attempt: Mapped[int]
    verdict: Mapped[str]
    doubt: Mapped[str | None]
    began_at: Mapped[datetime]
    in_band_since: Mapped[datetime | None]
    decided_at: Mapped[datetime]
    chart: Mapped[list[Any] | None]
