"""One step of a case carried out: who is on duty now, what each is told, and why it was them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.events import AlarmGroupGrew
from alarms.models import Alarm
from alarms.testing.service import TestWindowService
from building.severity import Severity
from kit.clock import Clock
from kit.events import origin
from kit.i18n import Language, Texts
from notify.alerting import delivery_repository, repository
from notify.alerting.documents import route_of
from notify.alerting.models import AlertCase
from notify.alerting.policy import Step, Subject, urgency_of
from notify.alerting.posting import Posting
from notify.alerting.reason import Reason
from notify.policy import NotifyChannel, Urgency
from notify.service import Notice, NotifyService, reach_of
from people.errors import NobodyResponsible
from people.service import PeopleService
from people.views import Contact

TEMPLATE = "staff.alarm"
ASSIGNED_TEMPLATE = "staff.alarm_assigned"
LINK = "/alarms"
# A step that would tell more at once is a mistake in a roster, not a wish.
MOST_PEOPLE = 50


@dataclass(frozen=True)
class Chosen:
    """Somebody to tell and what made it them; `by` is the duty or role."""

    reason: Reason
    by: str = ""


class AlertTelling:
    def __init__(
        self, *, people: PeopleService, notify: NotifyService, posting: Posting, tests: TestWindowService,
        texts: Texts, clock: Clock, registry: CollectorRegistry,
    ) -> None:  # fmt: skip
        self._people = people
        self._notify = notify
        self._posting = posting
        self._tests = tests
        self._texts = texts
        self._clock = clock
        self._nobody_found = Counter(
            "hub_alerts_nobody_found", "Tellings of alarms for which nobody was on duty and nobody answers",
            registry=registry,
        )  # fmt: skip

    async def tell(self, session: AsyncSession, case: AlertCase, step: Step, *, holder_id: UUID | None = None) -> None:
        """Tells everybody of the step, or instead of them `holder_id`, who was given the alarm to look after."""
        chosen = await self._holder(session, holder_id) if step.names_people else {}
        for person_id, why in (chosen or await self.readers_of(session, case, step)).items():
            await self._tell_person(session, case, step, person_id, why)
        for destination_id in step.destination_ids:
            await self.tell_destination(session, case, destination_id)

    async def tell_assignee(self, session: AsyncSession, alarm: Alarm) -> None:
        """Once an assignment: the same event heard again says nothing."""
        assert alarm.assignee_id is not None  # the caller's word
        language = (await self._people.contact(session, alarm.assignee_id)).language
        about = about_alarm(alarm)
        notice = Notice(
            key=f"alert/assigned/{alarm.id}/{origin(session).event_id}", person_id=alarm.assignee_id,
            template=ASSIGNED_TEMPLATE, site_id=alarm.site_id, link=LINK,
            facts={
                "severity": self._texts.text(f"notify.alerting.severity.{alarm.severity}", language),
                "equipment": words_of(about["equipment"], language),
                "message": words_of(about["message"], language),
                "time": about["at"],
            },
            urgency=urgency_of(
                Subject(severity=Severity(alarm.severity), life_safety=False, fault_mode=alarm.fault_mode)
            ),
        )  # fmt: skip
        await self._notify.tell(session, notice)

    async def tell_testers(self, session: AsyncSession, case: AlertCase, equipment_id: UUID) -> None:
        """A test alarm concerns only who opened its test window."""
        for person_id in await self._tests.testers_of(session, equipment_id):
            await self._tell_person(session, case, Step(), person_id, Chosen(Reason.TOLD_TESTER))

    async def people_of(self, session: AsyncSession, site_id: UUID, step: Step) -> dict[UUID, Chosen]:
        """Whom a step means now, each once: the first thing that names somebody is why."""
        found: dict[UUID, Chosen] = {}
        now = self._clock.now()
        for duty in step.duties:
            for candidate in await self._people.on_duty(session, site_id=site_id, duty=duty, at=now):
                found.setdefault(candidate.person_id, Chosen(Reason.TOLD_DUTY, duty.value))
        for role in step.roles:
            for person_id in await self._people.holders(session, site_id=site_id, role=role):
                found.setdefault(person_id, Chosen(Reason.TOLD_ROLE, role.value))
        for person_id in await self._people.active(session, step.person_ids):
            found.setdefault(person_id, Chosen(Reason.TOLD_NAMED))
        return dict(list(found.items())[:MOST_PEOPLE])

    async def readers_of(self, session: AsyncSession, case: AlertCase, step: Step) -> dict[UUID, Chosen]:
        """As `people_of`; nobody on duty: whoever answers for the site, so that somebody knows."""
        chosen = await self.people_of(session, case.site_id, step)
        return chosen if chosen or not step.names_people else await self._answerable(session, case)

    async def _holder(self, session: AsyncSession, person_id: UUID | None) -> dict[UUID, Chosen]:
        if person_id is None or not await self._people.active(session, [person_id]):
            return {}
        return {person_id: Chosen(Reason.TOLD_ASSIGNED)}

    async def _answerable(self, session: AsyncSession, case: AlertCase) -> dict[UUID, Chosen]:
        try:
            manager = await self._people.duty_manager(session, case.site_id)
        except NobodyResponsible:
            self._nobody_found.inc()
            self._write(session, case, Reason.NOBODY_FOUND)
            return {}
        return {manager.person_id: Chosen(Reason.TOLD_ANSWERABLE)}

    async def _tell_person(
        self, session: AsyncSession, case: AlertCase, step: Step, person_id: UUID, why: Chosen
    ) -> None:
        contact = await self._people.contact(session, person_id)
        key = key_of(case)
        notice = Notice(
            key=key, person_id=person_id, template=TEMPLATE, facts=facts_of(case, self._texts, contact.language),
            site_id=case.site_id, urgency=_urgency(case), link=LINK,
            # A wished channel rules out the call that follows silence.
            channel=None if case.life_safety else _channel(step, contact),
        )  # fmt: skip
        await self._notify.tell(session, notice)
        self._write(session, case, why.reason, person_id=person_id, key=key, by=why.by)

    async def tell_destination(self, session: AsyncSession, case: AlertCase, destination_id: UUID) -> None:
        """Says it there too; one that is switched off or gone is left out, and the record says so."""
        destination = await delivery_repository.destination_by_id(session, destination_id)
        if destination is None or not destination.is_enabled:
            self._write(session, case, Reason.DESTINATION_OFF, destination_id=destination_id)
            return
        key = key_of(case)
        message = self._posting.message(case, facts_of(case, self._texts, Language(destination.language)), destination)
        await self._posting.queue(session, destination, key=key, message=message, urgency=_urgency(case))
        self._write(
            session, case, Reason.TOLD_DESTINATION, destination_id=destination_id, key=key, by=destination.name
        )  # fmt: skip

    def _write(
        self, session: AsyncSession, case: AlertCase, reason: Reason, *, person_id: UUID | None = None,
        destination_id: UUID | None = None, key: str = "", by: str = "",
    ) -> None:  # fmt: skip
        names = route_of(case.route).names if case.route is not None else {}
        facts = {"step": case.told + 1, "by": by, "route": names, "policy_version": case.policy_version}
        repository.write_down(
            session, case, reason, at=self._clock.now(), facts=facts, person_id=person_id,
            destination_id=destination_id, key=key,
        )  # fmt: skip


def key_of(case: AlertCase) -> str:
    """Names one telling: the same is never said twice to one person by one channel."""
    return f"{case.subject}/{case.telling}/{case.told}"


def about_alarm(alarm: Alarm) -> dict[str, Any]:
    """What a message says of an alarm, snapshotted: names change, what was told does not."""
    return {
        "equipment": {"zh-CN": alarm.equipment_name, "en": alarm.equipment_name},
        "message": {str(language): str(words) for language, words in alarm.message.items()},
        "at": alarm.episode_onset_at.isoformat(),
        "equipment_code": alarm.equipment_code,
        "site_code": alarm.site_code,
        "fault_mode": alarm.fault_mode,
    }


def about_group(event: AlarmGroupGrew, *, site_code: str) -> dict[str, Any]:
    """As `about_alarm`. `root_id`: the alarm that explains those of the group."""
    return {
        "group": event.kind.value,
        "alarms": event.alarms,
        "equipment_kind": event.equipment_kind or "",
        "root_id": None if event.root_id is None else str(event.root_id),
        "site_code": site_code,
    }


def facts_of(case: AlertCase, texts: Texts, language: Language) -> dict[str, str]:
    """The facts of the template, in the reader's language."""
    about: Mapping[str, Any] = case.about
    severity = texts.text(f"notify.alerting.severity.{case.severity}", language)
    if "group" in about:
        kind = texts.text(f"notify.alerting.group.{about['group']}", language)
        message = texts.text("notify.alerting.group_message", language, count=about["alarms"])
        return {"severity": severity, "equipment": kind, "message": message, "time": case.begun_at.isoformat()}
    return {
        "severity": severity,
        "equipment": words_of(about["equipment"], language),
        "message": words_of(about["message"], language),
        "time": about["at"],
    }


def words_of(words: Mapping[str, str], language: Language) -> str:
    return words.get(language.value) or next(iter(words.values()), "")


def _urgency(case: AlertCase) -> Urgency:
    return urgency_of(Subject(severity=Severity(case.severity), life_safety=case.life_safety, fault_mode=""))


def _channel(step: Step, contact: Contact) -> NotifyChannel | None:
    """The wished channel where it reaches them; None lets the usual order of channels decide."""
    reach = reach_of(contact)
    match step.channel:
        case NotifyChannel.WECHAT if reach.wechat:
            return NotifyChannel.WECHAT
        case NotifyChannel.WECOM if reach.wecom:
            return NotifyChannel.WECOM
        case NotifyChannel.SMS | NotifyChannel.VOICE if reach.phone:
            return step.channel
        case _:
            return None
