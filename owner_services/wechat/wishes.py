"""催单, 确认, 不满意, 评价, 取消 in the conversation: done to the report that is meant, and answered in words."""

from collections.abc import Sequence
from typing import assert_never

from sqlalchemy.ext.asyncio import AsyncSession

from kit.errors import DomainError
from kit.i18n import Language
from owner_services.answers import Answers, Reader
from owner_services.understanding.wish import Wish, WishKind
from owner_services.wechat.reply import Outcome, Reply, Speaker
from ticketing.feedback.service import FeedbackService, ReportFeedback
from ticketing.feedback.verdict import Stars
from ticketing.kinds import OwnerState
from ticketing.reports import OwnerReport

_UNDER_WAY = frozenset({OwnerState.RECEIVED, OwnerState.ASSIGNED, OwnerState.IN_PROGRESS})
_OVER = frozenset({OwnerState.DONE, OwnerState.CLOSED})
# Of which reports a wish makes sense, where no number was said.
_MEANT = {
    WishKind.URGE: _UNDER_WAY,
    WishKind.CANCEL: _UNDER_WAY,
    WishKind.CONFIRM: frozenset({OwnerState.DONE}),
    WishKind.REJECT: _OVER,
    WishKind.RATE: _OVER,
}


class SpokenWishes:
    def __init__(self, feedback: FeedbackService, answers: Answers) -> None:
        self._feedback = feedback
        self._answers = answers

    def find(self, wish: Wish, own: Sequence[OwnerReport]) -> OwnerReport | None:
        """The report that is meant: the one of that number, else the newest of which the wish makes sense."""
        if wish.number is not None:
            return next((one for one in own if one.number == wish.number), None)
        return next((one for one in own if one.state in _MEANT[wish.kind]), None)

    def nothing(self, wish: Wish, speaker: Speaker) -> Reply:
        """There is no report that could be meant."""
        return Reply(self._answers.say(f"wish.no_{wish.kind}", speaker.language), Outcome.ANSWERED)

    async def fulfil(
        self, session: AsyncSession, wish: Wish, report: OwnerReport, speaker: Speaker, reader: Reader
    ) -> Reply:
        if wish.kind is WishKind.RATE and wish.marks is None:
            return Reply(self._answers.say("wish.how_to_rate", speaker.language), Outcome.ANSWERED)
        try:
            # What is refused half-way leaves nothing behind.
            async with session.begin_nested():
                done = await self._do(session, wish, report)
        except DomainError as refusal:
            return Reply(self._answers.refused(refusal, speaker.language), Outcome.ANSWERED)
        return Reply(self._answers.wish_done(_word(wish, done), report, reader), Outcome.ANSWERED)

    async def _do(self, session: AsyncSession, wish: Wish, report: OwnerReport) -> ReportFeedback:
        # Whose report it is was found out by the sender's own list.
        match wish.kind:
            case WishKind.URGE:
                return await self._feedback.urge(session, report.report_id)
            case WishKind.CONFIRM:
                return await self._feedback.confirm(session, report.report_id)
            case WishKind.REJECT:
                reason = wish.words or self._answers.say("wish.no_reason", Language.ZH)
                return await self._feedback.reject(session, report.report_id, reason=reason)
            case WishKind.RATE:
                assert wish.marks is not None  # asked for above
                words = wish.words or None
                return await self._feedback.rate(session, report.report_id, stars=Stars(*wish.marks), words=words)
            case WishKind.CANCEL:
                return await self._feedback.cancel(session, report.report_id, reason=wish.words or None)
            case _:
                assert_never(wish.kind)


def _word(wish: Wish, done: ReportFeedback) -> str:
    """Which sentence says what was done."""
    if wish.kind is WishKind.REJECT and done.went_up:
        return "rejected_up"
    if wish.kind is WishKind.RATE and done.is_called_back:
        return "rated_low"
    return wish.kind.value
