"""Tables of rules, and how far each partition has been judged."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class RuleRow(Base):
    """A rule as written. `definition` is the `rules.schemas.RuleDefinition` of it.

    `number` is that of the text (`rules.versions`); `version` grows with every change, also where only `enabled` does.
    `author_id` None: as shipped; a later release may update it. `offered` is the number of what a release brought since
    a person changed the rule.
    """

    __tablename__ = "rule"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(unique=True)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"), index=True)
    definition: Mapped[dict[str, Any]]
    enabled: Mapped[bool]
    version: Mapped[int]
    number: Mapped[int]
    offered: Mapped[int | None]
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class RuleBookRow(Base):
    """One row: its revision grows with every change of any rule, in the same transaction. Judges watch it."""

    __tablename__ = "rule_book"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(BigInteger)


class JudgePosition(Base):
    """The bus sequence up to which a line of a partition was judged, and when that was written."""

    __tablename__ = "judge_position"

    partition: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    life_safety: Mapped[bool] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
