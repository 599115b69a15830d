"""Business calendars of the company and of its sites: read, edited, and their gaps told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from ticketing.sla import repository
from ticketing.sla.business_time import BusinessHours, Span
from ticketing.sla.calendars import (
    PICTURE_D,
    BadHours,
    SpecialDay,
    Week,
    hours_of,
    parse_spans,
    parse_week,
    unknown_years,
)
from ticketing.sla.errors import BusinessDayNotFound, CalendarChanged, HoursInvalid, NotForWholeCompany
from ticketing.sla.models import BusinessDay, BusinessWeek
from ticketing.sla.state_calendar import state_year
from ticketing.sla.statutory import is_whole

# A year whose holidays are unknown is told so long before it begins: the State Council has published them by then.
TELL_AHEAD = timedelta(days=45)


@dataclass(frozen=True)
class CalendarView:
    """What holds for a site, or for the company (`site_id` None), in one year.

    `is_own`: the hours were entered for this very site; `entered`: days entered by hand, the company's among a site's;
    `public`: published holidays (True) and make-up workdays (False) by day, with names. `unknown_years`: years near the
    one asked for whose holidays are not published and not all entered: weekends count, and whatever is entered.
    """

    site_id: UUID | None
    year: int
    week: Week
    version: int
    is_own: bool
    entered: Sequence[tuple[SpecialDay, UUID | None]]
    public: Sequence[tuple[date, str, bool]]
    unknown_years: Sequence[int]


class CalendarBook:
    """What belongs to the company is changed by whoever may see every site."""

    def __init__(self, catalog: CatalogService, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    # --- what clocks ask --------------------------------------------------------------------------------------------

    async def hours(self, session: AsyncSession, site_id: UUID, *, at: datetime) -> BusinessHours:
        """The hours of a site as they hold from the local day of `at` on."""
        zone = (await self._catalog.site(session, Scope.everywhere(), site_id)).timezone
        first = at.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
        last = first + timedelta(days=PICTURE_D)
        week, _ = await self._week(session, site_id)
        company = await self._days(session, None, first, last)
        site = await self._days(session, site_id, first, last)
        return hours_of(week, zone=zone, company=company, site=site, first=first)

    async def unknown_years(self, session: AsyncSession, site_id: UUID, years: Sequence[int]) -> list[int]:
        """Those of `years` whose public holidays the site keeps and nobody knows."""
        week, _ = await self._week(session, site_id)
        unknown = unknown_years(week, years, entered=())
        return [year for year in unknown if not await self._is_entered(session, site_id, year)]

    async def years_to_tell(self, session: AsyncSession, site_id: UUID) -> list[int]:
        """Unknown years that somebody must enter now, this one and soon the next."""
        zone = ZoneInfo((await self._catalog.site(session, Scope.everywhere(), site_id)).timezone)
        now = self._clock.now()
        years = sorted({now.astimezone(zone).year, (now + TELL_AHEAD).astimezone(zone).year})
        return await self.unknown_years(session, site_id, years)

    # --- for people -------------------------------------------------------------------------------------------------

    async def view(self, session: AsyncSession, scope: Scope, site_id: UUID | None, *, year: int) -> CalendarView:
        """Raises SiteNotFound."""
        if site_id is not None:
            await self._catalog.site(session, scope, site_id)
        week, row = await self._week(session, site_id)
        first, last = date(year, 1, 1), date(year, 12, 31)
        company = await self._days(session, None, first, last)
        own = {} if site_id is None else await self._days(session, site_id, first, last)
        published = state_year(year) if week.keeps_holidays else None
        public = [] if published is None else [
            *((day, name, True) for day, name in published.holidays.items()),
            *((day, name, False) for day, name in published.workdays.items()),
        ]  # fmt: skip
        is_own = row is not None and row.site_id == site_id
        entered: list[tuple[SpecialDay, UUID | None]] = [(day, None) for day in company.values() if day.day not in own]
        entered += [(day, site_id) for day in own.values()]
        known = {year} if is_whole(year, _closed(company | own)) else set()
        return CalendarView(
            site_id=site_id, year=year, week=week, version=row.version if row is not None and is_own else 0,
            is_own=is_own, entered=sorted(entered, key=lambda one: one[0].day), public=sorted(public),
            unknown_years=unknown_years(week, [year], entered=known),
        )  # fmt: skip

    async def save_week(
        self, session: AsyncSession, scope: Scope, site_id: UUID | None, *, hours: Sequence[Sequence[Sequence[str]]],
        keeps_holidays: bool, version: int | None, by: UUID,
    ) -> None:  # fmt: skip
        """Puts these hours in the place of the old ones; open orders keep theirs.

        Raises SiteNotFound, NotForWholeCompany, HoursInvalid, CalendarChanged (`version`: what the caller saw; 0 none).
        """
        await self._check_may(session, scope, site_id)
        try:
            week = parse_week(hours)
        except BadHours as error:
            raise HoursInvalid(error.problem) from None
        row = await repository.week(session, site_id, lock=True)
        standing = row.version if row is not None else 0
        if version is not None and version != standing:
            raise CalendarChanged(given_version=version, version=standing)
        if row is None:
            row = BusinessWeek(site_id=site_id, version=0)
            session.add(row)
        row.hours = [[[span.start, span.end] for span in spans] for spans in week]
        row.keeps_holidays, row.version = keeps_holidays, standing + 1
        row.changed_at, row.changed_by = self._clock.now(), by
        await session.flush()

    async def save_day(
        self, session: AsyncSession, scope: Scope, site_id: UUID | None, *, day: date, name: str,
        hours: Sequence[Sequence[str]] | None, by: UUID,
    ) -> None:  # fmt: skip
        """Enters a day: `hours` empty closes it, None opens it as a working day.

        Raises SiteNotFound, NotForWholeCompany, HoursInvalid.
        """
        await self._check_may(session, scope, site_id)
        try:
            spans = None if hours is None else [[span.start, span.end] for span in parse_spans(hours)]
        except BadHours as error:
            raise HoursInvalid(error.problem) from None
        row = await repository.day(session, site_id, day)
        if row is None:
            row = BusinessDay(site_id=site_id, day=day)
            session.add(row)
        row.name, row.hours = name, spans
        row.changed_at, row.changed_by = self._clock.now(), by
        await session.flush()

    async def forget_day(self, session: AsyncSession, scope: Scope, site_id: UUID | None, *, day: date) -> None:
        """Raises SiteNotFound, NotForWholeCompany, BusinessDayNotFound."""
        await self._check_may(session, scope, site_id)
        row = await repository.day(session, site_id, day)
        if row is None:
            raise BusinessDayNotFound(day)
        await session.delete(row)

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _is_entered(self, session: AsyncSession, site_id: UUID, year: int) -> bool:
        """Whether all of its holidays were entered: one that only begins to be is as unknown as before."""
        first, last = date(year, 1, 1), date(year, 12, 31)
        company = await self._days(session, None, first, last)
        return is_whole(year, _closed(company | await self._days(session, site_id, first, last)))

    async def _check_may(self, session: AsyncSession, scope: Scope, site_id: UUID | None) -> None:
        if site_id is not None:
            await self._catalog.site(session, scope, site_id)
        elif scope.site_ids is not None:
            raise NotForWholeCompany

    async def _week(self, session: AsyncSession, site_id: UUID | None) -> tuple[Week, BusinessWeek | None]:
        """The site's own hours, else the company's, else those that are shipped."""
        row = await repository.week(session, site_id)
        if row is None and site_id is not None:
            row = await repository.week(session, None)
        if row is None:
            return Week(), None
        return Week(tuple(_spans(day) for day in row.hours), row.keeps_holidays), row

    async def _days(
        self, session: AsyncSession, site_id: UUID | None, first: date, last: date
    ) -> dict[date, SpecialDay]:
        rows = await repository.days(session, site_id, first=first, last=last)
        return {
            row.day: SpecialDay(row.day, row.name, None if row.hours is None else _spans(row.hours)) for row in rows
        }


def _closed(entered: Mapping[date, SpecialDay]) -> list[date]:
    return [day for day, special in entered.items() if special.hours == ()]


def _spans(numbers: Sequence[Sequence[int]]) -> tuple[Span, ...]:
    return tuple(Span(start, end) for start, end in numbers)
