"""Tables of models in the line."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class EquipmentWatch(Base):
    """How it stands with the models of one equipment. See `predictive.streaming.watch`.

    `days` of `days_needed` are learnt; `since`: when it was repaired, where it is learnt anew; `reason`: why its model
    failed. `score`: how unusual it is now, 1 = the models' own threshold.
    """

    __tablename__ = "equipment_watch"
    __table_args__ = (Index(None, "site_id", "state"), CheckConstraint("days >= 0", name="days"))

    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id", ondelete="CASCADE"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    state: Mapped[str]
    days: Mapped[float] = mapped_column(Double)
    days_needed: Mapped[float] = mapped_column(Double)
    since: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    score: Mapped[float] = mapped_column(Double)
    model_id: Mapped[UUID | None]
    reason: Mapped[str | None]
    changed_at: Mapped[datetime]


class StreamCheckpoint(Base):
    """Where the line has got to with some equipment of a partition, and what its detectors remember: arrays, never
    unpickled. `model_ids` are in the order of `equipment_ids`, empty where nothing was learnt yet."""

    __tablename__ = "stream_checkpoint"
    __table_args__ = (Index(None, "partition"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    partition: Mapped[int]
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    subject: Mapped[str]
    next_ms: Mapped[int] = mapped_column(BigInteger)
    is_shadow: Mapped[bool]
    equipment_ids: Mapped[list[str]]
    model_ids: Mapped[list[str]]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    saved_at: Mapped[datetime]
