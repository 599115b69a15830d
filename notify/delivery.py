"""Carrying a notification to its channel. The attempt is committed before the channel is called, so that a hub that
dies in between knows afterwards that it does not know."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, Counter, Histogram
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.errors import AmbiguousOutcome, ConnectorError, TemporaryFailure, not_configured
from connectors.wechat import NOT_FOLLOWING
from kit.clock import Clock
from kit.crash_points import CrashPoint, crash_here
from kit.db import Database
from kit.i18n import Language
from kit.jobs import JobKind
from kit.logs import logger
from kit.sweeps import Sweep
from notify import repository
from notify.message import Composer, Message
from notify.models import Notification
from notify.policy import FINAL, NotifyChannel, State, Urgency
from notify.senders import Sender
from notify.service import DELIVER_JOB, NotifyService
from notify.template import TemplateRegistry
from notify.verdict import Verdict, after_failure, after_success
from people.service import PeopleService
from people.views import Contact

log = logger(__name__)

SWEEP_EVERY = "* * * * * */5"  # the last field is seconds
SWEEP_LIMIT = 500
ASK_AGAIN_AFTER = timedelta(seconds=60)
# Longer than any connector's deadlines together (token, send, token again, send again).
INTERRUPTED_AFTER = timedelta(seconds=60)


@dataclass(frozen=True)
class Attempt:
    """A claimed notification with all that its sender needs."""

    row: Notification
    contact: Contact
    message: Message


class Deliverer:
    """Makes the attempts and records what they came to."""

    def __init__(
        self,
        *,
        database: Database,
        notify: NotifyService,
        people: PeopleService,
        templates: TemplateRegistry,
        composer: Composer,
        senders: Iterable[Sender],
        clock: Clock,
        registry: CollectorRegistry,
        keep_days: int = 365,
    ) -> None:
        self._database = database
        self._notify = notify
        self._people = people
        self._templates = templates
        self._composer = composer
        self._senders = {sender.channel: sender for sender in senders}
        self._clock = clock
        self._keep = timedelta(days=keep_days)
        self._outcomes = Counter(
            "hub_notifications", "Attempts to tell somebody, by what they came to", ["channel", "outcome"],
            registry=registry,
        )  # fmt: skip
        self._delay_s = Histogram(
            "hub_notification_delay_seconds", "From due to accepted by the channel", ["channel"],
            registry=registry, buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 1800),
        )  # fmt: skip

    def job(self) -> JobKind:
        return JobKind(DELIVER_JOB, self.deliver)

    def sweeps(self) -> tuple[Sweep, ...]:
        return (
            Sweep("notify.due", SWEEP_EVERY, self.sweep_due),
            Sweep("notify.interrupted", SWEEP_EVERY, self.sweep_interrupted),
            Sweep("notify.expired", "17 3 * * *", self.sweep_expired),
        )

    async def deliver(self, session: AsyncSession, *, notification_id: str) -> None:
        """One attempt, if the notification is due and nobody else makes it.

        The job's own session stays unused: claiming and recording are committed apart, around the call.
        """
        attempt = await self._claim(UUID(notification_id))
        if attempt is None:
            return
        crash_here(CrashPoint.NOTIFY_CLAIMED)
        outcome = await self._send(attempt)
        crash_here(CrashPoint.NOTIFY_SENT)
        async with self._database.transaction() as recording:
            await self._record(recording, attempt.row, attempt.contact, outcome)

    async def sweep_due(self, session: AsyncSession) -> None:
        """Asks for delivery of what has become due: retries, calls, mornings after quiet hours, lost jobs."""
        now = self._clock.now()
        due = await repository.take_due(session, now=now, deferred_before=now - ASK_AGAIN_AFTER, limit=SWEEP_LIMIT)
        for notification_id, urgency in due:
            await self._notify.ask_for_delivery(session, notification_id, Urgency(urgency))

    async def sweep_interrupted(self, session: AsyncSession) -> None:
        """Settles attempts whose process died between asking the channel and writing the answer down."""
        claimed_before = self._clock.now() - INTERRUPTED_AFTER
        for row in await repository.interrupted(session, claimed_before=claimed_before, limit=SWEEP_LIMIT):
            contact = await self._people.contact(session, row.person_id)
            await self._record(session, row, contact, self._interruption(NotifyChannel(row.channel)))

    async def sweep_expired(self, session: AsyncSession) -> None:
        dropped = await repository.drop_before(session, self._clock.now() - self._keep)
        log.info("old notifications dropped", rows=dropped)

    async def _claim(self, notification_id: UUID) -> Attempt | None:
        async with self._database.transaction() as session:
            row = await repository.claim(session, notification_id, now=self._clock.now())
            if row is None:
                return None
            contact = await self._people.contact(session, row.person_id)
            zone = await self._notify.zone(session, row.site_id)
        return Attempt(row, contact, self._compose(row, Language(contact.language), zone))

    def _compose(self, row: Notification, language: Language, zone: ZoneInfo) -> Message:
        template = self._templates.get(row.template)
        return self._composer.compose(
            template, facts=row.facts, link=row.link, language=language, zone=zone, reference=row.id.hex
        )

    async def _send(self, attempt: Attempt) -> str | ConnectorError:
        """The service's id of the message, or why there is none."""
        channel = NotifyChannel(attempt.row.channel)
        sender = self._senders.get(channel)
        if sender is None:
            return not_configured(channel.value, setting=f"HUB_{channel.value.upper()}_…")
        try:
            return await sender.send(attempt.contact, attempt.message)
        except ConnectorError as error:
            return error

    async def _record(
        self, session: AsyncSession, row: Notification, contact: Contact, outcome: str | ConnectorError
    ) -> None:
        verdict = self._verdict(row, outcome)
        if not await repository.settle(session, row.id, **self._settled(row, outcome, verdict)):
            return
        self._count(row, outcome, verdict)
        if isinstance(outcome, ConnectorError) and outcome.code == NOT_FOLLOWING and contact.openid is not None:
            await self._people.set_subscribed(session, contact.openid, False)
        if verdict.falls_through:
            await self._notify.fall_through(session, row, contact)

    def _verdict(self, row: Notification, outcome: str | ConnectorError) -> Verdict:
        if isinstance(outcome, str):
            return after_success()
        urgency = Urgency(row.urgency)
        jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
        return after_failure(outcome, urgency=urgency, attempts=row.attempts, jitter=jitter)

    def _settled(self, row: Notification, outcome: str | ConnectorError, verdict: Verdict) -> dict[str, object]:
        now = self._clock.now()
        values: dict[str, object] = {"state": verdict.state}
        if isinstance(outcome, str):
            values |= {"provider_id": outcome, "error_code": "", "error_detail": ""}
        else:
            values |= {"error_code": outcome.code, "error_detail": outcome.detail[:200]}
        if verdict.wait_s is not None:
            values["due_at"] = now + timedelta(seconds=verdict.wait_s)
        if verdict.state in FINAL:
            values["finished_at"] = now
            values |= {"facts": self._kept_facts(row)}
        return values

    def _kept_facts(self, row: Notification) -> dict[str, str]:
        if not self._templates.get(row.template).is_private:
            return dict(row.facts)
        return dict.fromkeys(row.facts, "")

    def _count(self, row: Notification, outcome: str | ConnectorError, verdict: Verdict) -> None:
        self._outcomes.labels(row.channel, "retried" if verdict.state is State.QUEUED else verdict.state.value).inc()
        if isinstance(outcome, str):
            self._delay_s.labels(row.channel).observe(_seconds(self._clock.now(), since=row.due_at))
            return
        log.warning(
            "telling failed", notification_id=str(row.id), key=row.key, channel=row.channel, state=verdict.state.value,
            attempts=row.attempts, code=outcome.code, detail=outcome.detail,
        )  # fmt: skip

    def _interruption(self, channel: NotifyChannel) -> ConnectorError:
        sender = self._senders.get(channel)
        kind = TemporaryFailure if sender is not None and sender.is_repeatable else AmbiguousOutcome
        return kind(channel.value, "interrupted", "the hub stopped during the attempt")


def _seconds(moment: datetime, *, since: datetime) -> float:
    return max(0.0, (moment - since).total_seconds())
