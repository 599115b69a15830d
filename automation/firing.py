"""Events set rules off: each at most once an event, at once or after a delay, never by their own doing.

A handler writes down what is set off; a job, or the sweep where the job was lost, does it in one transaction with its
record. Condition and version are those of the rule when the event came.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from procrastinate import App
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from automation import repository
from automation.acting import Acting
from automation.condition import Fact, holds
from automation.errors import RuleInvalid
from automation.facts import could_hold, event_of_escalation, facts_of
from automation.models import RuleFiring
from automation.repository import Versioned
from automation.rule import Rule, read_rule
from automation.vocabulary import Trigger
from kit.access import Scope
from kit.clock import Clock
from kit.errors import DomainError
from kit.events import Origin, origin, set_origin
from kit.jobs import JobKind, defer
from kit.logs import logger
from kit.sweeps import Sweep
from ticketing.events import WorkOrderEscalated, WorkOrderJoined, WorkOrderMoved, WorkOrderOpened
from ticketing.feedback.events import OrderRated
from ticketing.order_view import OrderView
from ticketing.outlook import Outlook
from ticketing.proof.events import ProofDecided

log = logger(__name__)

FIRE_JOB = "automation.fire"
FIRINGS_A_SWEEP = 200
# A rule that sets off a rule that sets off a rule: further than this nobody means it.
MOST_CAUSES = 3
# Whatever sets a rule off again and again about one order within a day is no help any more.
MOST_A_DAY = 20
_DAY = timedelta(days=1)
# The database itself: the whole firing is done again.
_AWAY = (InterfaceError, OperationalError)


class FiringState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"  # at least one action was refused
    LAPSED = "lapsed"  # the condition did not hold any more, or the rule was switched off
    STOPPED = "stopped"  # it would have gone in circles


class Firing:
    def __init__(
        self, *, outlook: Outlook, acting: Acting, app: App, clock: Clock, registry: CollectorRegistry
    ) -> None:
        self._outlook = outlook
        self._acting = acting
        self._app = app
        self._clock = clock
        self._fired = Counter(
            "hub_rule_firings_total", "Rules on orders that were set off, by what came of it.", ["outcome"],
            registry=registry,
        )  # fmt: skip

    def job(self) -> JobKind:
        return JobKind(FIRE_JOB, self.fire_one)

    def sweeps(self) -> tuple[Sweep, ...]:
        return (Sweep("automation.due", "* * * * * */5", self.sweep_due),)

    # --- events ----------------------------------------------------------------------------------------------------

    async def on_opened(self, session: AsyncSession, event: WorkOrderOpened) -> None:
        await self._consider(session, event.work_order_id, event.site_id, {Trigger.OPENED: {}})

    async def on_joined(self, session: AsyncSession, event: WorkOrderJoined) -> None:
        said = {"event.by_alarm": event.alarm_id is not None}
        await self._consider(session, event.work_order_id, event.site_id, {Trigger.JOINED: said})

    async def on_moved(self, session: AsyncSession, event: WorkOrderMoved) -> None:
        said = {"event.action": str(event.action), "event.before": str(event.before), "event.after": str(event.after)}
        await self._consider(session, event.work_order_id, event.site_id, {Trigger.MOVED: said})

    async def on_escalated(self, session: AsyncSession, event: WorkOrderEscalated) -> None:
        said = {"event.reason": str(event.reason)}
        triggers = dict.fromkeys(event_of_escalation(event.reason), said)
        await self._consider(session, event.work_order_id, event.site_id, triggers)

    async def on_rated(self, session: AsyncSession, event: OrderRated) -> None:
        marks = {"speed": event.speed, "attitude": event.attitude, "quality": event.quality}
        said: dict[str, Fact] = {f"event.{name}": float(mark) for name, mark in marks.items()}
        said["event.lowest"] = float(min(marks.values()))
        await self._consider(session, event.work_order_id, event.site_id, {Trigger.RATED: said})

    async def on_proved(self, session: AsyncSession, event: ProofDecided) -> None:
        said = {"event.verdict": str(event.verdict)}
        await self._consider(session, event.work_order_id, event.site_id, {Trigger.PROVED: said})

    async def _consider(
        self, session: AsyncSession, work_order_id: UUID, site_id: UUID, said: Mapping[Trigger, Mapping[str, Fact]]
    ) -> None:
        found = await repository.enabled(session, site_id=site_id, triggers=list(said))
        if not found:
            return
        order = await self._outlook.view(session, work_order_id)
        for versioned in found:
            try:
                await self._set_off(session, order, versioned, said[Trigger(versioned.rule.trigger)])
            except RuleInvalid as unread:
                # Saved by a release that knew more: it must not keep the other rules from being set off.
                self._fired.labels("error").inc()
                log.error("rule cannot be read", rule_id=str(versioned.rule.id), where=unread.where)

    async def _set_off(
        self, session: AsyncSession, order: OrderView, versioned: Versioned, event: Mapping[str, Fact]
    ) -> None:
        rule, now = read_rule(versioned.said.document), self._clock.now()
        facts = facts_of(order.values, event, now=now)
        if not (could_hold(rule.condition, facts) if rule.delay_min else holds(rule.condition, facts)):
            return
        came_from, rule_id = origin(session), versioned.rule.id
        assert came_from.event_id is not None  # handlers run as jobs, which have one
        stopped = await self._why_stopped(session, rule_id, order.id, came_from)
        firing_id = await repository.add_firing(
            session, site_id=order.site_id, rule_id=rule_id, rule_version=versioned.said.version,
            work_order_id=order.id, event_id=came_from.event_id, trigger=rule.trigger, event_facts=dict(event),
            causes=list(came_from.causes), happened_at=now, due_at=now + timedelta(minutes=rule.delay_min),
            state=FiringState.STOPPED if stopped else FiringState.WAITING, ended_at=now if stopped else None,
            outcomes=[{"result": "stopped", "reason": stopped}] if stopped else [],
        )  # fmt: skip
        if firing_id is None:
            return
        if stopped:
            self._fired.labels(FiringState.STOPPED).inc()
            log.warning("rule stopped", rule_id=str(rule_id), work_order_id=str(order.id), reason=stopped)
        elif not rule.delay_min:
            await defer(session, self._app, FIRE_JOB, firing_id=str(firing_id))

    async def _why_stopped(
        self, session: AsyncSession, rule_id: UUID, work_order_id: UUID, came_from: Origin
    ) -> str | None:
        if str(rule_id) in came_from.causes:
            return "own_action"
        if len(came_from.causes) >= MOST_CAUSES:
            return "too_deep"
        since = self._clock.now() - _DAY
        fired = await repository.fired_since(session, rule_id=rule_id, work_order_id=work_order_id, since=since)
        return "too_often" if fired >= MOST_A_DAY else None

    # --- doing -----------------------------------------------------------------------------------------------------

    async def fire_one(self, session: AsyncSession, *, firing_id: str) -> None:
        await self._fire(session, UUID(firing_id))

    async def sweep_due(self, session: AsyncSession) -> None:
        """What has become due, and what a lost job left. Each in a savepoint: one that fails keeps nobody waiting."""
        for firing_id in await repository.due_firings(session, now=self._clock.now(), limit=FIRINGS_A_SWEEP):
            try:
                async with session.begin_nested():
                    await self._fire(session, firing_id)
            except _AWAY:
                raise
            except Exception:
                self._fired.labels("error").inc()
                log.exception("rule left to the next sweep", firing_id=str(firing_id))

    async def _fire(self, session: AsyncSession, firing_id: UUID) -> None:
        now = self._clock.now()
        firing = await repository.lock_waiting(session, firing_id, now=now)
        if firing is None:
            return
        standing = await repository.rule(session, Scope.everywhere(), firing.rule_id)
        said = await repository.version(session, firing.rule_id, firing.rule_version)
        assert standing is not None  # the foreign keys' word
        assert said is not None
        try:
            rule = read_rule(said.document)
        except RuleInvalid as unread:
            self._end(firing, FiringState.FAILED, [{"result": "refused", "code": unread.code(), "facts": unread.facts}])
            return
        order = await self._outlook.view(session, firing.work_order_id)
        lapsed = None if standing.is_enabled else "disabled"
        if lapsed is None and not holds(rule.condition, facts_of(order.values, firing.event_facts, now=now)):
            lapsed = "condition"
        if lapsed is not None:
            self._end(firing, FiringState.LAPSED, [{"result": "lapsed", "reason": lapsed}])
            return
        before = origin(session)
        set_origin(session, Origin(before.event_id, (*firing.causes, str(firing.rule_id))))
        try:
            outcomes = await self._act(session, firing, standing.name, rule, order)
        finally:
            set_origin(session, before)
        failed = any(one["result"] == "refused" for one in outcomes)
        self._end(firing, FiringState.FAILED if failed else FiringState.DONE, outcomes)

    async def _act(
        self, session: AsyncSession, firing: RuleFiring, name: str, rule: Rule, order: OrderView
    ) -> Sequence[dict[str, Any]]:
        """Each action in a savepoint of its own: one that is refused does not keep the others from being done."""
        outcomes: list[dict[str, Any]] = []
        for number, action in enumerate(rule.actions):
            try:
                async with session.begin_nested():
                    outcomes.append(await self._acting.do(session, firing, name, action, order, number=number))
            except DomainError as refused:
                log.warning("action of a rule refused", firing_id=str(firing.id), number=number, error=str(refused))
                outcomes.append({"result": "refused", "code": refused.code(), "facts": _plain(refused.facts)})
            except _AWAY:
                raise
            except Exception as error:
                # Tried again it would fail again, and keep the others of this rule from ever being done.
                log.exception("action of a rule failed", firing_id=str(firing.id), number=number)
                outcomes.append({"result": "refused", "code": "unexpected", "facts": {"error": type(error).__name__}})
        return outcomes

    def _end(self, firing: RuleFiring, state: FiringState, outcomes: Sequence[dict[str, Any]]) -> None:
        firing.state, firing.outcomes, firing.ended_at = state.value, list(outcomes), self._clock.now()
        self._fired.labels(state).inc()


def _plain(facts: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(fact) for name, fact in facts.items()}
