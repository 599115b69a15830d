"""Carrying webhooks to their endpoints. An attempt is committed before it is made, so that a hub that dies in between
tries again: receivers know a repetition by its id."""

import random
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from procrastinate import App
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from automation import repository, webhook_repository
from automation.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from automation.schedule import DeliveryState, is_final, wait_s
from automation.webhooks import DELIVER_JOB, Webhooks
from catalog.service import CatalogService
from connectors.outward import Outcome, Sender
from connectors.signature import headers_of
from kit.access import Scope
from kit.clock import Clock
from kit.db import Database
from kit.jobs import JobKind, defer
from kit.logs import logger
from kit.sweeps import Sweep
from notify.service import Notice, NotifyService
from people.errors import NobodyResponsible
from people.service import PeopleService

log = logger(__name__)

SWEEP_EVERY = "* * * * * */5"
DELIVERIES_A_SWEEP = 200
DROPPED_A_NIGHT = 100_000
ASK_AGAIN_AFTER = timedelta(seconds=60)
# Longer than the longest deadline that can be set.
INTERRUPTED_AFTER = timedelta(seconds=90)


@dataclass(frozen=True)
class Claimed:
    """A delivery taken for one attempt, and where it goes."""

    delivery: WebhookDelivery
    endpoint: WebhookEndpoint


