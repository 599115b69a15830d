"""Messages to destinations: put down in the transaction that decided them, carried by jobs after it.

The attempt is committed before the destination is called, so that a hub that dies in between knows that it does not
know. What an outcome leads to is `notify.verdict`, as for people; there is no next channel to fall through to.
"""

import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from procrastinate import App
from procrastinate.jobs import DEFAULT_QUEUE
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.errors import ConnectorError, PermanentFailure, not_configured
from kit.clock import Clock
from kit.db import Database
from kit.events import LIFE_SAFETY_QUEUE
from kit.i18n import Language, Texts
from kit.jobs import JobKind, defer
from kit.logs import logger
from kit.sweeps import Sweep
from notify.alerting import delivery_repository
from notify.alerting.carriers import Carrier, Letter, interruption
from notify.alerting.models import AlertCase, AlertDelivery, AlertDestination
from notify.policy import FINAL, State, Urgency
from notify.verdict import after_failure, after_success

log = logger(__name__)

DELIVER_JOB = "alerting.deliver"
SWEEP_EVERY = "* * * * * */5"  # the last field is seconds
DELIVERIES_A_SWEEP = 200
ASK_AGAIN_AFTER = timedelta(seconds=60)
# Longer than the longest deadline of a connector, token and second try included.
INTERRUPTED_AFTER = timedelta(seconds=120)


