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
from alarms.events import (
    AlarmAcknowledged,
    AlarmAssigned,
    AlarmGroupGrew,
    AlarmRaised,
    AlarmReminded,
    AlarmSeverityChanged,
)
from alarms.models import Alarm
from alarms.service import AlarmService
from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.logs import logger
from kit.sweeps import Sweep
from notify.alerting import repository
from notify.alerting.asking import (
    answered_keys,
    case_name,
    ending_of,
    episode_name,
    gravity_of,
    is_answered,
    may_speak_again,
    subject_of,
    to_carry_on,
)
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

log = logger(__name__)

SWEEP_EVERY = "* * * * * */5"  # the last field is seconds
CASES_A_SWEEP = 200
# What could not be told is tried again so much later, out of the way of what can.
PUT_OFF = timedelta(minutes=1)
DROPPED_A_NIGHT = 100_000

Spoke = AlarmRaised | AlarmSeverityChanged
IsWork = Callable[[Spoke], bool]


def is_for_people(event: Spoke) -> bool:
    """Whether an alarm is told by itself. What a root or a group speaks for is not, save a matter of life; nor is one
    that became less bad."""
    is_worse = not isinstance(event, AlarmSeverityChanged) or event.is_worse
    return is_worse and (event.life_safety or event.is_told_alone)


def is_ordinary_group(event: AlarmGroupGrew) -> bool:
    """Groups are of ordinary alarms only: whoever would put life safety into one is not followed here."""
    return not event.life_safety


