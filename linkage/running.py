"""An alarm sets actions off; each is done once at most, looked at right before, and what came of it is written down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from procrastinate import App
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.errors import AlarmNotFound
from alarms.events import AlarmRaised, AlarmSeverityChanged
from alarms.lifecycle import AlarmState
from alarms.service import AlarmService
from audit.recording import record
from device_adapters.commands.command import Answer
from device_adapters.commands.sending import WAY_S, Commands
from kit.access import Scope
from kit.clock import Clock
from kit.db import Database
from kit.events import publish
from kit.jobs import JobKind, defer
from kit.logs import logger
from kit.sweeps import Sweep
from linkage import repository
from linkage.checking import Checking, Hindered, Target
from linkage.events import LinkageMoved
from linkage.models import LinkageRule, LinkageRun
from linkage.rule import Action, AlarmNow, Doing, Hindrance, RunState, Said, Struck, holds, state_after
from linkage.settings import LinkageSettings
from linkage.telling import LinkageTelling

log = logger(__name__)

RUN_JOB = "linkage.run"
EVERY_FIVE_SECONDS = "* * * * * */5"
RUNS_A_SWEEP = 200
# What is counted of a run that was blocked because its alarm was over: nothing was lost with it.
NEEDLESS = "needless"
_HOUR = timedelta(hours=1)
# What is being sent has an end by itself; this long after it nobody is at it any more.
_INTERRUPTED_AFTER_S = 30.0


@dataclass(frozen=True)
class _Begun:
    action: Action
    timeout_s: float
    begun_at: datetime


class Running:
    def __init__(
        self, *, database: Database, app: App, commands: Commands, checking: Checking, alarms: AlarmService,
        telling: LinkageTelling, settings: LinkageSettings, clock: Clock, registry: CollectorRegistry,
    ) -> None:  # fmt: skip
        self._database = database
        self._app = app
        self._commands = commands
        self._checking = checking
        self._alarms = alarms
        self._telling = telling
        self._settings = settings
        self._clock = clock
        self._runs = Counter(
            "hub_linkage_runs", "Actions set off by alarms, by what came of them", ["state"], registry=registry
        )

    def job(self) -> JobKind:
        return JobKind(RUN_JOB, self.run_one)

    def sweeps(self) -> tuple[Sweep, ...]:
        return (
            Sweep("linkage.overdue", EVERY_FIVE_SECONDS, self.sweep_overdue),
            Sweep("linkage.alarms_over", EVERY_FIVE_SECONDS, self.sweep_alarms_over),
        )

    # --- alarms ------------------------------------------------------------------------------------------------------

    def may_act(self, event: AlarmRaised | AlarmSeverityChanged) -> bool:
        """Whether an alarm is worth a job: none is while linkage is switched off, so that none costs more for it then.

        Not for a test, nor for what another alarm explains: a sensor without power has not seen water.
        """
        if not self._settings.enabled or (isinstance(event, AlarmSeverityChanged) and not event.is_worse):
            return False
        return not event.is_test and (event.life_safety or event.root_id is None)

    async def on_alarm(self, session: AsyncSession, event: AlarmRaised | AlarmSeverityChanged) -> None:
        if not self._settings.enabled:
            return
        entry = self._commands.entry(event.equipment_id)
        struck = Struck(
            fault_mode=event.fault_mode, source_id=event.source_id, equipment_id=event.equipment_id,
            kind=None if entry is None else entry.kind, severity=event.severity,
        )  # fmt: skip
        for rule in await repository.enabled(session, event.site_id):
            try:
                said = Said.of(condition=rule.condition, actions=rule.actions)
            except msgspec.ValidationError as error:
                # Saved by another release: it must not keep the other rules from being set off.
                log.error("linkage rule cannot be read", rule_id=str(rule.id), error=str(error))
                self._runs.labels("unread").inc()
                continue
            # What stood already when somebody switched the rule on is theirs to look at.
            if event.onset_at >= rule.changed_at and holds(said.condition, struck):
                await self._set_off(session, rule, said.actions, event)

    async def _set_off(
        self, session: AsyncSession, rule: LinkageRule, actions: Sequence[Action],
        event: AlarmRaised | AlarmSeverityChanged,
    ) -> None:  # fmt: skip
        for number, action in enumerate(actions):
            listed = await repository.listing(session, action.equipment_id, action.point)
            # Not on the list any more: what looks at it right before doing says so, with everything else.
            needs_two = listed is not None and listed.needs_two
            now = self._clock.now()
            within_s = self._settings.confirm_within_s if needs_two else self._settings.start_within_s
            run_id = await repository.add_run(
                session, site_id=rule.site_id, rule_id=rule.id, rule_version=rule.version, alarm_id=event.alarm_id,
                onset_at=event.onset_at, number=number, equipment_id=action.equipment_id, point_key=action.point,
                value=action.value, needs_two=needs_two, created_at=now, expires_at=now + timedelta(seconds=within_s),
                state=RunState.AWAITING if needs_two else RunState.WAITING,
            )  # fmt: skip
            if run_id is None:
                continue
            if needs_two:
                await self._telling.waits(session, rule, run_id, action)
                moved = LinkageMoved(
                    site_id=rule.site_id, run_id=run_id, alarm_id=event.alarm_id, equipment_id=action.equipment_id
                )
                await publish(session, moved)
            else:
                await defer(session, self._app, RUN_JOB, run_id=str(run_id))

    async def confirmed(self, session: AsyncSession, run: LinkageRun) -> None:
        """Two persons said yes: it is to be begun now."""
        run.state = RunState.WAITING
        run.expires_at = self._clock.now() + timedelta(seconds=self._settings.start_within_s)
        await session.flush()
        await defer(session, self._app, RUN_JOB, run_id=str(run.id))

    # --- doing -------------------------------------------------------------------------------------------------------

    async def run_one(self, session: AsyncSession, *, run_id: str) -> None:
        """The job's own session stays unused: that it begins is committed before anything is sent, so that whoever
        comes after a crash sees it begun and does not do it again."""
        begun = await self._begin(UUID(run_id))
        if begun is None:
            return
        action = begun.action
        answer = await self._commands.write(
            action.equipment_id, action.point, action.value, timeout_s=begun.timeout_s, begun_at=begun.begun_at
        )  # fmt: skip
        async with self._database.transaction() as recording:
            run = await repository.lock_run(recording, Scope.everywhere(), UUID(run_id))
            if run is not None and run.ended_at is None:
                await self._end_with(recording, run, answer)

    async def _begin(self, run_id: UUID) -> _Begun | None:
        async with self._database.transaction() as session:
            run = await repository.lock_run(session, Scope.everywhere(), run_id)
            if run is None or run.state != RunState.WAITING:
                return None
            action = Action(run.equipment_id, run.point_key, run.value)
            # Else two that begin at once would both be the last one that the hour allows.
            await repository.take_turns(session, action.equipment_id, action.point)
            hindered = await self._hindered(session, run)
            target = hindered or await self._checking.target(session, action, site_id=run.site_id)
            if isinstance(target, Target) and target.listed.needs_two and run.seconded_by is None:
                # Marked since the alarm came: nobody has confirmed it.
                target = Hindered(Hindrance.NOT_LISTED, "two persons are needed now")
            if isinstance(target, Hindered):
                late = target.hindrance is Hindrance.TOO_LATE
                await self.end(
                    session, run, RunState.LAPSED if late else RunState.BLOCKED, reason=target.hindrance,
                    detail=target.detail,
                )  # fmt: skip
                return None
            now = self._clock.now()
            run.state, run.started_at = RunState.SENDING, now
            longest_s = target.listed.timeout_s + 2 * WAY_S + _INTERRUPTED_AFTER_S
            run.expires_at = now + timedelta(seconds=longest_s)
            return _Begun(action, target.listed.timeout_s, now)

    async def _hindered(self, session: AsyncSession, run: LinkageRun) -> Hindered | None:
        now = self._clock.now()
        is_enabled, version = await repository.rule_now(session, run.rule_id) or (False, run.rule_version)
        doing = Doing(
            is_on=self._settings.enabled and is_enabled,
            is_same_rule=version == run.rule_version,
            alarm=await self._alarm_now(session, run.alarm_id),
            expires_at=run.expires_at,
            done_this_hour=await repository.begun_since(session, run.equipment_id, run.point_key, now - _HOUR),
            most_an_hour=self._settings.most_an_hour,
        )
        found = doing.hindrance(now=now)
        if found is None and await self._alarms.locked_by(session, self._commands.moved_with(run.equipment_id)):
            found = Hindrance.LOCKED_OUT  # somebody may have their hands in it
        return None if found is None else Hindered(found)

    async def _alarm_now(self, session: AsyncSession, alarm_id: UUID) -> AlarmNow | None:
        try:
            alarm = await self._alarms.get(session, Scope.everywhere(), alarm_id)
        except AlarmNotFound:
            return None
        return AlarmNow(
            is_present=alarm.is_present, is_normal=alarm.state == AlarmState.NORMAL,
            is_held_back=alarm.suppressed_by is not None, is_test=alarm.is_test,
            is_explained=alarm.root_id is not None, life_safety=alarm.life_safety,
        )  # fmt: skip

    async def _end_with(self, session: AsyncSession, run: LinkageRun, answer: Answer) -> None:
        run.read_back = answer.read_back
        await self.end(session, run, state_after(answer.outcome), detail=answer.detail)

    async def end(
        self, session: AsyncSession, run: LinkageRun, state: RunState, *, reason: Hindrance | None = None,
        detail: str = "",
    ) -> None:  # fmt: skip
        """Writes down what came of it, for good: nothing begins a run again."""
        run.state, run.reason, run.detail, run.ended_at = state, reason, detail[:500], self._clock.now()
        await session.flush()
        # Nobody has to look at what was not done because there was nothing left to do it for.
        is_needless = reason is Hindrance.ALARM_OVER
        self._runs.labels(NEEDLESS if is_needless else state).inc()
        log.info("linkage run ended", run_id=str(run.id), state=state.value, reason=reason, detail=detail)
        facts = {
            "rule": run.rule_id, "alarm": run.alarm_id, "equipment": run.equipment_id, "point": run.point_key,
            "value": run.value, "state": state, "reason": reason, "read_back": run.read_back,
            "confirmed_by": run.confirmed_by, "seconded_by": run.seconded_by,
        }  # fmt: skip
        record(
            session, at=run.ended_at, action="linkage.run", kind="linkage_run", about=run.id, site_id=run.site_id,
            after=facts,
        )  # fmt: skip
        if state not in (RunState.DONE, RunState.REJECTED) and not is_needless:
            await self._telling.not_done(session, run)
        await publish(
            session,
            LinkageMoved(site_id=run.site_id, run_id=run.id, alarm_id=run.alarm_id, equipment_id=run.equipment_id),
        )

    async def sweep_alarms_over(self, session: AsyncSession) -> bool:
        """Nobody is asked to confirm what an alarm wanted that is over, or was muted or marked a test meanwhile."""
        for run in await repository.awaiting(session, limit=RUNS_A_SWEEP):
            alarm = await self._alarm_now(session, run.alarm_id)
            reason = Hindrance.ALARM_OVER if alarm is None else alarm.hindrance
            if reason is not None:
                await self.end(session, run, RunState.BLOCKED, reason=reason)
        return False

    async def sweep_overdue(self, session: AsyncSession) -> bool:
        """What nobody confirmed or began in time lapses; what was being sent when its process ended is not known."""
        found = await repository.overdue(session, now=self._clock.now(), limit=RUNS_A_SWEEP)
        for run in found:
            if run.state == RunState.SENDING:
                await self.end(session, run, RunState.UNCONFIRMED, reason=Hindrance.INTERRUPTED)
            else:
                await self.end(session, run, RunState.LAPSED, reason=Hindrance.TOO_LATE)
        return len(found) == RUNS_A_SWEEP
