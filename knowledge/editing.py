"""What authors do: write, publish, withdraw, keep the category tree."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.ids import new_id
from kit.sweeps import Sweep
from knowledge import repository
from knowledge.errors import (
    ArticleNotFound,
    ArticleSiteUnknown,
    CategoryCycle,
    CategoryExists,
    CategoryInUse,
    CategoryNotFound,
    CompanyArticle,
    NothingToPublish,
    NotPublished,
    StaleArticle,
)
from knowledge.models import KnowledgeArticle, KnowledgeCategory, KnowledgeVersion
from knowledge.views import Draft
from knowledge.wording import WORDING, grams

ROWS_A_SWEEP = 200


class KnowledgeEditor:
    """`scope`s are the sites where the author may write; articles of the company want all of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def sweeps(self) -> tuple[Sweep, ...]:
        return (Sweep("knowledge.refresh", "*/10 * * * *", self.refresh),)

    # --- articles --------------------------------------------------------------------------------------------------

    async def add(
        self, session: AsyncSession, scope: Scope, draft: Draft, *, author: UUID | None, key: str | None = None
    ) -> UUID:
        """A draft that only staff see. `key`: a name by which shipped articles are known again.

        Raises CategoryNotFound, CompanyArticle, ArticleSiteUnknown.
        """
        self._check_site(scope, draft.site_id)
        await repository.lock_categories(session)
        await self._category(session, draft.category_id)
        now = self._clock.now()
        row = KnowledgeArticle(
            id=new_id(), key=key, site_id=draft.site_id, category_id=draft.category_id, audience=draft.audience.value,
            version=1, published_version=None, published_at=None, grams=[], wording=WORDING, created_at=now,
            updated_at=now, updated_by=author,
        )  # fmt: skip
        session.add(row)
        await session.flush()
        session.add(self._version(row, draft, author))
        await session.flush()
        return row.id

    async def edit(
        self, session: AsyncSession, scope: Scope, article_id: UUID, draft: Draft, *, version: int, author: UUID
    ) -> None:
        """A new version; readers keep the published one, where and for whom it is, until this one is published.

        Raises ArticleNotFound, StaleArticle, CategoryNotFound, CompanyArticle, ArticleSiteUnknown.
        """
        self._check_site(scope, draft.site_id)
        await repository.lock_categories(session)
        await self._category(session, draft.category_id)
        row = await self._held(session, scope, article_id, version=version)
        row.version += 1
        row.updated_at, row.updated_by = self._clock.now(), author
        saved = self._version(row, draft, author)
        session.add(saved)
        if row.published_version is None:
            _place(row, saved)
        await session.flush()

    async def publish(
        self, session: AsyncSession, scope: Scope, article_id: UUID, *, version: int, author: UUID | None
    ) -> None:
        """The newest version is what readers find from now on, where and for whom it says.

        Raises ArticleNotFound, StaleArticle, NothingToPublish, CompanyArticle, ArticleSiteUnknown.
        """
        row = await self._held(session, scope, article_id, version=version)
        if row.published_version == row.version:
            raise NothingToPublish(row.version)
        newest = await repository.version(session, row.id, row.version)
        self._check_site(scope, newest.site_id)
        _place(row, newest)
        now = self._clock.now()
        row.published_version, row.published_at = row.version, now
        row.updated_at, row.updated_by = now, author
        await self._take_grams(session, row)

    async def withdraw(
        self, session: AsyncSession, scope: Scope, article_id: UUID, *, version: int, author: UUID
    ) -> None:
        """Nobody finds it any more; its versions stay. Raises ArticleNotFound, StaleArticle, NotPublished."""
        row = await self._held(session, scope, article_id, version=version)
        if row.published_version is None:
            raise NotPublished(article_id)
        row.published_version = row.published_at = None
        _place(row, await repository.version(session, row.id, row.version))
        row.updated_at, row.updated_by = self._clock.now(), author

    async def refresh(self, session: AsyncSession) -> None:
        """Reads articles anew that were published under another table of words: a release may bring a better one."""
        for row in await repository.outdated(session, wording=WORDING, limit=ROWS_A_SWEEP):
            await self._take_grams(session, row)

    # --- categories ------------------------------------------------------------------------------------------------

    async def add_category(
        self, session: AsyncSession, scope: Scope, *, code: str, names: Mapping[str, str], parent_id: UUID | None,
        position: int,
    ) -> UUID:  # fmt: skip
        """The tree is the company's. Raises CompanyArticle, CategoryExists, CategoryNotFound (the parent)."""
        self._check_site(scope, None)
        await repository.lock_categories(session)
        if await repository.category_by_code(session, code) is not None:
            raise CategoryExists(code)
        if parent_id is not None:
            await self._category(session, parent_id)
        row = KnowledgeCategory(id=new_id(), code=code, names=dict(names), parent_id=parent_id, position=position)
        session.add(row)
        await session.flush()
        return row.id

    async def change_category(
        self, session: AsyncSession, scope: Scope, category_id: UUID, *, names: Mapping[str, str],
        parent_id: UUID | None, position: int,
    ) -> None:  # fmt: skip
        """Raises CompanyArticle, CategoryNotFound, CategoryCycle."""
        self._check_site(scope, None)
        await repository.lock_categories(session)
        row = await self._category(session, category_id)
        above = parent_id
        while above is not None:
            if above == category_id:
                raise CategoryCycle(category_id)
            above = (await self._category(session, above)).parent_id
        row.names, row.parent_id, row.position = dict(names), parent_id, position
        await session.flush()

    async def remove_category(self, session: AsyncSession, scope: Scope, category_id: UUID) -> None:
        """Raises CompanyArticle, CategoryNotFound, CategoryInUse."""
        self._check_site(scope, None)
        await repository.lock_categories(session)
        row = await self._category(session, category_id)
        articles, branches = await repository.hanging_on(session, category_id)
        if articles or branches:
            raise CategoryInUse(articles=articles, branches=branches)
        await session.delete(row)
        await session.flush()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _version(self, row: KnowledgeArticle, draft: Draft, author: UUID | None) -> KnowledgeVersion:
        return KnowledgeVersion(
            article_id=row.id, version=row.version, site_id=draft.site_id, category_id=draft.category_id,
            audience=draft.audience.value, titles=dict(draft.titles), bodies=dict(draft.bodies),
            asked=list(draft.asked), note=draft.note, saved_at=self._clock.now(), saved_by=author,
        )  # fmt: skip

    async def _take_grams(self, session: AsyncSession, row: KnowledgeArticle) -> None:
        assert row.published_version is not None
        shown = await repository.version(session, row.id, row.published_version)
        words = [*shown.titles.values(), *shown.bodies.values(), *shown.asked]
        row.grams, row.wording = sorted(frozenset().union(*map(grams, words))), WORDING
        await session.flush()

    async def _held(self, session: AsyncSession, scope: Scope, article_id: UUID, *, version: int) -> KnowledgeArticle:
        """The article, its row held, as the author last saw it."""
        row = await repository.lock_article(session, repository.readable(scope, is_staff=True), article_id)
        if row is None:
            raise ArticleNotFound(article_id)
        self._check_site(scope, row.site_id)
        if row.version != version:
            raise StaleArticle(given_version=version, version=row.version)
        return row

    def _check_site(self, scope: Scope, site_id: UUID | None) -> None:
        if site_id is None and scope != Scope.everywhere():
            raise CompanyArticle
        if site_id is not None and not scope.allows(site_id):
            raise ArticleSiteUnknown(site_id)

    async def _category(self, session: AsyncSession, category_id: UUID) -> KnowledgeCategory:
        row = await repository.category(session, category_id)
        if row is None:
            raise CategoryNotFound(category_id)
        return row


def _place(row: KnowledgeArticle, version: KnowledgeVersion) -> None:
    """Puts the article where this version of it belongs."""
    row.site_id, row.category_id, row.audience = version.site_id, version.category_id, version.audience
