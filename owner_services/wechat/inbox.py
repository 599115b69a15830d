"""Each message answered once and within WeChat's five seconds.

One transaction holds the unique row, the report it leads to and the answer: a retry that comes while the first is at
work waits for it and finds the answer; one that comes after a crash finds nothing and does the work.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec
from procrastinate import App
from prometheus_client import CollectorRegistry, Counter, Histogram
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.errors import PermanentFailure
from connectors.wechat import WeChatClient
from kit.clock import Clock
from kit.crash_points import CrashPoint, crash_here
from kit.db import Database
from kit.i18n import Language
from kit.jobs import JobKind, defer
from kit.logs import logger
from kit.sweeps import Sweep
from owner_services import repository
from owner_services.answers import Answers
from owner_services.models import WeChatMessage
from owner_services.wechat.conversation import Conversation
from owner_services.wechat.inbound import LONGEST, Inbound
from owner_services.wechat.reply import Outcome, Reply
from ticketing.attaching import Attaching
from ticketing.errors import PhotoRefused

log = logger(__name__)

ANSWER_JOB = "owner_services.answer"
PICTURE_JOB = "owner_services.picture"


@dataclass(frozen=True)
class Patience:
    """How long an answer may take, and then how long putting it off may: together below WeChat's five seconds."""

    answer_s: float = 3.5
    postpone_s: float = 1.0


class WeChatInbox:
    def __init__(
        self,
        *,
        database: Database,
        app: App,
        conversation: Conversation,
        answers: Answers,
        wechat: WeChatClient,
        attaching: Attaching,
        clock: Clock,
        registry: CollectorRegistry,
        keep_days: int,
        patience: Patience,
    ) -> None:
        self._database = database
        self._app = app
        self._conversation = conversation
        self._answers = answers
        self._wechat = wechat
        self._attaching = attaching
        self._clock = clock
        self._patience = patience
        self._keep = timedelta(days=keep_days)
        self._answered = Counter(
            "hub_wechat_messages", "Messages of WeChat's, by kind and what became of them", ["kind", "outcome"],
            registry=registry,
        )  # fmt: skip
        self._pictures = Counter(
            "hub_wechat_pictures", "Pictures fetched for reports, or refused", ["outcome"], registry=registry
        )
        self._took_s = Histogram(
            "hub_wechat_answer_seconds", "From message to answer", registry=registry,
            buckets=(0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 3.5, 5),
        )  # fmt: skip

    def jobs(self) -> tuple[JobKind, ...]:
        return JobKind(ANSWER_JOB, self.answer_later), JobKind(PICTURE_JOB, self.fetch_picture)

    def sweeps(self) -> tuple[Sweep, ...]:
        return (Sweep("owner_services.expired", "47 3 * * *", self.sweep_expired),)

    async def answer(self, inbound: Inbound) -> str:
        """What to reply, empty for nothing; the same message gets the same reply. Always within five seconds."""
        began = self._clock.monotonic()
        try:
            reply = await self._answer_or_postpone(inbound)
            crash_here(CrashPoint.WECHAT_ANSWERED)
            return reply
        except (DBAPIError, OSError, TimeoutError) as error:
            # Nothing is kept and nothing will be done: the sender must know.
            log.error("message not taken", kind=inbound.kind, error=type(error).__name__)
            self._answered.labels(inbound.kind, "lost").inc()
            return self._answers.say("answer.busy", Language.ZH)
        finally:
            self._took_s.observe(self._clock.monotonic() - began)

    async def answer_later(self, session: AsyncSession, *, inbound: dict[str, str], message_id: str) -> None:
        """The job for a message that could not be answered in time. The report's own notice tells the sender."""
        sent = msgspec.convert(inbound, Inbound)
        await repository.one_at_a_time(session, sent.openid)
        message = await repository.lock_message(session, UUID(message_id))
        if message is not None and message.outcome == Outcome.POSTPONED:
            await self._settle(session, sent, message)

    async def fetch_picture(self, session: AsyncSession, *, message_id: str) -> None:
        """The job that brings a picture from WeChat to its report; a temporary failure is the job's to repeat."""
        async with self._database.transaction() as reading:
            message = await repository.lock_message(reading, UUID(message_id))
        if message is None or message.report_id is None or not message.media_id:
            return
        try:
            media = await self._wechat.media(message.media_id)
            await self._attaching.attach_to_report(
                session, message.report_id, raw=media.content, added_by=None, source_ref=f"wechat:{message.key}"
            )
        except (PermanentFailure, PhotoRefused) as error:
            log.warning("picture not kept", message_id=message_id, error=str(error))
            self._pictures.labels("refused").inc()
            return
        self._pictures.labels("kept").inc()

    async def sweep_expired(self, session: AsyncSession) -> None:
        now = self._clock.now()
        dropped = await repository.drop_messages_before(session, now - self._keep)
        await repository.drop_phone_codes_before(session, now)
        log.info("old messages dropped", rows=dropped)

    async def _answer_or_postpone(self, inbound: Inbound) -> str:
        try:
            async with asyncio.timeout(self._patience.answer_s), self._database.transaction() as session:
                return await self._answer(session, inbound)
        except TimeoutError:
            log.warning("answer put off", kind=inbound.kind)
        async with asyncio.timeout(self._patience.postpone_s), self._database.transaction() as session:
            return await self._postpone(session, inbound)

    async def _answer(self, session: AsyncSession, inbound: Inbound) -> str:
        await repository.one_at_a_time(session, inbound.openid)
        message = await self._add(session, inbound, Outcome.NOTED)
        if message is None:
            known = await repository.message_by_key(session, inbound.key)
            assert known is not None  # rows of the last minutes are never dropped
            return known.reply
        return await self._settle(session, inbound, message)

    async def _settle(self, session: AsyncSession, inbound: Inbound, message: WeChatMessage) -> str:
        reply = await self._conversation.reply(session, inbound, message)
        message.outcome, message.reply, message.report_id = reply.outcome, reply.text, reply.report_id
        message.offered = [str(one) for one in reply.offered]
        await session.flush()
        await self._ask_for_pictures(session, reply)
        self._answered.labels(inbound.kind, reply.outcome).inc()
        return reply.text

    async def _postpone(self, session: AsyncSession, inbound: Inbound) -> str:
        """Keeps the message for a job. Known already: somebody is at it, or was."""
        message = await self._add(session, inbound, Outcome.POSTPONED)
        if message is None:
            known = await repository.message_by_key(session, inbound.key)
            return known.reply if known is not None else ""
        arguments = {"inbound": msgspec.to_builtins(inbound), "message_id": str(message.id)}
        await defer(session, self._app, ANSWER_JOB, **arguments)
        self._answered.labels(inbound.kind, Outcome.POSTPONED).inc()
        return ""

    async def _add(self, session: AsyncSession, inbound: Inbound, outcome: Outcome) -> WeChatMessage | None:
        return await repository.add_message(
            session,
            key=inbound.key,
            openid=inbound.openid,
            kind=inbound.kind,
            text=inbound.text[:LONGEST],
            media_id=inbound.media_id,
            received_at=self._clock.now(),
            outcome=outcome,
        )

    async def _ask_for_pictures(self, session: AsyncSession, reply: Reply) -> None:
        for message_id in reply.pictures:
            await defer(session, self._app, PICTURE_JOB, message_id=str(message_id))
