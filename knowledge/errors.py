"""Refusals of the knowledge base. Their words are in `locales/`."""

from dataclasses import dataclass
from uuid import UUID

from kit.errors import DomainError, StaleEdit


@dataclass(eq=False)
class ArticleNotFound(DomainError):
    """No such article, or none that the caller may read."""

    article_id: UUID


@dataclass(eq=False)
class CategoryNotFound(DomainError):
    category_id: UUID


@dataclass(eq=False)
class CategoryExists(DomainError):
    category: str


@dataclass(eq=False)
class CategoryInUse(DomainError):
    """Articles or branches hang on it."""

    articles: int
    branches: int


@dataclass(eq=False)
class CategoryCycle(DomainError):
    """A category cannot hang below itself."""

    category_id: UUID


@dataclass(eq=False)
class StaleArticle(StaleEdit):
    """Somebody saved a newer version since the caller looked."""


@dataclass(eq=False)
class NothingToPublish(DomainError):
    """The newest version is the published one already."""

    version: int


@dataclass(eq=False)
class NotPublished(DomainError):
    """What nobody reads cannot be withdrawn, nor can it have helped."""

    article_id: UUID


@dataclass(eq=False)
class CompanyArticle(DomainError):
    """An article of the whole company is changed by those who hold their role at every site."""


@dataclass(eq=False)
class ArticleSiteUnknown(DomainError):
    """The site of an article is none of the caller's."""

    site_id: UUID
