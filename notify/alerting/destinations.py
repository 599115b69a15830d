"""The destinations of sites: adding, changing, trying one out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from connectors.addresses import Network
from kit.access import Scope
from kit.clock import Clock
from kit.i18n import Language, Texts
from kit.ids import new_id
from kit.versions import check_version
from notify.alerting import delivery_repository
from notify.alerting.carriers import webhook_secret
from notify.alerting.destination import DestinationKind, refusal_of_address
from notify.alerting.errors import (
    AlertDestinationNameTaken,
    AlertDestinationNotFound,
    AlertDestinationRefused,
    TooManyAlertDestinations,
)
from notify.alerting.models import AlertDelivery, AlertDestination
from notify.alerting.posting import Posting
from notify.policy import Urgency

MOST_OF_A_SITE = 50


@dataclass(frozen=True, kw_only=True)
class NewDestination:
    site_id: UUID
    name: str
    kind: DestinationKind
    address: str
    language: Language


class AlertDestinations:
    """`allowed`: private networks that webhooks may reach. `robots`: by kind, the names in the settings."""

    def __init__(
        self, *, catalog: CatalogService, posting: Posting, allowed: Sequence[Network],
        robots: Mapping[str, Collection[str]], master: str, texts: Texts, clock: Clock,
    ) -> None:  # fmt: skip
        self._catalog = catalog
        self._posting = posting
        self._allowed = allowed
        self._robots = robots
        self._master = master
        self._texts = texts
        self._clock = clock

    async def find(self, session: AsyncSession, scope: Scope, site_id: UUID | None) -> Sequence[AlertDestination]:
        return await delivery_repository.destinations(session, scope, site_id)

    async def add(self, session: AsyncSession, scope: Scope, new: NewDestination) -> AlertDestination:
        """Raises SiteNotFound, AlertDestinationRefused, AlertDestinationNameTaken, TooManyAlertDestinations."""
        site = await self._catalog.site(session, scope, new.site_id)
        self._check(new.kind, new.address, site_code=site.code)
        await self._check_name(session, site_id=new.site_id, name=new.name, but=None)
        if len(await delivery_repository.destination_ids(session, new.site_id)) >= MOST_OF_A_SITE:
            raise TooManyAlertDestinations(MOST_OF_A_SITE)
        row = AlertDestination(
            id=new_id(), site_id=new.site_id, name=new.name, kind=new.kind.value, address=new.address,
            language=new.language.value, is_enabled=True, created_at=self._clock.now(),
        )  # fmt: skip
        session.add(row)
        await session.flush()
        return row

    async def change(
        self, session: AsyncSession, scope: Scope, destination_id: UUID, sent: Mapping[str, Any], *,
        version: int | None,
    ) -> AlertDestination:  # fmt: skip
        """`sent`: of name, address, language, is_enabled those that change.

        Raises AlertDestinationNotFound, StaleEdit, AlertDestinationRefused, AlertDestinationNameTaken.
        """
        row = await delivery_repository.destination(session, scope, destination_id, for_update=True)
        if row is None:
            raise AlertDestinationNotFound(destination_id)
        check_version(row, version)
        if "address" in sent:
            site = await self._catalog.site(session, scope, row.site_id)
            self._check(DestinationKind(row.kind), sent["address"], site_code=site.code)
        if "name" in sent:
            await self._check_name(session, site_id=row.site_id, name=sent["name"], but=row.id)
        for name, value in sent.items():
            setattr(row, name, value)
        await session.flush()
        return row

    async def test(self, session: AsyncSession, scope: Scope, destination_id: UUID) -> UUID:
        """A message that says it is a test; its delivery. Raises AlertDestinationNotFound."""
        row = await self._one(session, scope, destination_id)
        language, key = Language(row.language), f"alert/test/{new_id()}"
        site = await self._catalog.site(session, scope, row.site_id)
        message = {
            "title": self._texts.text("notify.alerting.try_title", language),
            "text": self._texts.text("notify.alerting.try_text", language, name=row.name),
            "site_code": site.code,
            "event": {"type": "alarm.test", "timestamp": self._clock.now().isoformat(), "data": {"name": row.name}},
        }
        added = await self._posting.queue(session, row, key=key, message=message, urgency=Urgency.ORDINARY)
        assert added is not None  # the key is new
        return added

    async def secret(self, session: AsyncSession, scope: Scope, destination_id: UUID) -> str:
        """What a webhook's messages are signed with. Raises AlertDestinationNotFound, also for other kinds."""
        row = await self._one(session, scope, destination_id)
        if row.kind != DestinationKind.WEBHOOK:
            raise AlertDestinationNotFound(destination_id)
        return webhook_secret(self._master, row.id)

    async def deliveries(
        self, session: AsyncSession, scope: Scope, destination_id: UUID, *, limit: int, offset: int
    ) -> tuple[Sequence[AlertDelivery], int]:
        """The newest first. Raises AlertDestinationNotFound."""
        await self._one(session, scope, destination_id)
        return await delivery_repository.deliveries(session, scope, destination_id, limit=limit, offset=offset)

    async def _one(self, session: AsyncSession, scope: Scope, destination_id: UUID) -> AlertDestination:
        row = await delivery_repository.destination(session, scope, destination_id)
        if row is None:
            raise AlertDestinationNotFound(destination_id)
        return row

    def _check(self, kind: DestinationKind, address: str, *, site_code: str) -> None:
        problem = refusal_of_address(
            kind, address, site_code=site_code, allowed=self._allowed, robots=self._robots
        )  # fmt: skip
        if problem is not None:
            shown = "" if problem == "with_password" else address
            raise AlertDestinationRefused(shown, problem)

    async def _check_name(self, session: AsyncSession, *, site_id: UUID, name: str, but: UUID | None) -> None:
        if await delivery_repository.is_name_taken(session, site_id=site_id, name=name, but=but):
            raise AlertDestinationNameTaken(name)
