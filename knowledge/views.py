"""What the knowledge base tells other rooms and its own endpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.access import Scope
from kit.i18n import Language
from knowledge.kinds import Audience, Shelf

SUMMARY_LETTERS = 80


@dataclass(frozen=True)
class Reader:
    """Who asks. `scope`: an owner's sites, or those where staff hold a role. `person_id` None: not known to us."""

    person_id: UUID | None
    scope: Scope
    is_staff: bool


@dataclass(frozen=True)
class Draft:
    """What an author writes. `titles` and `bodies` by language code, Chinese always; `asked`: other ways of asking."""

    category_id: UUID
    site_id: UUID | None
    audience: Audience
    titles: Mapping[str, str]
    bodies: Mapping[str, str]
    asked: Sequence[str] = ()
    note: str = ""


@dataclass(frozen=True)
class VersionView:
    version: int
    site_id: UUID | None
    category_id: UUID
    audience: Audience
    titles: Mapping[str, str]
    bodies: Mapping[str, str]
    asked: Sequence[str]
    note: str
    saved_at: datetime
    saved_by: UUID | None


@dataclass(frozen=True)
class ArticleView:
    """An article as its reader may see it: owners the published version, staff the newest, where it is or will be.

    `my_vote`: whether it helped the reader, None while they have not said.
    """

    id: UUID
    site_id: UUID | None
    category_id: UUID
    audience: Audience
    shelf: Shelf
    shown: VersionView
    published_version: int | None
    published_at: datetime | None
    helpful: int
    unhelpful: int
    my_vote: bool | None = None

    def title(self, language: Language) -> str:
        return in_language(self.shown.titles, language)

    def body(self, language: Language) -> str:
        return in_language(self.shown.bodies, language)

    def summary(self, language: Language) -> str:
        """The beginning of the body, on one line."""
        line = " ".join(self.body(language).split())
        return line if len(line) <= SUMMARY_LETTERS else line[: SUMMARY_LETTERS - 1] + "…"


@dataclass(frozen=True)
class Found:
    """An article that may answer, and how well (0 … 1)."""

    article: ArticleView
    score: float


@dataclass(frozen=True)
class CategoryView:
    id: UUID
    parent_id: UUID | None
    code: str
    names: Mapping[str, str]
    position: int
    articles: int


def in_language(words: Mapping[str, str], language: Language) -> str:
    """What is not there in the reader's language is shown in Chinese."""
    return words.get(language.value) or words[Language.ZH.value]
