"""Telling people: a notice becomes rows and, after commit, jobs. Who calls twice is told once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from procrastinate import App
from procrastinate.jobs import DEFAULT_QUEUE
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.events import LIFE_SAFETY_QUEUE
from kit.jobs import defer
from kit.logs import logger
from notify import repository
from notify.models import Notification
from notify.policy import Audience, NotifyChannel, Reach, State, Urgency, due_at, next_channel, route, voice_follows
from notify.settings import NotifySettings
from notify.template import Template, TemplateRegistry
from people.service import PeopleService
from people.views import Contact

__all__ = ["DELIVER_JOB", "Notice", "NotifyChannel", "NotifyService", "Urgency"]

log = logger(__name__)

DELIVER_JOB = "notify.deliver"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One person is to be told one thing.

    `key` names the thing: the same key, person and channel are never told twice. `facts` are what the template
    declares; times as ISO 8601 (or local already), `text:<key>` for a word in the reader's language; no personal
    data. `link` is a path of the web face. `channel` forces one channel and rules out every other.
    """

    key: str
    person_id: UUID
    template: str
    facts: Mapping[str, str]
    site_id: UUID
    urgency: Urgency = Urgency.ORDINARY
    link: str | None = None
    channel: NotifyChannel | None = None


class NotifyService:
    def __init__(
        self,
        *,
        app: App,
        people: PeopleService,
        catalog: CatalogService,
        templates: TemplateRegistry,
        settings: NotifySettings,
        clock: Clock,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._app = app
        self._nobody_reached = Counter(
            "hub_notifications_nobody_reached", "Notices that no channel could bring to their person", ["template"],
            registry=registry or CollectorRegistry(),
        )  # fmt: skip
        self._people = people
        self._catalog = catalog
        self._templates = templates
        self._settings = settings
        self._clock = clock

    async def tell(self, session: AsyncSession, notice: Notice) -> None:
        """Queues what is to be said by the first channel that reaches the person, and a call where life is at stake.

        Raises UnknownTemplate and MissingFacts: defects of the caller's, not of its input.
        """
        template = self._templates.get(notice.template)
        template.check(notice.facts)
        reach = reach_of(await self._people.contact(session, notice.person_id))
        channel = notice.channel or route(audience=template.audience, reach=reach)[0]
        await self._queue(session, notice, channel, due=await self._due(session, notice, template))
        if notice.channel is None and voice_follows(audience=template.audience, reach=reach, urgency=notice.urgency):
            due = self._clock.now() + timedelta(seconds=self._settings.voice_after_s)
            await self._queue(session, notice, NotifyChannel.VOICE, due=due)

    async def acknowledge(self, session: AsyncSession, *, key: str, person_id: UUID | None = None) -> int:
        """Stops the calls not yet made for `key` (or keys that begin with it), to one person or to all; how many."""
        return await repository.stop_voice(session, key=key, person_id=person_id, now=self._clock.now())

    async def note_receipt(
        self, session: AsyncSession, *, channel: NotifyChannel, provider_id: str, was_delivered: bool, detail: str
    ) -> None:
        """What a channel reports later about a message it had accepted. Not delivered: the next channel's turn."""
        row = await repository.by_provider_id(session, channel=channel, provider_id=provider_id)
        if row is None or was_delivered or row.state != State.SENT:
            return
        row.state, row.error_code, row.error_detail = State.FAILED, "not_delivered", detail[:200]
        await self.fall_through(session, row, await self._people.contact(session, row.person_id))

    async def fall_through(self, session: AsyncSession, row: Notification, contact: Contact) -> None:
        """Queues the same notice on the next channel, if there is one."""
        template = self._templates.get(row.template)
        following = next_channel(audience=template.audience, reach=reach_of(contact), after=NotifyChannel(row.channel))
        if following is None:
            self._nobody_reached.labels(row.template).inc()
            log.warning("nobody told", notification_id=str(row.id), key=row.key, channel=row.channel)
            return
        await self._queue(session, notice_of(row), following, due=self._clock.now())

    async def ask_for_delivery(self, session: AsyncSession, notification_id: UUID, urgency: Urgency) -> None:
        """A job that sends this notification once the session commits."""
        queue = LIFE_SAFETY_QUEUE if urgency is Urgency.LIFE_SAFETY else DEFAULT_QUEUE
        await defer(session, self._app, DELIVER_JOB, queue=queue, notification_id=str(notification_id))

    async def zone(self, session: AsyncSession, site_id: UUID) -> ZoneInfo:
        site = await self._catalog.site(session, Scope.everywhere(), site_id)
        return ZoneInfo(site.timezone)

    async def _due(self, session: AsyncSession, notice: Notice, template: Template) -> datetime:
        now = self._clock.now()
        if template.audience is not Audience.OWNER or notice.urgency is not Urgency.ORDINARY or template.is_private:
            return now
        zone = await self.zone(session, notice.site_id)
        quiet = self._settings.quiet_hours
        return due_at(now=now, audience=template.audience, urgency=notice.urgency, quiet=quiet, zone=zone)

    async def _queue(self, session: AsyncSession, notice: Notice, channel: NotifyChannel, *, due: datetime) -> None:
        now = self._clock.now()
        unreachable = channel is NotifyChannel.NONE
        is_due = due <= now and not unreachable
        added = await repository.add(
            session,
            site_id=notice.site_id,
            key=notice.key,
            person_id=notice.person_id,
            channel=channel,
            template=notice.template,
            facts=dict(notice.facts),
            urgency=notice.urgency,
            link=notice.link,
            state=State.FAILED if unreachable else State.QUEUED,
            error_code="unreachable" if unreachable else "",
            created_at=now,
            due_at=due,
            deferred_at=now if is_due else None,
            finished_at=now if unreachable else None,
        )
        if unreachable and added:
            self._nobody_reached.labels(notice.template).inc()
            log.warning("nobody told", notification_id=str(added), key=notice.key, reason="no channel reaches them")
        if added and is_due:
            await self.ask_for_delivery(session, added, notice.urgency)


def reach_of(contact: Contact) -> Reach:
    return Reach(
        wechat=contact.openid is not None and contact.follows_wechat,
        wecom=contact.wecom_user_id is not None,
        phone=bool(contact.phone),
    )


def notice_of(row: Notification) -> Notice:
    return Notice(
        key=row.key,
        person_id=row.person_id,
        template=row.template,
        facts=row.facts,
        site_id=row.site_id,
        urgency=Urgency(row.urgency),
        link=row.link,
    )
