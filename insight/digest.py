"""The digest of the morning: how yesterday went and what is late, for a site's managers. Once a site and local day.

A sweep looks every minute; the row of the day is what keeps a second process, or a hub that starts anew, from telling
twice.
"""

from uuid import UUID
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from catalog.views import SiteView
from insight import repository
from insight.reckoning import day_before, is_due, late_words, percent
from insight.settings import InsightSettings
from kit.access import Scope
from kit.clock import Clock
from kit.logs import logger
from kit.sweeps import Sweep
from notify.service import Notice, NotifyService
from people.service import PeopleService
from ticketing.figuring import Figuring

log = logger(__name__)

EVERY_MINUTE = "* * * * *"
WORST = 3
# A turn is one transaction and has two minutes; the others are told a minute later.
SITES_A_TURN = 50


class Digests:
    def __init__(
        self, *, figuring: Figuring, catalog: CatalogService, people: PeopleService, notify: NotifyService,
        settings: InsightSettings, clock: Clock, registry: CollectorRegistry,
    ) -> None:  # fmt: skip
        self._figuring = figuring
        self._catalog = catalog
        self._people = people
        self._notify = notify
        self._settings = settings
        self._clock = clock
        self._failed = Counter(
            "hub_digest_failures_total", "Digests of a site that could not be made; the next minute tries again.",
            registry=registry,
        )  # fmt: skip

    def sweeps(self) -> tuple[Sweep, ...]:
        return (Sweep("insight.digest", EVERY_MINUTE, self.sweep),)

    async def sweep(self, session: AsyncSession) -> None:
        """Each site in a savepoint: one whose digest cannot be made keeps no other from its own."""
        if not self._settings.digests:
            return
        sent = 0
        for site in await self._catalog.sites(session, Scope.everywhere()):
            if sent >= SITES_A_TURN:
                return
            try:
                async with session.begin_nested():
                    sent += await self._send(session, site)
            except Exception:
                self._failed.inc()
                log.exception("digest left to the next minute", site_id=str(site.id))

    async def _send(self, session: AsyncSession, site: SiteView) -> bool:
        """Whether this turn told."""
        now, zone = self._clock.now(), ZoneInfo(site.timezone)
        today = now.astimezone(zone).date()
        if not is_due(now, zone, at=self._settings.digest_at):
            return False
        if not await repository.begin(session, site_id=site.id, day=today, at=now):
            return False
        facts = await self._facts(session, site, zone)
        told: list[UUID] = await self._people.managers(session, site.id)
        for person_id in told:
            notice = Notice(
                key=f"digest/{site.id}/{today}", person_id=person_id, template="staff.digest", facts=facts,
                site_id=site.id, link="/work-orders?overdue=true",
            )  # fmt: skip
            await self._notify.tell(session, notice)
        await repository.finish(session, site_id=site.id, day=today, told=len(told), facts=facts)
        return True

    async def _facts(self, session: AsyncSession, site: SiteView, zone: ZoneInfo) -> dict[str, str]:
        yesterday = day_before(self._clock.now(), zone)
        day = await self._figuring.day(session, site_id=site.id, since=yesterday.since, until=yesterday.until)
        worst = await self._figuring.worst(session, site_id=site.id, limit=WORST)
        return {
            "site": site.name,
            "day": yesterday.since.astimezone(zone).date().isoformat(),
            "opened": str(day.opened),
            "done": str(day.done),
            "sla": percent(day.done_in_time, day.done),
            "open": str(day.open),
            "overdue": str(day.overdue),
            "worst": late_words([(one.number, one.place, one.late_h) for one in worst]),
        }
