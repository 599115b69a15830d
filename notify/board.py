"""What staff may see of the notifications: words and fate, never an address."""

from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.http import Page, PageParams
from kit.i18n import Language
from notify import repository
from notify.errors import UnknownTemplate
from notify.message import Composer
from notify.models import Notification
from notify.policy import NotifyChannel, State, Urgency
from notify.schemas import NotificationOut, masked
from notify.service import NotifyService
from notify.template import TemplateRegistry


class NotificationBoard:
    def __init__(self, *, notify: NotifyService, templates: TemplateRegistry, composer: Composer) -> None:
        self._notify = notify
        self._templates = templates
        self._composer = composer

    async def page(
        self,
        session: AsyncSession,
        scope: Scope,
        *,
        filter: repository.Filter,
        sort: str,
        paging: PageParams,
        language: Language,
    ) -> Page[NotificationOut]:
        rows, total = await repository.page(
            session, scope, filter=filter, sort=sort, limit=paging.limit, offset=paging.offset
        )
        zones = {site_id: await self._notify.zone(session, site_id) for site_id in {row.site_id for row in rows}}
        items = [self._shown(row, *self._words(row, language, zones[row.site_id])) for row in rows]
        return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)

    def _words(self, row: Notification, language: Language, zone: ZoneInfo) -> tuple[str, str]:
        try:
            template = self._templates.get(row.template)
        except UnknownTemplate:
            # The registry has moved on since this row was written.
            return row.template, ""
        if template.is_private:
            return self._composer.title(template, language), ""
        return self._composer.words(template, facts=row.facts, language=language, zone=zone)

    def _shown(self, row: Notification, title: str, body: str) -> NotificationOut:
        return NotificationOut(
            id=row.id,
            site_id=row.site_id,
            person_id=row.person_id,
            key=row.key,
            channel=NotifyChannel(row.channel),
            template=row.template,
            urgency=Urgency(row.urgency),
            state=State(row.state),
            title=masked(title),
            body=masked(body),
            attempts=row.attempts,
            created_at=row.created_at,
            due_at=row.due_at,
            finished_at=row.finished_at,
            error_code=row.error_code,
            error_detail=masked(row.error_detail),
        )
