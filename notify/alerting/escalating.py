"""From an alarm to its tellings: a case begins with the policy of that moment and follows it until somebody knows.

Life safety begins and is told in the very handler that hears of it, on the queue of its own. Everything else waits for
a sweep, which looks at the alarm again before it says anything.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.errors import AlarmNotFound
from alarms.events import AlarmAcknowledged, AlarmGroupGrew, AlarmRaised, AlarmReminded, AlarmSeverityChanged
from alarms.lifecycle import AlarmState
from alarms.models import Alarm
from alarms.service import AlarmService
from building.severity import Severity
from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock, to_ms
from kit.sweeps import Sweep
from notify.alerting import repository
from notify.alerting.documents import route_of, snapshot_of
from notify.alerting.models import AlertCase
from notify.alerting.policy import (
    Route,
    RouteMode,
    Subject,
    Wait,
    begins,
    next_after,
    route_for,
    step_at,
    without_people,
)
from notify.alerting.policy_book import AlertPolicies
from notify.alerting.reason import Reason
from notify.alerting.telling import AlertTelling, about_alarm, about_group
from notify.service import NotifyService

SWEEP_EVERY = "* * * * * */5"  # the last field is seconds
CASES_A_SWEEP = 200
DROPPED_A_NIGHT = 100_000

Spoke = AlarmRaised | AlarmSeverityChanged
IsWork = Callable[[Spoke], bool]
# What a later event about the same episode may begin again.
_BEGUN_AGAIN = frozenset(
    {Reason.HELD_BACK, Reason.ACKNOWLEDGED, Reason.EXPLAINED, Reason.GROUPED, Reason.RETURNED, Reason.TEST}
)


def is_for_people(event: Spoke) -> bool:
    """Whether an alarm is told by itself. What a root or a group speaks for is not, save a matter of life; nor is one
    that became less bad."""
    is_worse = not isinstance(event, AlarmSeverityChanged) or event.is_worse
    return is_worse and (event.life_safety or event.is_told_alone)


def is_ordinary_group(event: AlarmGroupGrew) -> bool:
    """Groups are of ordinary alarms only: whoever would put life safety into one is not followed here."""
    return not event.life_safety


class Escalations:
    """`is_work`: whether an alarm becomes an order, which then tells people itself."""

    def __init__(
        self, *, alarms: AlarmService, catalog: CatalogService, notify: NotifyService, policies: AlertPolicies,
        telling: AlertTelling, is_work: IsWork, clock: Clock, registry: CollectorRegistry, keep_days: int,
    ) -> None:  # fmt: skip
        self._alarms = alarms
        self._catalog = catalog
        self._notify = notify
        self._policies = policies
        self._telling = telling
        self._is_work = is_work
        self._clock = clock
        self._keep = timedelta(days=keep_days)
        self._ended = Counter(
            "hub_alert_cases_ended", "Alarms of which the telling ended, by what ended it", ["reason"],
            registry=registry,
        )  # fmt: skip

    def sweeps(self) -> tuple[Sweep, ...]:
        return (
            Sweep("alerting.due", SWEEP_EVERY, self.sweep_due),
            Sweep("alerting.expired", "41 3 * * *", self.sweep_expired),
        )

    # --- what happened ---------------------------------------------------------------------------------------------

    async def on_alarm_raised(self, session: AsyncSession, event: Spoke) -> None:
        """Raised, raised again after a hold, a test or a group, or worse than before."""
        alarm = await self._alarm(session, event.alarm_id)
        if alarm is not None:
            await self._take_up(session, alarm, is_work=self._is_work(event))

    async def on_group_grew(self, session: AsyncSession, event: AlarmGroupGrew) -> None:
        """Each growth is told once; what waited for the morning gives way to what came after it."""
        subject = Subject(severity=event.severity, life_safety=False, fault_mode="")
        case = await self._added(
            session, site_id=event.site_id, name=f"alert/group/{event.group_id}/{event.telling}", subject=subject,
            about=about_group(event), group_id=event.group_id, telling=event.telling,
        )  # fmt: skip
        if case is not None:
            await self._follow(session, case, subject, None)

    async def on_alarm_reminded(self, session: AsyncSession, event: AlarmReminded) -> None:
        """Nobody answered a chain that is over: its last step is told again, at an hour that suits it."""
        case = await repository.hold_newest_of(session, event.alarm_id)
        if case is None or case.end_reason != Reason.CHAIN_OVER or case.route is None:
            return
        in_force, zone = await self._policies.in_force(session, case.site_id), await self._zone(session, case.site_id)
        beginning = begins(in_force.policy, route_of(case.route), now=self._clock.now(), zone=zone)
        case.ended_at, case.end_reason, case.next_at = None, "", beginning.due_at
        self._write(session, case, Reason.REMINDED, until=beginning.due_at.isoformat())

    async def on_alarm_acknowledged(self, session: AsyncSession, event: AlarmAcknowledged) -> None:
        """Nobody else is told, and telephones that have not rung yet stay silent."""
        for case in await repository.open_cases_of(session, event.alarm_id):
            self._end(session, case, Reason.ACKNOWLEDGED, person_id=event.person_id)
        await self._notify.acknowledge(session, key=f"alert/alarm/{event.alarm_id}/")

    async def sweep_due(self, session: AsyncSession) -> bool:
        """Goes on with what is due; True when there may be more."""
        due = await repository.take_due(session, now=self._clock.now(), digests=False, limit=CASES_A_SWEEP)
        for case in due:
            await self._go_on(session, case)
        return len(due) == CASES_A_SWEEP

    async def sweep_expired(self, session: AsyncSession) -> None:
        await repository.drop_before(session, self._clock.now() - self._keep, limit=DROPPED_A_NIGHT)

    # --- beginning -------------------------------------------------------------------------------------------------

    async def _take_up(self, session: AsyncSession, alarm: Alarm, *, is_work: bool) -> None:
        subject = Subject(
            severity=Severity(alarm.severity), life_safety=alarm.life_safety, fault_mode=alarm.fault_mode
        )  # fmt: skip
        episode = f"alert/alarm/{alarm.id}/{to_ms(alarm.episode_onset_at)}/"
        name = f"{episode}{subject.severity}"
        known = await repository.hold_case(session, name)
        if known is not None:
            await self._begin_again(session, known, subject, alarm)
            return
        told_at = await repository.severities_of(session, alarm_id=alarm.id, subject_prefix=episode)
        if any(Severity(one).rank < subject.severity.rank for one in told_at):
            return  # it was worse before, and that was told
        for milder in await repository.open_cases_of(session, alarm.id):
            self._end(session, milder, Reason.SEVERITY_ROSE, severity=subject.severity.value)
        case = await self._added(
            session, site_id=alarm.site_id, name=name, subject=subject, about=about_alarm(alarm), alarm_id=alarm.id,
            is_work=is_work,
        )  # fmt: skip
        if case is not None:
            await self._follow(session, case, subject, alarm)

    async def _added(
        self, session: AsyncSession, *, site_id: UUID, name: str, subject: Subject, about: dict[str, Any],
        alarm_id: UUID | None = None, group_id: UUID | None = None, telling: int = 1, is_work: bool = False,
    ) -> AlertCase | None:  # fmt: skip
        return await repository.add_case(
            session, site_id=site_id, subject=name, alarm_id=alarm_id, group_id=group_id, telling=telling,
            about=about, severity=subject.severity.value, life_safety=subject.life_safety, is_work=is_work,
            policy_version=0, route=None, told=0, begun_at=self._clock.now(), next_at=None,
        )  # fmt: skip

    async def _follow(self, session: AsyncSession, case: AlertCase, subject: Subject, alarm: Alarm | None) -> None:
        """Takes the snapshot and says when the first telling is; a matter of life is told now."""
        if alarm is not None and alarm.is_test:
            await self._telling.tell_testers(session, case, alarm.equipment_id)
            self._end(session, case, Reason.TEST)
            return
        now, zone = self._clock.now(), await self._zone(session, case.site_id)
        in_force = await self._policies.in_force(session, case.site_id)
        case.policy_version = in_force.version
        route = route_for(in_force.policy, subject, now.astimezone(zone))
        if route is None:
            self._end(session, case, Reason.NO_ROUTE, policy_version=in_force.version)
            return
        if case.is_work and route.mode is RouteMode.TELL:
            route = replace(route, steps=without_people(route))
        beginning = begins(in_force.policy, route, now=now, zone=zone)
        case.route, case.next_at = snapshot_of(route), beginning.due_at
        self._write(
            session, case, _BEGINNINGS[beginning.wait], route=route.names, policy_version=in_force.version,
            until=beginning.due_at.isoformat(),
        )  # fmt: skip
        ending = _needless(case, route)
        if ending is not None:
            self._end(session, case, ending, route=route.names)
        elif case.life_safety:
            await self._go_on(session, case)

    async def _begin_again(self, session: AsyncSession, case: AlertCase, subject: Subject, alarm: Alarm) -> None:
        """The episode speaks up again: it was put away or a test, or somebody knew and it lasts."""
        is_asking = alarm.state == AlarmState.UNACKED and alarm.is_present
        if case.ended_at is None or not is_asking or case.end_reason not in _BEGUN_AGAIN:
            return
        case.telling, case.told, case.first_told_at = case.telling + 1, 0, None
        case.ended_at, case.end_reason = None, ""
        self._write(session, case, Reason.REOPENED)
        await self._follow(session, case, subject, alarm)

    # --- going on --------------------------------------------------------------------------------------------------

    async def _go_on(self, session: AsyncSession, case: AlertCase) -> None:
        ending = await self._ending(session, case)
        if ending is not None:
            self._end(session, case, ending)
            return
        assert case.route is not None  # due, so it follows one
        await self._tell(session, case, route_of(case.route))

    async def _ending(self, session: AsyncSession, case: AlertCase) -> Reason | None:
        """Why nothing more is to be said; looked at anew before each telling."""
        if case.group_id is not None:
            later = await repository.has_later_telling(session, group_id=case.group_id, telling=case.telling)
            return Reason.SUPERSEDED if later else None
        alarm = await self._alarm(session, case.alarm_id) if case.alarm_id else None
        return Reason.GONE if alarm is None else ending_of(alarm)

    async def _tell(self, session: AsyncSession, case: AlertCase, route: Route) -> None:
        now = self._clock.now()
        await self._telling.tell(session, case, step_at(route, case.told))
        case.told += 1
        case.first_told_at = case.first_told_at or now
        wait = None if case.group_id is not None else next_after(route, done=case.told)
        if wait is None:
            self._end(session, case, Reason.CHAIN_OVER)
            return
        case.next_at = max(case.first_told_at + wait, now)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _end(
        self, session: AsyncSession, case: AlertCase, reason: Reason, *, person_id: UUID | None = None, **facts: Any
    ) -> None:
        case.next_at, case.ended_at, case.end_reason = None, self._clock.now(), reason.value
        self._ended.labels(reason.value).inc()
        self._write(session, case, reason, person_id=person_id, **facts)

    def _write(
        self, session: AsyncSession, case: AlertCase, reason: Reason, *, person_id: UUID | None = None, **facts: Any
    ) -> None:
        repository.write_down(session, case, reason, at=self._clock.now(), facts=facts, person_id=person_id)

    async def _alarm(self, session: AsyncSession, alarm_id: UUID) -> Alarm | None:
        try:
            return await self._alarms.get(session, Scope.everywhere(), alarm_id)
        except AlarmNotFound:
            return None

    async def _zone(self, session: AsyncSession, site_id: UUID) -> ZoneInfo:
        return ZoneInfo((await self._catalog.site(session, Scope.everywhere(), site_id)).timezone)


_BEGINNINGS = {
    Wait.NONE: Reason.BEGUN,
    Wait.SETTLE: Reason.BEGUN,
    Wait.QUIET: Reason.WAITS_QUIET,
    Wait.DIGEST: Reason.WAITS_DIGEST,
}


def _needless(case: AlertCase, route: Route) -> Reason | None:
    """Why nothing is told by this route at all. Pure."""
    if route.mode is RouteMode.SILENT:
        return Reason.SILENT
    if case.is_work and (route.mode is RouteMode.DIGEST or not route.steps):
        return Reason.ORDER_TELLS
    return None


def ending_of(alarm: Alarm) -> Reason | None:
    """Why an alarm needs no further telling as it stands; None when it does. Pure.

    A matter of life is told until somebody acknowledges it, whatever else became of it.
    """
    if alarm.state == AlarmState.ACKED:
        return Reason.ACKNOWLEDGED
    if alarm.state == AlarmState.NORMAL:
        return Reason.CLEARED
    if alarm.is_test:
        return Reason.TEST
    if alarm.life_safety:
        return None
    if alarm.suppressed_by is not None:
        return Reason.HELD_BACK
    if alarm.root_id is not None:
        return Reason.EXPLAINED
    if alarm.group_id is not None:
        return Reason.GROUPED
    return None if alarm.is_present else Reason.RETURNED
