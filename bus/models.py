"""Who may write a partition's judgement."""

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class PartitionLeaseRow(Base):
    """`epoch` grows by one whenever a partition changes hands; writers with an older one are refused."""

    __tablename__ = "partition_lease"

    partition: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int]
    owner: Mapped[str]
    taken_at: Mapped[datetime] = mapped_column(server_default=func.now())
