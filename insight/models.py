"""Tables of the insight room."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Date, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class SiteDigest(Base):
    """The digest that a site's managers got on a local day: once, however many processes look."""

    __tablename__ = "site_digest"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    sent_at: Mapped[datetime]
    told: Mapped[int]
    facts: Mapped[dict[str, Any]]