class Delivering:
    def __init__(
        self, *, database: Database, app: App, webhooks: Webhooks, sender: Sender, notify: NotifyService,
        people: PeopleService, catalog: CatalogService, clock: Clock, registry: CollectorRegistry, keep_days: int,
    ) -> None:  # fmt: skip
        self._database = database
        self._app = app
        self._webhooks = webhooks
        self._sender = sender
        self._notify = notify
        self._people = people
        self._catalog = catalog
        self._clock = clock
        self._keep = timedelta(days=keep_days)
        self._attempts = Counter(
            "hub_webhook_attempts_total", "Attempts to call a webhook, by what came of them.", ["outcome"],
            registry=registry,
        )  # fmt: skip

    def job(self) -> JobKind:
        return JobKind(DELIVER_JOB, self.deliver)

    def sweeps(self) -> tuple[Sweep, ...]:
        return (
            Sweep("automation.webhooks_due", SWEEP_EVERY, self.sweep_due),
            Sweep("automation.webhooks_interrupted", SWEEP_EVERY, self.sweep_interrupted),
            Sweep("automation.expired", "27 3 * * *", self.sweep_expired),
        )

    async def deliver(self, session: AsyncSession, *, delivery_id: str) -> None:
        """One attempt, if the delivery is due and nobody else makes it.

        The job's own session stays unused: claiming and recording are committed apart, around the call.
        """
        claimed = await self._claim(UUID(delivery_id))
        if claimed is None:
            return
        outcome = await self._send(claimed)
        async with self._database.transaction() as recording:
            await self._record(recording, claimed.delivery, claimed.endpoint, outcome)

    async def sweep_due(self, session: AsyncSession) -> None:
        """Asks for another attempt where its time has come, or where a job was lost."""
        now = self._clock.now()
        due = await webhook_repository.take_due(
            session, now=now, deferred_before=now - ASK_AGAIN_AFTER, limit=DELIVERIES_A_SWEEP
        )
        for delivery_id in due:
            await defer(session, self._app, DELIVER_JOB, delivery_id=str(delivery_id))

    async def sweep_interrupted(self, session: AsyncSession) -> None:
        """Settles attempts whose process died between asking and writing the answer down: they are made again."""
        before = self._clock.now() - INTERRUPTED_AFTER
        found = await webhook_repository.interrupted(session, claimed_before=before, limit=DELIVERIES_A_SWEEP)
        for delivery in found:
            endpoint = await self._webhooks.endpoint(session, Scope.everywhere(), delivery.endpoint_id)
            await self._record(session, delivery, endpoint, Outcome("interrupted"))

    async def sweep_expired(self, session: AsyncSession) -> None:
        """Deliveries first: a firing stays as long as a message it sent."""
        before = self._clock.now() - self._keep
        deliveries = await webhook_repository.drop_before(session, before)
        firings = await repository.drop_before(session, before, limit=DROPPED_A_NIGHT)
        log.info("old firings of rules dropped", firings=firings, deliveries=deliveries)

    async def _claim(self, delivery_id: UUID) -> Claimed | None:
        async with self._database.transaction() as session:
            delivery = await webhook_repository.claim(session, delivery_id, now=self._clock.now())
            if delivery is None:
                return None
            endpoint = await self._webhooks.endpoint(session, Scope.everywhere(), delivery.endpoint_id)
            return Claimed(delivery, endpoint)

    async def _send(self, claimed: Claimed) -> Outcome:
        delivery, endpoint = claimed.delivery, claimed.endpoint
        if not endpoint.is_enabled:
            return Outcome("disabled")
        body = delivery.body.encode()
        headers = headers_of(
            self._webhooks.secrets(endpoint), message_id=delivery.message_id, at=self._clock.now(), body=body
        )
        return await self._sender.post(endpoint.url, headers=headers, body=body)

    async def _record(
        self, session: AsyncSession, delivery: WebhookDelivery, endpoint: WebhookEndpoint, outcome: Outcome
    ) -> None:
        now = self._clock.now()
        jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
        wait = None if is_final(outcome.error) else wait_s(attempts=delivery.attempts, jitter=jitter)
        values: dict[str, object] = {"state": DeliveryState.DELIVERED, "ended_at": now}
        if outcome.error:
            ended = {"state": DeliveryState.FAILED, "ended_at": now}
            again = {"state": DeliveryState.WAITING, "due_at": now + timedelta(seconds=wait or 0)}
            values = ended if wait is None else again
        if not await webhook_repository.settle(session, delivery.id, **values):
            return
        session.add(
            WebhookAttempt(
                site_id=delivery.site_id, delivery_id=delivery.id, at=now, took_ms=outcome.took_ms,
                address=outcome.address, status=outcome.status, error=outcome.error, answer=outcome.answer,
            )
        )  # fmt: skip
        if outcome.error:
            self._attempts.labels("retried" if wait is not None else "given_up").inc()
            log.warning(
                "webhook failed", delivery_id=str(delivery.id), endpoint_id=str(endpoint.id), error=outcome.error,
                attempts=delivery.attempts, is_over=wait is None,
            )  # fmt: skip
        else:
            self._attempts.labels("delivered").inc()
        if outcome.error and wait is None:
            await self._give_up(session, delivery, endpoint, outcome)

    async def _give_up(
        self, session: AsyncSession, delivery: WebhookDelivery, endpoint: WebhookEndpoint, outcome: Outcome
    ) -> None:
        """Whoever answers for the site hears of it: once an endpoint and day, however many messages are lost."""
        if outcome.error == "gone":
            await webhook_repository.disable(session, endpoint.id)
        try:
            manager = await self._people.duty_manager(session, delivery.site_id)
        except NobodyResponsible:
            log.warning("nobody to tell of a failed webhook", delivery_id=str(delivery.id))
            return
        site = await self._catalog.site(session, Scope.everywhere(), delivery.site_id)
        day = self._clock.now().astimezone(ZoneInfo(site.timezone)).date()
        notice = Notice(
            key=f"webhook/{endpoint.id}/failed/{day}", person_id=manager.person_id, template="staff.webhook_failed",
            facts={"endpoint": endpoint.name, "error": f"text:automation.error.{_worded(outcome.error)}"},
            site_id=delivery.site_id,
        )  # fmt: skip
        await self._notify.tell(session, notice)


def _worded(error: str) -> str:
    """The last part of the text key of an error: answers by number share one."""
    return "answer" if error.startswith("http_") else error
