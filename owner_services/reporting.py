"""An owner's report, by whatever door it came: understood, placed, handed to ticketing."""

import re
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from owner_services.locating import Location, Locator, Question, is_public
from owner_services.understanding.meaning import Intent, Meaning, is_question
from owner_services.understanding.signs import Trouble
from people.service import PeopleService
from people.views import Home
from ticketing.feedback.subjects import wants_anonymity
from ticketing.kinds import Category, Channel
from ticketing.reports import NewReport, Reported
from ticketing.service import TicketingService

# 建议加装路灯 wishes for something; 投诉…建议换人 is a complaint all the same.
_SUGGESTS = re.compile(r"^(?!.*(?:投诉|差评|态度|不作为|不负责|没人管)).*(?:建议|意见)")


@dataclass(frozen=True)
class Reporter:
    """Who reports: a person of ours, or somebody of whom only the openid is known."""

    person_id: UUID | None
    homes: tuple[Home, ...] = ()


@dataclass(frozen=True)
class Filed:
    """`equipment_id`: what the words were matched to, if anything."""

    reported: Reported
    equipment_id: UUID | None


class BindFirst:
    """The answer to somebody unknown who reports what only a resident can."""


class OwnerReporting:
    def __init__(
        self, *, ticketing: TicketingService, people: PeopleService, catalog: CatalogService, locator: Locator
    ) -> None:
        self._ticketing = ticketing
        self._people = people
        self._catalog = catalog
        self._locator = locator

    async def reporter(self, session: AsyncSession, person_id: UUID | None) -> Reporter:
        if person_id is None:
            return Reporter(None)
        return Reporter(person_id, tuple(await self._people.homes(session, person_id)))

    async def report(
        self, session: AsyncSession, meaning: Meaning, *, reporter: Reporter, channel: Channel, source_ref: str
    ) -> Filed | Question | BindFirst:
        """Files what was understood, or says what is missing. The same `source_ref` twice is one report."""
        if reporter.person_id is None and not _may_be_anonymous(meaning):
            return BindFirst()
        location = await self._locator.locate(session, meaning, homes=reporter.homes)
        if isinstance(location, Question):
            return location
        reported = await self._file(
            session, meaning, reporter=reporter, channel=channel, source_ref=source_ref, location=location
        )
        return Filed(reported, location.equipment_id)

    async def rescue_code(self, session: AsyncSession, filed: Filed) -> str | None:
        """What the rescue hot line asks for, when the report is about an elevator that has one."""
        if filed.equipment_id is None:
            return None
        scope = Scope.of(filed.reported.report.site_id)
        return (await self._catalog.equipment(session, scope, filed.equipment_id)).rescue_code

    async def _file(
        self,
        session: AsyncSession,
        meaning: Meaning,
        *,
        reporter: Reporter,
        channel: Channel,
        source_ref: str,
        location: Location,
    ) -> Reported:
        category = category_of(meaning)
        return await self._ticketing.report(
            session,
            NewReport(
                site_id=location.site_id,
                channel=channel,
                text=meaning.text,
                category=category,
                is_anonymous=category is Category.COMPLAINT and wants_anonymity(meaning.text),
                reporter_id=reporter.person_id,
                space_id=location.space_id,
                building_id=location.building_id,
                equipment_id=location.equipment_id,
                fault_mode=meaning.fault_mode,
                source_ref=source_ref,
            ),
        )


def category_of(meaning: Meaning) -> Category:
    match meaning.trouble:
        case None:
            return Category.OTHER
        case Trouble.ENTRAPMENT:
            return Category.ELEVATOR
        case Trouble.COMPLAINT if _SUGGESTS.search(meaning.text):
            return Category.SUGGESTION
        case trouble:
            return Category(trouble.value)


def _may_be_anonymous(meaning: Meaning) -> bool:
    """Public equipment and danger may be reported by whoever stands in front of it."""
    is_dangerous = meaning.trouble is not None and meaning.trouble.is_dangerous
    return is_dangerous or (is_public(meaning) and meaning.place.building is not None)


def as_report(meaning: Meaning) -> Meaning:
    """Whoever fills in the form, or wants a person to answer, reports, however they put it."""
    if meaning.intent is Intent.REPORT:
        return meaning
    trouble = Trouble.INQUIRY if is_question(meaning.text) else Trouble.OTHER
    return replace(meaning, intent=Intent.REPORT, trouble=trouble, argument="")
