"""Tables of replays of rules."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class ReplayState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


IS_UNDER_WAY = "state IN ('waiting', 'running')"


class RuleReplay(Base):
    """A rule over stored history, as a person asked for it; nobody else sees it.

    `site_ids` are the sites whose equipment it covers, None for all: those the person answered for when they asked.
    `progress` goes from 0 to 1. `failure` is the code of what went wrong.
    """

    __tablename__ = "rule_replay"
    __table_args__ = (
        Index("uq_rule_replay_under_way", "person_id", unique=True, postgresql_where=text(IS_UNDER_WAY)),
        Index(None, "person_id", "asked_at"),
        CheckConstraint("since < until", name="span"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    site_ids: Mapped[list[str] | None]
    rule_key: Mapped[str]
    definition: Mapped[dict[str, Any]]
    since: Mapped[datetime]
    until: Mapped[datetime]
    tolerance_h: Mapped[float] = mapped_column(Double)
    state: Mapped[str]
    progress: Mapped[float] = mapped_column(Double)
    cancelling: Mapped[bool]
    asked_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    answer: Mapped[dict[str, Any] | None]
    failure: Mapped[str | None]
