"""Reports that owners make in the web face."""

from dataclasses import dataclass, replace
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.i18n import Language
from kit.ids import new_id
from knowledge.views import Found
from owner_services.answers import Answers, Reader
from owner_services.errors import HomeNotFound, MoreNeeded
from owner_services.locating import Question
from owner_services.offering import Offering
from owner_services.reporting import BindFirst, OwnerReporting, Reporter, as_report
from owner_services.understanding.meaning import understand
from ticketing.kinds import Channel
from ticketing.reports import Reported


@dataclass(frozen=True)
class Offered:
    """Articles that may answer, so that nothing was filed; and the sentence that says so."""

    found: list[Found]
    answer: str


@dataclass(frozen=True)
class Confirmed:
    """A report and the sentence that says what became of it."""

    reported: Reported
    answer: str


class WebForm:
    def __init__(
        self, *, reporting: OwnerReporting, offering: Offering, catalog: CatalogService, answers: Answers, clock: Clock
    ) -> None:
        self._reporting = reporting
        self._offering = offering
        self._catalog = catalog
        self._answers = answers
        self._clock = clock

    async def report(
        self,
        session: AsyncSession,
        person_id: UUID,
        *,
        text: str,
        space_id: UUID | None,
        client_key: str,
        send_anyway: bool,
        language: Language,
    ) -> Confirmed | Offered:
        """Files an owner's words, unless they ask what articles answer and were not sent anyway.

        Raises HomeNotFound and MoreNeeded.
        """
        reporter = _at(await self._reporting.reporter(session, person_id), space_id)
        meaning = understand(text)
        offered = [] if send_anyway else await self._offering.for_question(session, meaning, reporter)
        if offered:
            return Offered(offered, self._answers.offered([one.article for one in offered], language))
        meaning = as_report(meaning)
        found = await self._reporting.report(
            session,
            meaning,
            reporter=reporter,
            channel=Channel.WEB,
            source_ref=f"web:{person_id}:{client_key or new_id()}",
        )
        if isinstance(found, Question):
            raise MoreNeeded(self._answers.question(found, language, homes=reporter.homes))
        assert not isinstance(found, BindFirst)  # a caller is a person
        reported = found.reported
        site = await self._catalog.site(session, Scope.everywhere(), reported.report.site_id)
        reader = Reader(language, ZoneInfo(site.timezone), self._clock.now())
        code = await self._reporting.rescue_code(session, found)
        return Confirmed(reported, self._answers.reported(reported, meaning.trouble, reader, rescue_code=code))


def _at(reporter: Reporter, space_id: UUID | None) -> Reporter:
    if space_id is None:
        return reporter
    homes = tuple(home for home in reporter.homes if home.space_id == space_id)
    if not homes:
        raise HomeNotFound(space_id)
    return replace(reporter, homes=homes)