class Posting:
    def __init__(
        self, *, database: Database, app: App, carriers: Iterable[Carrier], texts: Texts, link_base_url: str,
        clock: Clock, registry: CollectorRegistry, keep_days: int,
    ) -> None:  # fmt: skip
        self._database = database
        self._app = app
        self._carriers = {carrier.kind.value: carrier for carrier in carriers}
        self._texts = texts
        self._link_base_url = link_base_url.rstrip("/")
        self._clock = clock
        self._keep = timedelta(days=keep_days)
        self._outcomes = Counter(
            "hub_alert_deliveries", "Attempts to tell a destination of an alarm, by what they came to",
            ["kind", "outcome"], registry=registry,
        )  # fmt: skip

    def job(self) -> JobKind:
        return JobKind(DELIVER_JOB, self.deliver)

    def sweeps(self) -> tuple[Sweep, ...]:
        return (
            Sweep("alerting.deliveries_due", SWEEP_EVERY, self.sweep_due),
            Sweep("alerting.deliveries_interrupted", SWEEP_EVERY, self.sweep_interrupted),
            Sweep("alerting.deliveries_expired", "43 3 * * *", self.sweep_expired),
        )

    def message(self, case: AlertCase, facts: dict[str, str], destination: AlertDestination) -> dict[str, Any]:
        """What a destination is told: words for people, an event for systems."""
        language = Language(destination.language)
        about = case.about
        event = {
            "type": "alarm.group" if case.group_id else "alarm.raised",
            "timestamp": self._clock.now().isoformat(),
            "data": {
                "case_id": str(case.id), "site_id": str(case.site_id), "alarm_id": _text(case.alarm_id),
                "group_id": _text(case.group_id), "severity": case.severity, "life_safety": case.life_safety,
                "step": case.told + 1, "link": f"{self._link_base_url}/alarms", **about,
            },
        }  # fmt: skip
        return {
            "title": self._texts.text("notify.alerting.post_title", language, **facts),
            "text": self._texts.text("notify.alerting.post_text", language, **facts, link=event["data"]["link"]),  # type: ignore[index]
            "site_code": about.get("site_code", str(case.site_id)),
            "event": event,
        }

    async def queue(
        self, session: AsyncSession, destination: AlertDestination, *, key: str, message: dict[str, Any],
        urgency: Urgency,
    ) -> UUID | None:  # fmt: skip
        """Sent once this session commits; None when this was said there already."""
        now = self._clock.now()
        added = await delivery_repository.add_delivery(
            session, site_id=destination.site_id, destination_id=destination.id, key=key, message=message,
            urgency=urgency, state=State.QUEUED, attempts=0, created_at=now, due_at=now, deferred_at=now,
        )  # fmt: skip
        if added is not None:
            await self._ask(session, added, urgency)
        return added

    async def deliver(self, session: AsyncSession, *, delivery_id: str) -> None:
        """One attempt, if the delivery is due and nobody else makes it.

        The job's own session stays unused: claiming and recording are committed apart, around the call.
        """
        async with self._database.transaction() as claiming:
            row = await delivery_repository.claim(claiming, UUID(delivery_id), now=self._clock.now())
            if row is None:
                return
            destination = await delivery_repository.destination_by_id(claiming, row.destination_id)
        assert destination is not None  # the foreign key's word
        outcome = await self._send(row, destination)
        async with self._database.transaction() as recording:
            await self._record(recording, row, destination.kind, outcome)

    async def sweep_due(self, session: AsyncSession) -> None:
        """Asks for delivery of what has become due: retries, and what lost its job."""
        now = self._clock.now()
        due = await delivery_repository.take_due(
            session, now=now, deferred_before=now - ASK_AGAIN_AFTER, limit=DELIVERIES_A_SWEEP
        )
        for delivery_id, urgency in due:
            await self._ask(session, delivery_id, Urgency(urgency))

    async def sweep_interrupted(self, session: AsyncSession) -> None:
        """Settles attempts whose process died between asking and writing the answer down."""
        before = self._clock.now() - INTERRUPTED_AFTER
        for row in await delivery_repository.interrupted(session, claimed_before=before, limit=DELIVERIES_A_SWEEP):
            destination = await delivery_repository.destination_by_id(session, row.destination_id)
            kind = destination.kind if destination is not None else ""
            await self._record(session, row, kind, interruption(self._carriers.get(kind), kind))

    async def sweep_expired(self, session: AsyncSession) -> None:
        await delivery_repository.drop_before(session, self._clock.now() - self._keep)

    async def _send(self, row: AlertDelivery, destination: AlertDestination) -> str | ConnectorError:
        carrier = self._carriers.get(destination.kind)
        if not destination.is_enabled:
            return PermanentFailure(destination.kind, "disabled", "the destination is switched off")
        if carrier is None:
            return not_configured(destination.kind, setting=f"HUB_{destination.kind.upper()}_…")
        try:
            is_urgent = row.urgency == Urgency.LIFE_SAFETY
            return await carrier.send(
                Letter(destination.address, destination.id, row.id.hex, row.message, is_urgent=is_urgent)
            )
        except ConnectorError as error:
            return error

    async def _record(
        self, session: AsyncSession, row: AlertDelivery, kind: str, outcome: str | ConnectorError
    ) -> None:
        now, values = self._clock.now(), dict[str, Any]()
        if isinstance(outcome, str):
            verdict = after_success()
            values |= {"provider_id": outcome, "error_code": "", "error_detail": ""}
        else:
            jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
            verdict = after_failure(outcome, urgency=Urgency(row.urgency), attempts=row.attempts, jitter=jitter)
            values |= {"error_code": outcome.code, "error_detail": outcome.detail[:200]}
        if verdict.wait_s is not None:
            values["due_at"] = now + timedelta(seconds=verdict.wait_s)
        if verdict.state in FINAL:
            values["finished_at"] = now
        if not await delivery_repository.settle(session, row.id, state=verdict.state, **values):
            return
        self._outcomes.labels(kind, "retried" if verdict.state is State.QUEUED else verdict.state.value).inc()
        if isinstance(outcome, ConnectorError):
            log.warning("telling a destination failed", delivery_id=str(row.id), kind=kind, code=outcome.code)

    async def _ask(self, session: AsyncSession, delivery_id: UUID, urgency: Urgency) -> None:
        queue = LIFE_SAFETY_QUEUE if urgency is Urgency.LIFE_SAFETY else DEFAULT_QUEUE
        await defer(session, self._app, DELIVER_JOB, queue=queue, delivery_id=str(delivery_id))


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
