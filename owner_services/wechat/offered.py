"""Articles in the conversation: the answer to a question, and what is said of it next."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.i18n import Language
from knowledge.views import ArticleView
from owner_services.answers import Answers
from owner_services.models import WeChatMessage
from owner_services.offering import Offering
from owner_services.reporting import Reporter
from owner_services.understanding.meaning import Meaning
from owner_services.understanding.wish import Remark, find_remark, picked
from owner_services.wechat.reply import Outcome, Reply, Speaker

# WeChat takes 2,048 bytes: some 680 Chinese letters with everything around.
LONGEST_BODY = 400


class OfferedAnswers:
    def __init__(self, offering: Offering, answers: Answers) -> None:
        self._offering = offering
        self._answers = answers

    async def to_question(
        self, session: AsyncSession, meaning: Meaning, reporter: Reporter, speaker: Speaker
    ) -> Reply | None:
        """The best article and the names of the others; None where none may answer."""
        found = await self._offering.for_question(session, meaning, reporter)
        return self._show([one.article for one in found], speaker.language) if found else None

    async def to_remark(
        self, session: AsyncSession, text: str, last: WeChatMessage, reporter: Reporter, speaker: Speaker
    ) -> Reply | None:
        """What follows a remark on the articles of `last`; None where there is nothing left but to file the question,
        or where the text is no remark at all (`is_remark` tells which)."""
        offered = [UUID(one) for one in last.offered]
        choice = picked(text)
        if choice is not None:
            wanted = [*offered[choice - 1 : choice], *offered[: choice - 1], *offered[choice:]]
            shown = await self._offering.again(session, reporter, wanted)
            return self._show(shown, speaker.language) if shown else None
        remark = find_remark(text)
        if remark in (Remark.HELPFUL, Remark.UNHELPFUL):
            await self._offering.vote(session, reporter, offered[0], is_helpful=remark is Remark.HELPFUL)
        if remark is not Remark.HELPFUL:
            return None
        return Reply(self._answers.say("article.thanks", speaker.language), Outcome.ANSWERED)

    def _show(self, articles: Sequence[ArticleView], language: Language) -> Reply:
        first, others = articles[0], articles[1:]
        lines = [
            self._answers.say("article.other", language, number=str(at), title=one.title(language))
            for at, one in enumerate(others, start=2)
        ]
        more = self._answers.say("article.others", language, lines="\n".join(lines)) if lines else ""
        text = self._answers.say(
            "article.answer", language, title=first.title(language), body=_cut(first.body(language)), more=more
        )
        return Reply(text, Outcome.OFFERED, offered=tuple(one.id for one in articles))


def is_remark(text: str, last: WeChatMessage) -> bool:
    """Whether a message says something of the articles before it."""
    choice = picked(text)
    return find_remark(text) is not None or (choice is not None and choice <= len(last.offered))


def _cut(body: str) -> str:
    return body if len(body) <= LONGEST_BODY else body[: LONGEST_BODY - 1] + "…"
