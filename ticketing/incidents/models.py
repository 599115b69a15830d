"""Tables of what belongs together."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class OrderMerge(Base):
    """One order put into another by hand: what moved with it, so that it can be taken apart again.

    `moved`: ids of reports, followers and subjects of a complaint (person ids), and alarms as [id, onset].
    """

    __tablename__ = "work_order_merge"
    __table_args__ = (
        Index("uq_work_order_merge_standing", "source_id", unique=True, postgresql_where=text("undone_at IS NULL")),
        Index(None, "target_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    source_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"))
    target_id: Mapped[UUID] = mapped_column(ForeignKey("work_order.id"))
    moved: Mapped[dict[str, Any]]
    merged_at: Mapped[datetime]
    merged_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
