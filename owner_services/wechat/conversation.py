"""What an owner is answered in WeChat, and what follows from what they wrote. Runs inside the message's transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.i18n import Language
from notify.service import NotifyChannel, NotifyService
from owner_services import repository
from owner_services.answers import Answers, Reader, named
from owner_services.binding import Binding, Refusal
from owner_services.locating import Question
from owner_services.models import WeChatMessage
from owner_services.reporting import BindFirst, Filed, OwnerReporting, as_report
from owner_services.understanding.meaning import Intent, Meaning, understand, understand_after
from owner_services.understanding.wish import Wish, find_wish
from owner_services.wechat.inbound import Inbound, InboundKind
from owner_services.wechat.offered import OfferedAnswers, is_remark
from owner_services.wechat.reply import Outcome, Reply, Speaker
from owner_services.wechat.wishes import SpokenWishes
from people.service import PeopleService
from people.views import Home
from ticketing.kinds import Channel, OwnerState
from ticketing.reports import OwnerReport
from ticketing.service import TicketingService

# A picture belongs to the report before it, an answer to the question before it, for this long.
CONVERSATION = timedelta(minutes=10)
MOST_REPORTS_A_DAY = 20
MOST_WRONG_CODES_AN_HOUR = 5
SHOWN_REPORTS = 5
RECENTLY_OVER = timedelta(days=7)
DELIVERED = "success"
MENU_PROGRESS = "PROGRESS"
_OVER = frozenset({OwnerState.CLOSED, OwnerState.CANCELLED})


class Conversation:
    def __init__(
        self,
        *,
        reporting: OwnerReporting,
        ticketing: TicketingService,
        people: PeopleService,
        catalog: CatalogService,
        notify: NotifyService,
        binding: Binding,
        answers: Answers,
        offered: OfferedAnswers,
        wishes: SpokenWishes,
        clock: Clock,
    ) -> None:
        self._offered = offered
        self._wishes = wishes
        self._reporting = reporting
        self._ticketing = ticketing
        self._people = people
        self._catalog = catalog
        self._notify = notify
        self._binding = binding
        self._answers = answers
        self._clock = clock

    async def reply(self, session: AsyncSession, inbound: Inbound, message: WeChatMessage) -> Reply:
        """The answer to a message whose row is `message`; an empty text answers nothing."""
        speaker = Speaker(inbound.openid, await self._people.person_by_openid(session, inbound.openid))
        match inbound.kind:
            case InboundKind.TEXT:
                return await self._to_text(session, inbound.text, message, speaker)
            case InboundKind.IMAGE:
                return await self._to_image(session, message, speaker)
            case InboundKind.SUBSCRIBE | InboundKind.UNSUBSCRIBE:
                return await self._to_following(session, inbound.kind, speaker)
            case InboundKind.CLICK if inbound.argument == MENU_PROGRESS:
                return Reply(await self._progress(session, speaker), Outcome.ANSWERED)
            case InboundKind.CLICK:
                return Reply(self._answers.what(None, speaker.language), Outcome.ANSWERED)
            case InboundKind.TEMPLATE_RECEIPT:
                return await self._to_receipt(session, inbound)
            case InboundKind.SILENT:
                return Reply("", Outcome.NOTED)
            case InboundKind.OTHER:
                return self._say(speaker, "answer.not_understood", Outcome.ANSWERED)
            case _:
                assert_never(inbound.kind)

    # --- text -----------------------------------------------------------------------------------------------------

    async def _to_text(self, session: AsyncSession, text: str, message: WeChatMessage, speaker: Speaker) -> Reply:
        last = await self._last_open(session, message)
        if last is not None and last.outcome == Outcome.OFFERED and is_remark(text, last):
            return await self._to_remark(session, text, last, message, speaker)
        wish = find_wish(text)
        if wish is not None and (done := await self._to_wish(session, wish, speaker)) is not None:
            return done
        meaning = _in_context(text, message, last)
        reporter = await self._reporting.reporter(session, speaker.person_id)
        answer = await self._offered.to_question(session, meaning, reporter, speaker)
        if answer is not None:
            return answer
        return await self._to_meaning(session, meaning, message, speaker)

    async def _to_meaning(
        self, session: AsyncSession, meaning: Meaning, message: WeChatMessage, speaker: Speaker
    ) -> Reply:
        match meaning.intent:
            case Intent.REPORT:
                return await self._to_report(session, meaning, message, speaker)
            case Intent.PROGRESS:
                return Reply(await self._progress(session, speaker), Outcome.ANSWERED)
            case Intent.BIND_CODE | Intent.BIND_PHONE | Intent.VERIFY:
                return await self._to_binding(session, meaning, speaker)
            case Intent.THANKS:
                return self._say(speaker, "answer.thanks", Outcome.ANSWERED)
            case Intent.UNCLEAR:
                return Reply(self._answers.what(meaning.topic, speaker.language), Outcome.ASKED)
            case _:
                assert_never(meaning.intent)

    async def _last_open(self, session: AsyncSession, message: WeChatMessage) -> WeChatMessage | None:
        """What this message may go on with: the newest of the last minutes that asked, answered or was filed."""
        return await repository.last_message(
            session,
            message.openid,
            outcomes=[Outcome.ASKED, Outcome.OFFERED, Outcome.REPORTED],
            since=self._since(CONVERSATION),
            before=message.sequence,
        )

    async def _to_remark(
        self, session: AsyncSession, text: str, last: WeChatMessage, message: WeChatMessage, speaker: Speaker
    ) -> Reply:
        """Of the articles before it; who is not helped has their question filed."""
        message.text = last.text
        reporter = await self._reporting.reporter(session, speaker.person_id)
        reply = await self._offered.to_remark(session, text, last, reporter, speaker)
        return reply or await self._to_report(session, as_report(understand(last.text)), message, speaker)

    async def _to_wish(self, session: AsyncSession, wish: Wish, speaker: Speaker) -> Reply | None:
        """None where it could be meant otherwise: 不满意, 还在漏水 by somebody with nothing done is a report."""
        report = self._wishes.find(wish, await self._own_reports(session, speaker))
        if report is not None:
            reader = await self._reader(session, report.site_id, speaker.language)
            return await self._wishes.fulfil(session, wish, report, speaker, reader)
        return None if wish.words else self._wishes.nothing(wish, speaker)

    async def _to_report(
        self, session: AsyncSession, meaning: Meaning, message: WeChatMessage, speaker: Speaker
    ) -> Reply:
        if await self._reports_too_much(session, meaning, speaker):
            return self._say(speaker, "answer.too_many", Outcome.ANSWERED)
        reporter = await self._reporting.reporter(session, speaker.person_id)
        found = await self._reporting.report(
            session, meaning, reporter=reporter, channel=Channel.WECHAT, source_ref=f"wechat:{message.key}"
        )
        if isinstance(found, BindFirst):
            return self._say(speaker, "binding.first", Outcome.ASKED)
        if isinstance(found, Question):
            return Reply(self._answers.question(found, speaker.language, homes=reporter.homes), Outcome.ASKED)
        report_id = found.reported.report.report_id
        pictures = await self._claim_pictures(session, speaker.openid, report_id)
        return Reply(await self._about(session, found, meaning, speaker), Outcome.REPORTED, report_id, pictures)

    async def _about(self, session: AsyncSession, filed: Filed, meaning: Meaning, speaker: Speaker) -> str:
        reader = await self._reader(session, filed.reported.report.site_id, speaker.language)
        code = await self._reporting.rescue_code(session, filed)
        return self._answers.reported(filed.reported, meaning.trouble, reader, rescue_code=code)

    async def _reports_too_much(self, session: AsyncSession, meaning: Meaning, speaker: Speaker) -> bool:
        if meaning.trouble is not None and meaning.trouble.is_dangerous:
            return False
        made = await repository.count_messages(
            session, speaker.openid, outcome=Outcome.REPORTED, since=self._since(timedelta(days=1))
        )
        return made >= MOST_REPORTS_A_DAY

    async def _progress(self, session: AsyncSession, speaker: Speaker) -> str:
        """How the speaker's own reports stand: the open ones, else what was settled lately."""
        own = await self._own_reports(session, speaker)
        since = self._since(RECENTLY_OVER)
        shown = [one for one in own if one.state not in _OVER] or [one for one in own if one.created_at >= since][:1]
        if not shown:
            return self._answers.say("answer.nothing_open", speaker.language)
        reader = await self._reader(session, shown[0].site_id, speaker.language)
        return self._answers.progress(shown[:SHOWN_REPORTS], reader)

    async def _own_reports(self, session: AsyncSession, speaker: Speaker) -> Sequence[OwnerReport]:
        if speaker.person_id is not None:
            return await self._ticketing.owner_reports(session, speaker.person_id)
        made = await repository.messages(
            session, speaker.openid, outcome=Outcome.REPORTED, since=self._since(RECENTLY_OVER), limit=SHOWN_REPORTS
        )
        return [await self._ticketing.owner_report(session, one.report_id) for one in made if one.report_id]

    # --- becoming known -------------------------------------------------------------------------------------------

    async def _to_binding(self, session: AsyncSession, meaning: Meaning, speaker: Speaker) -> Reply:
        if await self._fails_too_much(session, speaker):
            return self._say(speaker, "binding.too_many", Outcome.REFUSED)
        if meaning.intent is Intent.BIND_PHONE:
            await self._binding.ask_for_code(session, openid=speaker.openid, phone=meaning.argument)
            minutes = str(self._binding.phone_code_minutes)
            return Reply(self._answers.say("binding.code_sent", speaker.language, minutes=minutes), Outcome.CODE_SENT)
        bind = self._binding.redeem if meaning.intent is Intent.BIND_CODE else self._binding.verify
        bound: list[Home] | Refusal = await bind(session, openid=speaker.openid, code=meaning.argument)
        if isinstance(bound, Refusal):
            return self._say(speaker, f"binding.{bound}", Outcome.REFUSED)
        return Reply(self._answers.say("binding.bound", speaker.language, homes=named(bound)), Outcome.ANSWERED)

    async def _fails_too_much(self, session: AsyncSession, speaker: Speaker) -> bool:
        since = self._since(timedelta(hours=1))
        refused, sent = [
            await repository.count_messages(session, speaker.openid, outcome=outcome, since=since)
            for outcome in (Outcome.REFUSED, Outcome.CODE_SENT)
        ]
        return max(refused, sent) >= MOST_WRONG_CODES_AN_HOUR

    async def _to_following(self, session: AsyncSession, kind: InboundKind, speaker: Speaker) -> Reply:
        follows = kind is InboundKind.SUBSCRIBE
        await self._people.set_subscribed(session, speaker.openid, follows)
        if not follows:
            return Reply("", Outcome.NOTED)
        return self._say(speaker, "binding.welcome_back" if speaker.person else "binding.welcome", Outcome.ANSWERED)

    # --- pictures -------------------------------------------------------------------------------------------------

    async def _to_image(self, session: AsyncSession, message: WeChatMessage, speaker: Speaker) -> Reply:
        last = await repository.last_message(
            session, speaker.openid, outcomes=[Outcome.REPORTED], since=self._since(CONVERSATION)
        )
        if last is None or last.report_id is None:
            return self._say(speaker, "answer.photo_first", Outcome.WAITING)
        report = await self._ticketing.owner_report(session, last.report_id)
        text = self._answers.say("answer.photo_attached", speaker.language, number=report.number)
        return Reply(text, Outcome.ATTACHED, report.report_id, (message.id,))

    async def _claim_pictures(self, session: AsyncSession, openid: str, report_id: UUID) -> tuple[UUID, ...]:
        """Pictures that were sent before the words belong to this report now."""
        waiting = await repository.messages(
            session, openid, outcome=Outcome.WAITING, since=self._since(CONVERSATION), limit=SHOWN_REPORTS
        )
        for picture in waiting:
            picture.outcome, picture.report_id = Outcome.ATTACHED, report_id
        return tuple(picture.id for picture in waiting)

    # --- the rest -------------------------------------------------------------------------------------------------

    async def _to_receipt(self, session: AsyncSession, inbound: Inbound) -> Reply:
        await self._notify.note_receipt(
            session,
            channel=NotifyChannel.WECHAT,
            provider_id=inbound.provider_id,
            was_delivered=inbound.argument == DELIVERED,
            detail=inbound.argument,
        )
        return Reply("", Outcome.NOTED)

    async def _reader(self, session: AsyncSession, site_id: UUID, language: Language) -> Reader:
        site = await self._catalog.site(session, Scope.everywhere(), site_id)
        return Reader(language, ZoneInfo(site.timezone), self._clock.now())

    def _say(self, speaker: Speaker, key: str, outcome: Outcome) -> Reply:
        return Reply(self._answers.say(key, speaker.language), outcome)

    def _since(self, span: timedelta) -> datetime:
        return self._clock.now() - span


def _in_context(text: str, message: WeChatMessage, last: WeChatMessage | None) -> Meaning:
    """The meaning of a text; after a question of ours, of what was asked about and the answer together."""
    if last is None or last.outcome != Outcome.ASKED:
        return understand(text)
    meaning = understand_after(last.text, text)
    message.text = meaning.text
    return meaning
