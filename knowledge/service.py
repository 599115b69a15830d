"""What readers do: ask, read, say whether it helped. Authors' part is in `editing`."""

from collections import Counter as Tally
from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from knowledge import repository
from knowledge.errors import ArticleNotFound, NotPublished
from knowledge.kinds import Audience, shelf_of
from knowledge.models import KnowledgeArticle, KnowledgeVersion, KnowledgeVote
from knowledge.ranking import WORTH_OFFERING, Candidate, rank
from knowledge.repository import ArticleFilter
from knowledge.views import ArticleView, CategoryView, Found, Reader, VersionView
from knowledge.wording import LONGEST_QUESTION, grams

MOST_OFFERED = 3


class KnowledgeService:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    # --- asking ----------------------------------------------------------------------------------------------------

    async def search(self, session: AsyncSession, reader: Reader, question: str, *, limit: int) -> list[Found]:
        """Published articles that may answer, best first."""
        question = question[:LONGEST_QUESTION]
        asked = grams(question)
        if not asked:
            return []
        seen = _readable(reader)
        rows = await repository.with_grams(session, seen, asked)
        votes = await repository.votes(session, [article.id for article, _ in rows])
        # Every article that has a gram of the question is among the rows: they say how rare each of them is.
        frequency = Tally(gram for article, _ in rows for gram in article.grams)
        ranked = rank(
            question,
            [_candidate(article, version, votes.get(article.id, (0, 0))) for article, version in rows],
            frequency=frequency,
            articles=await repository.count_published(session, seen),
        )[:limit]
        by_id = {article.id: (article, version) for article, version in rows}
        return [
            Found(_view(*by_id[one.article_id], votes.get(one.article_id, (0, 0))), round(one.score, 3))
            for one in ranked
        ]

    async def answers(self, session: AsyncSession, reader: Reader, question: str) -> list[Found]:
        """What is worth offering to somebody before their question becomes a report; often nothing."""
        found = await self.search(session, reader, question, limit=MOST_OFFERED)
        return [one for one in found if one.score >= WORTH_OFFERING]

    # --- reading ---------------------------------------------------------------------------------------------------

    async def categories(self, session: AsyncSession, reader: Reader) -> list[CategoryView]:
        """The whole tree, parents by id, and how many articles the reader finds on each branch itself."""
        counts = await repository.counts_by_category(session, _readable(reader))
        return [
            CategoryView(row.id, row.parent_id, row.code, row.names, row.position, counts.get(row.id, 0))
            for row in await repository.categories(session)
        ]

    async def find(
        self, session: AsyncSession, reader: Reader, wanted: ArticleFilter, *, limit: int, offset: int
    ) -> tuple[list[ArticleView], int]:
        """One page, the latest changed first, and how many match. A category stands for its branches too."""
        if wanted.category_ids is not None:
            wanted = replace(wanted, category_ids=await self._with_branches(session, wanted.category_ids))
        rows, total = await repository.find(session, _readable(reader), wanted, limit=limit, offset=offset)
        return await self._views(session, reader, rows), total

    async def get(self, session: AsyncSession, reader: Reader, article_id: UUID) -> ArticleView:
        """Raises ArticleNotFound."""
        row = await repository.article(session, _readable(reader), article_id)
        if row is None:
            raise ArticleNotFound(article_id)
        (view,) = await self._views(session, reader, [row])
        if reader.person_id is None:
            return view
        return replace(view, my_vote=await repository.vote_of(session, article_id, reader.person_id))

    async def read_again(self, session: AsyncSession, reader: Reader, article_ids: Sequence[UUID]) -> list[ArticleView]:
        """Articles by id in that order; those no longer to be read are left out."""
        rows = await repository.articles(session, _readable(reader), article_ids)
        return await self._views(session, reader, [rows[one] for one in article_ids if one in rows])

    async def versions(self, session: AsyncSession, reader: Reader, article_id: UUID) -> list[VersionView]:
        """Every version ever saved, newest first. Raises ArticleNotFound."""
        assert reader.is_staff  # what was never published is not for owners
        if await repository.article(session, _readable(reader), article_id) is None:
            raise ArticleNotFound(article_id)
        return [version_view(row) for row in await repository.versions(session, article_id)]

    # --- helpfulness -----------------------------------------------------------------------------------------------

    async def vote(self, session: AsyncSession, reader: Reader, article_id: UUID, *, is_helpful: bool) -> ArticleView:
        """Counted once a person, the latest word. Raises ArticleNotFound, NotPublished."""
        assert reader.person_id is not None  # only who is known can be counted once
        row = await repository.article(session, _readable(reader), article_id)
        if row is None:
            raise ArticleNotFound(article_id)
        if row.published_version is None:
            raise NotPublished(article_id)
        said = KnowledgeVote(
            article_id=article_id, person_id=reader.person_id, version=row.published_version, is_helpful=is_helpful,
            at=self._clock.now(),
        )  # fmt: skip
        await repository.vote(session, said)
        return await self.get(session, reader, article_id)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _views(
        self, session: AsyncSession, reader: Reader, rows: Sequence[KnowledgeArticle]
    ) -> list[ArticleView]:
        article_ids = [row.id for row in rows]
        shown = await repository.shown_versions(session, article_ids, published=not reader.is_staff)
        votes = await repository.votes(session, article_ids)
        return [_view(row, shown[row.id], votes.get(row.id, (0, 0))) for row in rows]

    async def _with_branches(self, session: AsyncSession, wanted: Collection[UUID]) -> set[UUID]:
        tree = await repository.categories(session)
        found, grew = set(wanted), True
        while grew:
            below = {row.id for row in tree if row.parent_id in found} - found
            found |= below
            grew = bool(below)
        return found


def _readable(reader: Reader) -> ColumnElement[bool]:
    return repository.readable(reader.scope, is_staff=reader.is_staff)


def _candidate(row: KnowledgeArticle, version: KnowledgeVersion, votes: tuple[int, int]) -> Candidate:
    phrases = [*version.titles.values(), *version.asked]
    return Candidate(row.id, phrases, frozenset(row.grams), helpful=votes[0], unhelpful=votes[1])


def version_view(row: KnowledgeVersion) -> VersionView:
    return VersionView(
        row.version, row.site_id, row.category_id, Audience(row.audience), row.titles, row.bodies, row.asked, row.note,
        row.saved_at, row.saved_by,
    )  # fmt: skip


def _view(row: KnowledgeArticle, shown: KnowledgeVersion, votes: tuple[int, int]) -> ArticleView:
    return ArticleView(
        id=row.id,
        site_id=shown.site_id,
        category_id=shown.category_id,
        audience=Audience(shown.audience),
        shelf=shelf_of(version=row.version, published_version=row.published_version),
        shown=version_view(shown),
        published_version=row.published_version,
        published_at=row.published_at,
        helpful=votes[0],
        unhelpful=votes[1],
    )
