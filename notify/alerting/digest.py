"""The digest of low severities: what came up since the last one, told once to each reader instead of one by one."""

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.errors import AlarmNotFound
from alarms.service import AlarmService
from kit.access import Scope
from kit.clock import Clock
from kit.i18n import Language, Texts
from kit.logs import logger
from kit.sweeps import Sweep
from notify.alerting import repository
from notify.alerting.asking import ending_of
from notify.alerting.documents import route_of
from notify.alerting.models import AlertCase
from notify.alerting.policy import Step, step_at
from notify.alerting.reason import Reason
from notify.alerting.telling import AlertTelling, Chosen, facts_of
from notify.service import Notice, NotifyService
from people.service import PeopleService

log = logger(__name__)

SWEEP_EVERY = "* * * * *"
CASES_A_SWEEP = 5_000
TEMPLATE = "staff.alarm_digest"
MOST_NAMED = 5
# What nobody could be told waits so long for somebody to come on duty, or to answer for the site.
ASK_AGAIN_AFTER = timedelta(hours=1)


class Digests:
    """`failed` counts what is tried again."""

    def __init__(
        self, *, alarms: AlarmService, people: PeopleService, notify: NotifyService, telling: AlertTelling,
        failed: Counter, texts: Texts, clock: Clock,
    ) -> None:  # fmt: skip
        self._alarms = alarms
        self._people = people
        self._notify = notify
        self._telling = telling
        self._failed = failed
        self._texts = texts
        self._clock = clock

    def sweeps(self) -> tuple[Sweep, ...]:
        return (Sweep("alerting.digests", SWEEP_EVERY, self.sweep),)

    async def sweep(self, session: AsyncSession) -> bool:
        """One message a reader for everything that is due at a site by one route; True when there may be more."""
        due = await repository.take_due_digests(session, now=self._clock.now(), limit=CASES_A_SWEEP)
        batches: dict[tuple[UUID, str], list[AlertCase]] = defaultdict(list)
        for case in due:
            assert case.route is not None  # due, so it follows one
            batches[case.site_id, str(case.route["code"])].append(case)
        for (site_id, _), cases in batches.items():
            ids = [case.id for case in cases]
            try:
                async with session.begin_nested():
                    await self._tell(session, cases)
            except Exception:
                # The digest of one site that cannot be told keeps no other from its own.
                self._failed.inc(len(ids))
                log.exception("digest of alarms failed", site_id=str(site_id))
                for case_id in ids:
                    await repository.put_off(session, case_id, until=self._clock.now() + ASK_AGAIN_AFTER)
        return len(due) == CASES_A_SWEEP

    async def _tell(self, session: AsyncSession, cases: Sequence[AlertCase]) -> None:
        """What somebody knows already, or another message spoke for, is left out, and the record says so.

        While there is nobody to tell, nothing is: it waits, and is looked at again.
        """
        first = cases[0]
        assert first.route is not None  # due, so it follows one
        step = step_at(route_of(first.route), 0)
        readers = await self._telling.readers_of(session, first, step)
        now, listed, open_count = self._clock.now(), list[AlertCase](), 0
        if not readers and not step.destination_ids:
            for case in cases:
                case.next_at = now + ASK_AGAIN_AFTER
            return
        for case in cases:
            ending = await self._ending(session, case)
            if ending in (None, Reason.RETURNED, Reason.CLEARED):
                listed.append(case)
                open_count += _alarms(case) if ending is None else 0
            case.next_at, case.ended_at = None, now
            case.end_reason = (Reason.DIGESTED if case in listed else ending or Reason.GONE).value
            self._write(session, case, Reason(case.end_reason))
        if listed:
            await self._tell_readers(session, listed, step, readers, open_count)

    async def _tell_readers(
        self, session: AsyncSession, cases: Sequence[AlertCase], step: Step, readers: Mapping[UUID, Chosen],
        open_count: int,
    ) -> None:  # fmt: skip
        first = cases[0]
        assert first.route is not None
        alarms = str(sum(map(_alarms, cases)))
        key = f"alert/digest/{first.site_id}/{first.route['code']}/{int(self._clock.now().timestamp())}"
        for person_id in readers:
            language = (await self._people.contact(session, person_id)).language
            notice = Notice(
                key=key, person_id=person_id, template=TEMPLATE, site_id=first.site_id, link="/alarms",
                facts={"count": alarms, "open": str(open_count), "worst": self._named(cases, language)},
            )  # fmt: skip
            await self._notify.tell(session, notice)
            for case in cases:
                self._write(session, case, Reason.TOLD_DIGEST, person_id=person_id, key=key)
        for destination_id in step.destination_ids:
            for case in cases:
                await self._telling.tell_destination(session, case, destination_id)

    def _named(self, cases: Sequence[AlertCase], language: Language) -> str:
        """The most frequent, as `Pump 1: vibration ×3`."""
        told = [facts_of(case, self._texts, language) for case in cases]
        counted = Tally(f"{facts['equipment']} {facts['message']}" for facts in told)
        lines = [f"{words} ×{count}" if count > 1 else words for words, count in counted.most_common(MOST_NAMED)]
        return ("；" if language is Language.ZH else "; ").join(lines)

    async def _ending(self, session: AsyncSession, case: AlertCase) -> Reason | None:
        if case.group_id is not None:
            later = await repository.has_later_telling(session, group_id=case.group_id, telling=case.telling)
            return Reason.SUPERSEDED if later else None
        assert case.alarm_id is not None  # what is of no group is of one alarm
        try:
            return ending_of(await self._alarms.get(session, Scope.everywhere(), case.alarm_id))
        except AlarmNotFound:
            return Reason.GONE

    def _write(
        self, session: AsyncSession, case: AlertCase, reason: Reason, *, person_id: UUID | None = None, key: str = ""
    ) -> None:
        names = route_of(case.route).names if case.route is not None else {}
        facts = {"route": names, "policy_version": case.policy_version}
        repository.write_down(
            session, case, reason, at=self._clock.now(), facts=facts, person_id=person_id, key=key
        )  # fmt: skip


def _alarms(case: AlertCase) -> int:
    return int(case.about.get("alarms", 1))
