"""Tells a site's manager that somebody must enter a year's public holidays."""

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from notify.service import Notice, NotifyService
from ticketing.events import CalendarYearUnknown


class CalendarTelling:
    def __init__(self, notify: NotifyService, catalog: CatalogService) -> None:
        self._notify = notify
        self._catalog = catalog

    async def on_year_unknown(self, session: AsyncSession, event: CalendarYearUnknown) -> None:
        site = await self._catalog.site(session, Scope.everywhere(), event.site_id)
        for person_id in event.person_ids:
            notice = Notice(
                key=f"calendar/{event.site_id}/{event.year}", person_id=person_id, template="staff.calendar",
                facts={"place": site.name, "year": str(event.year)}, site_id=event.site_id,
            )  # fmt: skip
            await self._notify.tell(session, notice)
