""" "Why was I woken?": every decision as a sentence, in the reader's language and the site's time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.i18n import Language, Texts
from notify.alerting import repository
from notify.alerting.errors import AlertCaseNotFound
from notify.alerting.models import AlertCase, AlertDecision
from notify.alerting.repository import CaseFilter
from notify.alerting.telling import facts_of, words_of
from notify.template import as_time
from people.service import PeopleService

MOST_DECISIONS = 1_000


@dataclass(frozen=True)
class Explained:
    """A decision and its sentence. `person_name` empty: it is about nobody, or about somebody erased since."""

    decision: AlertDecision
    text: str
    person_name: str = ""


class Explanations:
    def __init__(self, *, catalog: CatalogService, people: PeopleService, texts: Texts) -> None:
        self._catalog = catalog
        self._people = people
        self._texts = texts

    async def cases(
        self, session: AsyncSession, scope: Scope, wanted: CaseFilter, *, limit: int, offset: int
    ) -> tuple[Sequence[AlertCase], int]:
        """The newest first."""
        return await repository.cases(session, scope, wanted, limit=limit, offset=offset)

    async def of_case(
        self, session: AsyncSession, scope: Scope, case_id: UUID, *, language: Language
    ) -> tuple[AlertCase, list[Explained]]:
        """Everything that was decided in a case, as it happened. Raises AlertCaseNotFound."""
        case = await repository.case(session, scope, case_id)
        if case is None:
            raise AlertCaseNotFound(case_id)
        decisions = await repository.decisions_of(session, case_id, limit=MOST_DECISIONS)
        zone = await self._zone(session, case.site_id)
        known = await self._people.names(session, {one.person_id for one in decisions if one.person_id})
        names = {str(person_id): name for person_id, name in known.items()}
        return case, [self._explained(one, case, names, zone=zone, language=language) for one in decisions]

    async def of_person(
        self, session: AsyncSession, scope: Scope, person_id: UUID, *, language: Language, limit: int, offset: int
    ) -> tuple[list[tuple[AlertCase, Explained]], int]:
        """Why somebody was told, the newest first."""
        rows, total = await repository.tellings_of(session, scope, person_id, limit=limit, offset=offset)
        zones = {case.site_id: await self._zone(session, case.site_id) for _, case in rows}
        known = await self._people.names(session, [person_id])
        names = {str(one): name for one, name in known.items()}
        return [
            (case, self._explained(one, case, names, zone=zones[case.site_id], language=language)) for one, case in rows
        ], total

    def _explained(
        self, decision: AlertDecision, case: AlertCase, names: Mapping[str, str], *, zone: ZoneInfo, language: Language
    ) -> Explained:
        name = names.get(str(decision.person_id), "")
        facts = self._facts(decision, case, name, zone=zone, language=language)
        return Explained(decision, self._texts.text(f"notify.alerting.why.{decision.reason}", language, **facts), name)

    def _facts(
        self, decision: AlertDecision, case: AlertCase, name: str, *, zone: ZoneInfo, language: Language
    ) -> dict[str, Any]:
        kept = decision.facts
        return {
            **facts_of(case, self._texts, language),
            "time": _local(case.begun_at, zone),
            "person": name or self._texts.text("notify.alerting.somebody", language),
            "route": words_of(kept.get("route", {}), language),
            "step": kept.get("step", 1),
            "until": as_time(str(kept.get("until", "")), zone=zone),
            "by": self._by(str(kept.get("by", "")), language),
            "policy": kept.get("policy_version", case.policy_version),
        }

    def _by(self, word: str, language: Language) -> str:
        """A duty or role in words; the name of a destination as it is."""
        key = f"notify.alerting.by.{word}"
        return self._texts.text(key, language) if key in self._texts.keys(language) else word

    async def _zone(self, session: AsyncSession, site_id: UUID) -> ZoneInfo:
        return ZoneInfo((await self._catalog.site(session, Scope.everywhere(), site_id)).timezone)


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")
