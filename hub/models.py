"""Tables of the composition itself."""

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class DropTally(Base):
    """How often something was dropped within an hour, by counter, labels (JSON, keys sorted) and process."""

    __tablename__ = "drop_tally"
    __table_args__ = (Index("ix_drop_tally_hour", "hour"),)

    counter: Mapped[str] = mapped_column(primary_key=True)
    labels: Mapped[str] = mapped_column(primary_key=True)
    process: Mapped[str] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime]
