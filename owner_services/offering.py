"""Articles offered before a question becomes a report, by whatever door it came."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from knowledge.service import KnowledgeService
from knowledge.views import ArticleView, Found, Reader
from owner_services.reporting import Reporter
from owner_services.understanding.meaning import Intent, Meaning, is_question
from owner_services.understanding.signs import Trouble

# What may turn out to be a question. Danger and faults are never held back by an article.
_ASKABLE = frozenset({Trouble.INQUIRY, Trouble.PUBLIC_AREA})


class Offering:
    def __init__(self, knowledge: KnowledgeService) -> None:
        self._knowledge = knowledge

    async def for_question(self, session: AsyncSession, meaning: Meaning, reporter: Reporter) -> list[Found]:
        """Articles that may answer, best first; nothing where something is wrong rather than unknown."""
        if not asks(meaning):
            return []
        return await self._knowledge.answers(session, reader_for(reporter), meaning.text)

    async def again(
        self, session: AsyncSession, reporter: Reporter, article_ids: Sequence[UUID]
    ) -> list[ArticleView]:  # fmt: skip
        """Those that can still be read, in that order."""
        return await self._knowledge.read_again(session, reader_for(reporter), article_ids)

    async def vote(self, session: AsyncSession, reporter: Reporter, article_id: UUID, *, is_helpful: bool) -> None:
        """Counted where the person is known to us and may still read the article."""
        if reporter.person_id is not None and await self.again(session, reporter, [article_id]):
            await self._knowledge.vote(session, reader_for(reporter), article_id, is_helpful=is_helpful)


def asks(meaning: Meaning) -> bool:
    if meaning.intent is Intent.UNCLEAR:
        return True
    if meaning.intent is not Intent.REPORT or meaning.trouble not in _ASKABLE:
        return False
    return meaning.trouble is Trouble.INQUIRY or is_question(meaning.text)


def reader_for(reporter: Reporter) -> Reader:
    sites = Scope.of(*(home.site_id for home in reporter.homes))
    return Reader(reporter.person_id, sites, is_staff=False)
