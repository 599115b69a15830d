"""The knowledge base on the wire."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from catalog.foreign_text import Name, Passage
from kit.http import Schema
from kit.i18n import Language
from knowledge.kinds import Audience, Shelf
from knowledge.views import ArticleView, CategoryView, Draft, Found, VersionView

MOST_WAYS_OF_ASKING = 30


def _with_chinese(words: dict[Language, str]) -> dict[Language, str]:
    if Language.ZH not in words:
        raise ValueError("zh-CN is required")
    return words


Names = Annotated[
    dict[Language, Name],
    AfterValidator(_with_chinese),
    Field(examples=[{"zh-CN": "水费缴纳方式", "en": "Paying for water"}]),
]
Bodies = Annotated[
    dict[Language, Passage],
    AfterValidator(_with_chinese),
    Field(examples=[{"zh-CN": "水费按月抄表，次月 10 日前……"}]),
]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,60}$")]


class ArticleIn(Schema):
    """What an author writes. `site_id` null: for the whole company. `asked`: other ways of asking for it."""

    category_id: UUID
    site_id: UUID | None = None
    audience: Audience = Audience.OWNERS
    titles: Names
    bodies: Bodies
    asked: list[Name] = Field(default=[], max_length=MOST_WAYS_OF_ASKING, examples=[["水费怎么交"]])
    note: Name | None = Field(None, description="why this version", examples=["新增微信缴费"])

    def draft(self) -> Draft:
        return Draft(
            category_id=self.category_id, site_id=self.site_id, audience=self.audience,
            titles=by_code(self.titles), bodies=by_code(self.bodies), asked=tuple(self.asked), note=self.note or "",
        )  # fmt: skip


class ArticleEditIn(ArticleIn):
    version: int = Field(ge=1, description="the version that was changed")


class VersionIn(Schema):
    version: int = Field(ge=1, description="the newest version the caller has seen", examples=[1])


class ArticleVoteIn(Schema):
    helpful: bool = Field(examples=[True])


class ArticleVersionOut(Schema):
    version: int
    site_id: UUID | None
    category_id: UUID
    audience: Audience
    titles: dict[str, str]
    bodies: dict[str, str]
    asked: list[str]
    note: str
    saved_at: datetime
    saved_by: UUID | None


class ArticleLineOut(Schema):
    """An article as lists and answers show it, in the caller's language. `score`: how well it answers, 0 … 1."""

    id: UUID
    category_id: UUID
    site_id: UUID | None
    audience: Audience
    shelf: Shelf
    title: str = Field(examples=["水费缴纳方式"])
    summary: str
    helpful: int
    unhelpful: int
    score: float | None = None

    @classmethod
    def of(cls, view: ArticleView, language: Language, *, score: float | None = None) -> Self:
        return cls(
            id=view.id, category_id=view.category_id, site_id=view.site_id, audience=view.audience, shelf=view.shelf,
            title=view.title(language), summary=view.summary(language), helpful=view.helpful,
            unhelpful=view.unhelpful, score=score,
        )  # fmt: skip

    @classmethod
    def of_found(cls, found: Found, language: Language) -> Self:
        return cls.of(found.article, language, score=found.score)


class ArticleOut(ArticleLineOut):
    """One article whole: in the caller's language, and as it was written."""

    body: str
    version: int
    published_version: int | None
    published_at: datetime | None
    my_vote: bool | None
    written: ArticleVersionOut

    @classmethod
    def whole(cls, view: ArticleView, language: Language) -> Self:
        line: dict[str, Any] = ArticleLineOut.of(view, language).model_dump()
        return cls(
            **line, body=view.body(language), version=view.shown.version, published_version=view.published_version,
            published_at=view.published_at, my_vote=view.my_vote, written=version_out(view.shown),
        )  # fmt: skip


class CategoryIn(Schema):
    names: Names
    parent_id: UUID | None = None
    position: int = Field(0, ge=0, le=10_000)


class NewCategoryIn(CategoryIn):
    code: Code = Field(examples=["fees"])


class CategoryOut(Schema):
    """A branch of the tree. `articles`: those on this branch itself that the caller may read."""

    id: UUID
    parent_id: UUID | None
    code: str
    names: dict[str, str]
    position: int
    articles: int

    @classmethod
    def of(cls, view: CategoryView) -> Self:
        return cls.model_validate(view)


def version_out(view: VersionView) -> ArticleVersionOut:
    return ArticleVersionOut.model_validate(view)


def by_code(words: dict[Language, str]) -> dict[str, str]:
    return {language.value: text for language, text in words.items()}