class Escalations:
    """`is_work`: whether an alarm becomes an order, which then tells people itself. `failed` counts what is tried
    again."""

    def __init__(
        self, *, alarms: AlarmService, catalog: CatalogService, notify: NotifyService, policies: AlertPolicies,
        telling: AlertTelling, is_work: IsWork, failed: Counter, clock: Clock, registry: CollectorRegistry,
        keep_days: int,
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
        self._failed = failed

    def sweeps(self) -> tuple[Sweep, ...]:
        return (
            # A turn of its own: however many ordinary alarms are due, or go wrong, a matter of life is not behind them.
            Sweep("alerting.due_life_safety", SWEEP_EVERY, self.sweep_due_life_safety),
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
        """Each growth is told once; what waited for the morning gives way to what came after it. One that is no worse
        climbs on from when the group was first told, so that what grows and grows does not stay at its first step."""
        subject = Subject(severity=event.severity, life_safety=False, fault_mode="")
        site = await self._catalog.site(session, Scope.everywhere(), event.site_id)
        earlier = await repository.open_case_of_group(session, event.group_id)
        case = await self._added(
            session, site_id=event.site_id, name=f"alert/group/{event.group_id}/{event.telling}", subject=subject,
            about=about_group(event, site_code=site.code), group_id=event.group_id, telling=event.telling,
        )  # fmt: skip
        if case is None:
            return
        if earlier is not None and gravity_of(earlier) <= gravity_of(subject):
            case.first_told_at = earlier.first_told_at
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
        """Nobody else is told of what was acknowledged, and telephones that have not rung yet stay silent."""
        # The cases first: of an alarm that was raised again since, its state is then seen too.
        cases = await repository.unanswered_cases_of(session, event.alarm_id)
        alarm = await self._alarm(session, event.alarm_id)
        for case in cases:
            if is_answered(case, alarm, event):
                self._end(session, case, Reason.ACKNOWLEDGED, person_id=event.person_id)
        key = answered_keys(alarm, event)
        if key is not None:
            await self._notify.acknowledge(session, key=key)

    async def on_alarm_assigned(self, session: AsyncSession, event: AlarmAssigned) -> None:
        """Whoever was given an alarm to look after hears of it; who took it knows."""
        alarm = await self._alarm(session, event.alarm_id)
        is_news = event.assignee_id is not None and event.assignee_id != event.actor_id
        if alarm is not None and is_news and alarm.assignee_id == event.assignee_id:
            await self._telling.tell_assignee(session, alarm)

    async def sweep_due(self, session: AsyncSession) -> bool:
        """Goes on with what is due and no matter of life; True when there may be more."""
        return await self._sweep(session, life_safety=False)

    async def sweep_due_life_safety(self, session: AsyncSession) -> bool:
        """As `sweep_due`, of matters of life."""
        return await self._sweep(session, life_safety=True)

    async def sweep_expired(self, session: AsyncSession) -> None:
        await repository.drop_before(session, self._clock.now() - self._keep, limit=DROPPED_A_NIGHT)

    # --- beginning -------------------------------------------------------------------------------------------------

    async def _take_up(self, session: AsyncSession, alarm: Alarm, *, is_work: bool) -> None:
        subject, episode, name = subject_of(alarm), episode_name(alarm), case_name(alarm)
        cases = await repository.cases_of_episode(session, alarm.id, episode=episode)
        ours = [case for case in cases if case.subject.startswith(episode)]
        earlier = to_carry_on([case for case in cases if case not in ours], subject, is_work=is_work)
        if not ours and earlier is not None:
            await self._carry_on(session, earlier, alarm)
            return
        told = [case for case in ours if gravity_of(case) <= gravity_of(subject)]
        if not may_speak_again(told, alarm, is_work=is_work):
            return
        for other in cases:
            if other.ended_at is None:
                reason = Reason.SEVERITY_ROSE if other in ours else Reason.RAISED_ANEW
                self._end(session, other, reason, severity=subject.severity.value)
        known = next((case for case in ours if case.subject == name), None)
        if known is not None:
            await self._begin_again(session, known, subject, alarm, is_work=is_work)
            return
        case = await self._added(
            session, site_id=alarm.site_id, name=name, subject=subject, about=about_alarm(alarm), alarm_id=alarm.id,
            is_work=is_work,
        )  # fmt: skip
        if case is not None:
            await self._follow(session, case, subject, alarm)

    async def _carry_on(self, session: AsyncSession, case: AlertCase, alarm: Alarm) -> None:
        """It came again, and nobody has answered yet: whoever is next is told when they would have been anyway. Of a
        matter of life whoever was told last hears at once that it is back."""
        for other in await repository.unanswered_cases_of(session, alarm.id):
            if other.id != case.id and other.ended_at is None:
                self._end(session, other, Reason.RAISED_ANEW)
        case.subject, case.about = f"{episode_name(alarm)}{case.subject.split('/', 4)[-1]}", about_alarm(alarm)
        self._write(session, case, Reason.CAME_AGAIN)
        if case.life_safety:
            case.told = max(case.told - 1, 0)
            await self._go_on(session, case)

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

    async def _begin_again(
        self, session: AsyncSession, case: AlertCase, subject: Subject, alarm: Alarm, *, is_work: bool
    ) -> None:
        """The episode speaks up again. Whether it is work may have changed: its order may be closed, or its rule."""
        case.telling, case.told, case.first_told_at = case.telling + 1, 0, None
        case.ended_at, case.end_reason, case.is_work = None, "", is_work
        self._write(session, case, Reason.REOPENED)
        await self._follow(session, case, subject, alarm)

    # --- going on --------------------------------------------------------------------------------------------------

    async def _sweep(self, session: AsyncSession, *, life_safety: bool) -> bool:
        due = await repository.take_due(session, now=self._clock.now(), life_safety=life_safety, limit=CASES_A_SWEEP)
        for case_id, case in [(case.id, case) for case in due]:
            try:
                async with session.begin_nested():
                    await self._go_on(session, case)
            except Exception:
                # One that cannot be told keeps nobody from being told of the others.
                self._failed.inc()
                log.exception("telling of an alarm failed", case_id=str(case_id))
                await repository.put_off(session, case_id, until=self._clock.now() + PUT_OFF)
        return len(due) == CASES_A_SWEEP

    async def _go_on(self, session: AsyncSession, case: AlertCase) -> None:
        alarm = await self._alarm(session, case.alarm_id) if case.alarm_id else None
        ending = await self._ending(session, case, alarm)
        if ending is not None:
            self._end(session, case, ending)
            return
        assert case.route is not None  # due, so it follows one
        await self._tell(session, case, route_of(case.route), alarm)

    async def _ending(self, session: AsyncSession, case: AlertCase, alarm: Alarm | None) -> Reason | None:
        """Why nothing more is to be said; looked at anew before each telling."""
        if case.group_id is None:
            return Reason.GONE if alarm is None else ending_of(alarm)
        if await repository.has_later_telling(session, group_id=case.group_id, telling=case.telling):
            return Reason.SUPERSEDED
        if not case.told:
            return None
        standing = await self._alarms.group_standing(session, case.group_id, since=case.begun_at)
        if standing.is_acknowledged:
            return Reason.ACKNOWLEDGED
        return None if standing.is_asking else Reason.RETURNED

    async def _tell(self, session: AsyncSession, case: AlertCase, route: Route, alarm: Alarm | None) -> None:
        now = self._clock.now()
        is_first = case.told == 0 and not case.life_safety and alarm is not None
        holder_id = alarm.assignee_id if alarm is not None and is_first else None
        await self._telling.tell(session, case, step_at(route, case.told), holder_id=holder_id)
        case.told += 1
        case.first_told_at = case.first_told_at or now
        wait = next_after(route, done=case.told) if await self._climbs(session, case) else None
        if wait is None:
            self._end(session, case, Reason.CHAIN_OVER)
            return
        case.next_at = max(case.first_told_at + wait, now)

    async def _climbs(self, session: AsyncSession, case: AlertCase) -> bool:
        """Whether those further up are told too. What a root explains needs no chain beside the root's, unless
        it is worse than that."""
        root_id = case.about.get("root_id")
        root = await self._alarm(session, UUID(root_id)) if root_id else None
        return root is None or gravity_of(case) < gravity_of(subject_of(root))

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
