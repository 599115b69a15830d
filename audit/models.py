"""Tables of the audit room. Triggers refuse every change of `audit_record` and `audit_seal`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class AuditRecord(Base):
    """One deed. It names by ids only: what was written is in `audit_detail`, of which it holds salted digests.

    `touched`: ids of all rows that changed and of the path; `object_kind` and `object_id`: the one it is about.
    `also_at`: ids of further sites whose managers it concerns, as of a person who is known at several.
    Actor None: the hub itself, or nobody who logged in. No foreign keys: a record outlives what it speaks of.
    """

    __tablename__ = "audit_record"
    __table_args__ = (
        Index(None, "site_id", "at"),
        Index(None, "actor_id", "at"),
        Index(None, "at"),
        Index("ix_audit_record_touched", "touched", postgresql_using="gin"),
        Index("ix_audit_record_also_at", "also_at", postgresql_using="gin"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime]
    action: Mapped[str]
    actor_id: Mapped[UUID | None]
    roles: Mapped[list[str]]
    object_kind: Mapped[str | None]
    object_id: Mapped[str | None]
    touched: Mapped[list[str]]
    site_id: Mapped[UUID | None]
    also_at: Mapped[list[str]] = mapped_column(default=list, server_default=text("'[]'"))
    request_id: Mapped[str | None]
    origin_digest: Mapped[str]
    facts_digest: Mapped[str]


class AuditDetail(Base):
    """What a record's digests are of, as the very text they were made from. `origin`: from where; `facts`: before and
    after. Either is erased by setting it and its salt to null. `people`: whose personal values the facts hold."""

    __tablename__ = "audit_detail"
    __table_args__ = (
        Index("ix_audit_detail_people", "people", postgresql_using="gin"),
        Index("ix_audit_detail_unsealed", "record_id", postgresql_where=text("NOT is_sealed")),
    )

    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    origin: Mapped[str | None]
    origin_salt: Mapped[str | None]
    facts: Mapped[str | None]
    facts_salt: Mapped[str | None]
    people: Mapped[list[str]]
    is_sealed: Mapped[bool] = mapped_column(default=False)


class AuditSeal(Base):
    """A link of the chain: `digest` is made of the one before and of the record's own."""

    __tablename__ = "audit_seal"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    record_id: Mapped[UUID] = mapped_column(unique=True)
    record_digest: Mapped[str]
    digest: Mapped[str]
    sealed_at: Mapped[datetime]
