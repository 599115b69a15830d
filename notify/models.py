"""The table of notifications: one row says that a person is told one thing by one channel."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class Notification(Base):
    """Unique (key, person, channel): who calls twice is told once.

    Addresses are looked up when sending, not kept here. `due_at`: not before. `deferred_at`: when a job was last
    asked to send it. `claimed_at`: since when an attempt is under way.
    """

    __tablename__ = "notification"
    __table_args__ = (
        UniqueConstraint("key", "person_id", "channel"),
        Index("ix_notification_waiting", "due_at", postgresql_where=text("state = 'queued'")),
        Index("ix_notification_sending", "claimed_at", postgresql_where=text("state = 'sending'")),
        Index("ix_notification_provider", "channel", "provider_id", postgresql_where=text("provider_id <> ''")),
        Index(None, "site_id", "created_at"),
        # text_pattern_ops serves "every key that begins with …" under any collation.
        Index("ix_notification_key", "key", postgresql_ops={"key": "text_pattern_ops"}),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    key: Mapped[str]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    channel: Mapped[str]
    template: Mapped[str]
    facts: Mapped[dict[str, Any]]
    urgency: Mapped[str]
    link: Mapped[str | None]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    deferred_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    provider_id: Mapped[str] = mapped_column(default="")
    error_code: Mapped[str] = mapped_column(default="")
    error_detail: Mapped[str] = mapped_column(default="")
