"""Tables of the knowledge base."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base
from kit.ids import new_id


class KnowledgeCategory(Base):
    """A branch of the category tree, the same for every site. `names` in both languages."""

    __tablename__ = "knowledge_category"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("knowledge_category.id"), index=True)
    code: Mapped[str] = mapped_column(unique=True)
    names: Mapped[dict[str, Any]]
    position: Mapped[int] = mapped_column(default=0)


class KnowledgeArticle(Base):
    """An article. `site_id` None: it holds for the whole company.

    `version` is the newest one saved, `published_version` the one that is read, None while nobody may. `grams` are what
    what the published one can be found by, by `wording` (knowledge.wording.WORDING). Site, category and audience are
    where readers find it: those of the published version, while there is none of the newest.
    """

    __tablename__ = "knowledge_article"
    __table_args__ = (
        Index(
            "ix_knowledge_article_grams",
            "grams",
            postgresql_using="gin",
            postgresql_where=text("published_version IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    key: Mapped[str | None] = mapped_column(unique=True)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"), index=True)
    category_id: Mapped[UUID] = mapped_column(ForeignKey("knowledge_category.id"), index=True)
    audience: Mapped[str]
    version: Mapped[int]
    published_version: Mapped[int | None]
    published_at: Mapped[datetime | None]
    grams: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    wording: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    updated_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class KnowledgeVersion(Base):
    """An article as it was saved once: never changed, never deleted. `asked`: other ways of asking for it.

    `category_id` may be of a category that is gone: an old version keeps no category in use.
    """

    __tablename__ = "knowledge_version"

    article_id: Mapped[UUID] = mapped_column(ForeignKey("knowledge_article.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"))
    category_id: Mapped[UUID]
    audience: Mapped[str]
    titles: Mapped[dict[str, Any]]
    bodies: Mapped[dict[str, Any]]
    asked: Mapped[list[str]]
    note: Mapped[str]
    saved_at: Mapped[datetime]
    saved_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


class KnowledgeVote(Base):
    """Whether an article helped somebody: one vote a person, the latest counts. `version` is what they had read."""

    __tablename__ = "knowledge_vote"
    __table_args__ = (
        ForeignKeyConstraint(
            ["article_id", "version"], ["knowledge_version.article_id", "knowledge_version.version"],
            name="fk_knowledge_vote_version",
        ),
    )  # fmt: skip

    article_id: Mapped[UUID] = mapped_column(ForeignKey("knowledge_article.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True, index=True)
    version: Mapped[int]
    is_helpful: Mapped[bool]
    at: Mapped[datetime]
