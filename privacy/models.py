"""Tables of consents, and of requests about one's data. A person is one for all sites, and so are these."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class Consent(Base):
    """That somebody agreed to a version of a purpose's text; withdrawn it stays, with when and how."""

    __tablename__ = "consent"
    __table_args__ = (
        Index("uq_consent_given", "person_id", "purpose", unique=True, postgresql_where=text("withdrawn_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    purpose: Mapped[str]
    version: Mapped[int]
    given_at: Mapped[datetime]
    channel: Mapped[str]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_channel: Mapped[str | None]


class PersonalDataRequest(Base):
    """Who asked for somebody's data, or for its end, and what came of it: numbers of rows, never values."""

    __tablename__ = "personal_data_request"
    __table_args__ = (Index(None, "person_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    asked_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str]
    at: Mapped[datetime]
    rows: Mapped[dict[str, Any]]
