"""Tables of what orders are like: kinds and flows, each version of a document as it was saved. Never updated."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class OrderKindVersion(Base):
    """A kind of order. The highest version holds for new orders; an open one keeps its own."""

    __tablename__ = "order_kind_version"

    code: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]
    saved_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class FlowVersion(Base):
    """A flow: states and transitions of orders. The highest version holds for new orders."""

    __tablename__ = "flow_version"

    code: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]
    saved_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
