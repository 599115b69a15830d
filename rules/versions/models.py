"""The table of what rules said, say, and may come to say."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id
from kit.versions import Versioned


class VersionState(StrEnum):
    """OFFERED: what a release brings for a rule that a person edited; theirs stays until they take it."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    IN_FORCE = "in_force"
    PAST = "past"
    OFFERED = "offered"
    DISCARDED = "discarded"


class RuleVersionRow(Versioned, Base):
    """A text of the rule `rule_key`, `number` counting from 1. It stays when the rule is removed: alarms name it.

    `version` is the lock of who edits the row. `author_id` None: it came with a release. `based_on` is the number that
    was in force when it was written or scheduled, `restores` the one whose text it brings back. `activate_at` is when
    it shall come into force; `refusal` why it did not: `{"code", "message": {"zh-CN", "en"}}`.
    """

    __tablename__ = "rule_version"
    __table_args__ = (
        UniqueConstraint("rule_key", "number"),
        Index("ix_rule_version_in_force", "rule_key", unique=True, postgresql_where=text("state = 'in_force'")),
        Index("ix_rule_version_scheduled", "rule_key", unique=True, postgresql_where=text("state = 'scheduled'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    rule_key: Mapped[str]
    number: Mapped[int]
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"))
    definition: Mapped[dict[str, Any]]
    state: Mapped[str]
    reason: Mapped[str]
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    based_on: Mapped[int | None]
    restores: Mapped[int | None]
    activate_at: Mapped[datetime | None]
    activated_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    in_force_from: Mapped[datetime | None]
    in_force_until: Mapped[datetime | None]
    # A column of JSONB would keep the value null where nothing is meant.
    refusal: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
