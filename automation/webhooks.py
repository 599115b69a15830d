"""Webhooks: where they go, what is put in their queue, and their secrets."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from procrastinate import App
from sqlalchemy.ext.asyncio import AsyncSession

from automation import webhook_repository
from automation.errors import CompanyWideOnly, DeliveryNotFound, DeliveryUnderWay, EndpointNotFound, EndpointRefused
from automation.facts import facts_of
from automation.models import RuleFiring, WebhookDelivery, WebhookEndpoint
from automation.schedule import ENDED, DeliveryState
from catalog.errors import SiteNotFound
from catalog.service import CatalogService
from connectors.addresses import MAX_URL, Network, literal_of, refusal_of, refusal_of_url
from connectors.signature import secret_of
from kit.access import Scope
from kit.clock import Clock
from kit.ids import new_id
from kit.jobs import defer
from kit.versions import check_version
from ticketing.order_view import OrderView

DELIVER_JOB = "automation.deliver"
PING = "webhook.test"


@dataclass(frozen=True)
class Shown:
    """An endpoint with its secret, which nobody sees again."""

    endpoint: WebhookEndpoint
    secret: str


class Webhooks:
    """`master`: the hub's own secret, from which those of endpoints are made. `overlap_h`: how long a secret that was
    replaced still signs."""

    def __init__(
        self, *, app: App, catalog: CatalogService, master: str, allowed: Sequence[Network], overlap_h: float,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._app = app
        self._catalog = catalog
        self._master = master
        self._allowed = allowed
        self._overlap = timedelta(hours=overlap_h)
        self._clock = clock

    # --- endpoints -------------------------------------------------------------------------------------------------

    async def add(self, session: AsyncSession, scope: Scope, *, site_id: UUID | None, name: str, url: str) -> Shown:
        """Raises EndpointRefused, SiteNotFound, CompanyWideOnly."""
        _may_change(scope, site_id)
        if site_id is not None:
            await self._catalog.site(session, scope, site_id)
        endpoint = WebhookEndpoint(
            id=new_id(), site_id=site_id, name=name, url=self._checked(url), is_enabled=True, generation=1,
            created_at=self._clock.now(),
        )  # fmt: skip
        session.add(endpoint)
        await session.flush()
        return Shown(endpoint, self.secrets(endpoint)[0])

    async def change(
        self, session: AsyncSession, scope: Scope, endpoint_id: UUID, *, name: str | None, url: str | None,
        is_enabled: bool | None, version: int | None = None,
    ) -> WebhookEndpoint:  # fmt: skip
        """None leaves it as it is. `version`: the one that the caller saw.

        Raises EndpointNotFound, StaleEdit, EndpointRefused, CompanyWideOnly.
        """
        endpoint = await self._held(session, scope, endpoint_id, version)
        endpoint.name = name or endpoint.name
        endpoint.url = endpoint.url if url is None else self._checked(url)
        endpoint.is_enabled = endpoint.is_enabled if is_enabled is None else is_enabled
        await session.flush()
        return endpoint

    async def rotate(
        self, session: AsyncSession, scope: Scope, endpoint_id: UUID, *, version: int | None = None
    ) -> Shown:
        """A new secret; the one before it goes on signing for a while, so that nothing is missed meanwhile.

        Raises EndpointNotFound, StaleEdit, CompanyWideOnly.
        """
        endpoint = await self._held(session, scope, endpoint_id, version)
        endpoint.generation += 1
        endpoint.previous_until = self._clock.now() + self._overlap
        await session.flush()
        return Shown(endpoint, self.secrets(endpoint)[0])

    async def endpoint(self, session: AsyncSession, scope: Scope, endpoint_id: UUID) -> WebhookEndpoint:
        """Raises EndpointNotFound."""
        found = await webhook_repository.endpoint(session, scope, endpoint_id)
        if found is None:
            raise EndpointNotFound(endpoint_id)
        return found

    def secrets(self, endpoint: WebhookEndpoint) -> list[str]:
        """What signs a message now: the secret, and the one before it while that still counts."""
        until = endpoint.previous_until
        generations = [endpoint.generation]
        if until is not None and self._clock.now() < until:
            generations.append(endpoint.generation - 1)
        return [secret_of(self._master, endpoint_id=endpoint.id, generation=number) for number in generations]

    # --- deliveries ------------------------------------------------------------------------------------------------

    async def queue(
        self, session: AsyncSession, endpoint_id: UUID, firing: RuleFiring, order: OrderView, *, rule_name: str
    ) -> UUID:
        """A message about an order, sent after commit. Raises EndpointNotFound."""
        scope = Scope.of(order.site_id)
        endpoint = await self.endpoint(session, scope, endpoint_id)
        now = self._clock.now()
        body = {
            "type": f"work_order.{firing.trigger}",
            "timestamp": now,
            "data": {
                "rule": {"id": firing.rule_id, "name": rule_name, "version": firing.rule_version},
                "event": firing.event_facts,
                "work_order": {
                    "id": order.id, "site_id": order.site_id, "title": order.title,
                    **facts_of(order.values, {}, now=now),
                },
            },
        }  # fmt: skip
        return await self._add(session, endpoint, site_id=order.site_id, body=body, firing=firing)

    async def ping(self, session: AsyncSession, scope: Scope, endpoint_id: UUID, *, site_id: UUID) -> UUID:
        """A message that says nothing, to try an address. Raises EndpointNotFound, SiteNotFound."""
        endpoint = await self._own(session, scope, endpoint_id)
        if not scope.allows(site_id) or endpoint.site_id not in (None, site_id):
            raise SiteNotFound(site_id)
        body = {"type": PING, "timestamp": self._clock.now(), "data": {"endpoint": endpoint.name}}
        return await self._add(session, endpoint, site_id=site_id, body=body, firing=None)

    async def redeliver(
        self, session: AsyncSession, scope: Scope, delivery_id: UUID, *, without: Collection[UUID] = ()
    ) -> WebhookDelivery:
        """Sends what has ended once more, under the same id. `without`: orders of which the asker must not know.

        Raises DeliveryNotFound, DeliveryUnderWay.
        """
        delivery = await webhook_repository.lock_delivery(session, scope, delivery_id, without=without)
        if delivery is None:
            raise DeliveryNotFound(delivery_id)
        if DeliveryState(delivery.state) not in ENDED:
            raise DeliveryUnderWay(delivery.state)
        now = self._clock.now()
        delivery.state, delivery.attempts = DeliveryState.WAITING.value, 0
        delivery.due_at = delivery.deferred_at = now
        delivery.ended_at = None
        await defer(session, self._app, DELIVER_JOB, delivery_id=str(delivery.id))
        return delivery

    async def _add(
        self, session: AsyncSession, endpoint: WebhookEndpoint, *, site_id: UUID, body: dict[str, object],
        firing: RuleFiring | None,
    ) -> UUID:  # fmt: skip
        now = self._clock.now()
        delivery = WebhookDelivery(
            id=new_id(), site_id=site_id, endpoint_id=endpoint.id, firing_id=firing.id if firing else None,
            work_order_id=firing.work_order_id if firing else None, message_id=f"msg_{new_id().hex}",
            type=str(body["type"]), body=msgspec.json.encode(body).decode(), state=DeliveryState.WAITING.value,
            attempts=0, created_at=now, due_at=now, deferred_at=now,
        )  # fmt: skip
        session.add(delivery)
        await session.flush()
        await defer(session, self._app, DELIVER_JOB, delivery_id=str(delivery.id))
        return delivery.id

    async def _own(self, session: AsyncSession, scope: Scope, endpoint_id: UUID) -> WebhookEndpoint:
        endpoint = await self.endpoint(session, scope, endpoint_id)
        _may_change(scope, endpoint.site_id)
        return endpoint

    async def _held(
        self, session: AsyncSession, scope: Scope, endpoint_id: UUID, version: int | None
    ) -> WebhookEndpoint:
        endpoint = await webhook_repository.held_endpoint(session, scope, endpoint_id)
        if endpoint is None:
            raise EndpointNotFound(endpoint_id)
        _may_change(scope, endpoint.site_id)
        check_version(endpoint, version)
        return endpoint

    def _checked(self, url: str) -> str:
        """What its name leads to is asked each time something is sent; an address is looked at now, too."""
        cannot_be = refusal_of_url(url)
        if cannot_be is not None:
            raise EndpointRefused(url=_shown_part(url, cannot_be), reason=cannot_be)
        parts = urlsplit(url)
        address = literal_of(parts.hostname or "")
        refused = refusal_of(address, self._allowed, scheme=parts.scheme) if address else None
        if refused is not None:
            raise EndpointRefused(url=url, reason=refused)
        return url


def _shown_part(url: str, reason: str) -> str:
    """What of a refused URL is said back: never the password in it, nor more than fits."""
    return urlsplit(url).hostname or "" if reason == "with_password" else url[:MAX_URL]


def _may_change(scope: Scope, site_id: UUID | None) -> None:
    if site_id is None and scope.site_ids is not None:
        raise CompanyWideOnly
    if site_id is not None and not scope.allows(site_id):
        raise SiteNotFound(site_id)
