"""Looks at the telemetry behind orders that are said to be done, and does what its verdict means.

The store is asked before the order's row is held, so that a slow store keeps nobody from working.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.models import Alarm
from alarms.service import AlarmService
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish
from kit.ids import new_id
from kit.logs import logger
from kit.sweeps import Sweep
from ticketing import repository
from ticketing.actor import Actor
from ticketing.errors import IllegalTransition, IncidentTakenOver, NotYourOrder
from ticketing.events import WorkOrderChanged, WorkOrderEscalated
from ticketing.flow import Action
from ticketing.journal import Entry, record
from ticketing.kinds import ClosingCode
from ticketing.models import WorkOrder
from ticketing.moving import Moving
from ticketing.proof import repository as proof_repository
from ticketing.proof.events import ProofDecided
from ticketing.proof.evidence import ProofSource, Suspect
from ticketing.proof.models import OrderProof
from ticketing.proof.verdict import (
    Condition,
    Doubt,
    Proof,
    Refuted,
    Unproved,
    Verdict,
    Verified,
    Wait,
    Window,
    weigh,
)
from ticketing.sweeping import Sweeping
from ticketing.words import Words

log = logger(__name__)

# Each asks the store a few questions; a sweep may rest in its transaction for a minute at most.
ROWS_A_SWEEP = 20
# An order whose look failed makes room for the others: so many that fail would be all that a sweep ever sees.
AGAIN_AFTER = timedelta(minutes=5)


class Proving:
    def __init__(
        self, *, moving: Moving, alarms: AlarmService, source: ProofSource, sweeping: Sweeping, clock: Clock,
        registry: CollectorRegistry,
    ) -> None:  # fmt: skip
        self._moving = moving
        self._alarms = alarms
        self._source = source
        self._sweeping = sweeping
        self._clock = clock
        self._verdicts = Counter(
            "hub_work_order_proofs_total", "What telemetry said of work that was said to be done.", ["verdict"],
            registry=registry,
        )  # fmt: skip

    def sweep(self) -> Sweep:
        """To be registered with the job runner."""
        return Sweep("ticketing.proof", "* * * * * */15", self.look)

    async def look(self, session: AsyncSession) -> None:
        """Each order that is due, in a savepoint of its own: one that cannot be handled is looked at again later and
        keeps nobody else waiting."""
        for work_order_id in await proof_repository.due(session, now=self._clock.now(), limit=ROWS_A_SWEEP):
            try:
                async with session.begin_nested():
                    await self._look_at(session, work_order_id)
            except Exception:
                self._sweeping.note_failure("proof", work_order_id)
                now = self._clock.now()
                await proof_repository.look_later(session, work_order_id, at=now + AGAIN_AFTER, now=now)

    async def refute(self, session: AsyncSession, order: WorkOrder, *, reason: str) -> None:
        """It was heard again after it was said to be done: `order`, whose row is held, is reopened at once."""
        if order.proof is not None:
            await self._decided(session, order, Refuted())
        await self._reopen(session, order, reason=reason)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _look_at(self, session: AsyncSession, work_order_id: UUID) -> None:
        order = await repository.order(session, Scope.everywhere(), work_order_id)
        assert order is not None  # orders are never deleted
        now, seen = self._clock.now(), order.version
        verdict = await self._verdict(session, order, now=now)
        held = await repository.lock_order(session, Scope.everywhere(), work_order_id)
        assert held is not None
        if held.version != seen or held.proof_due_at is None or held.proof_due_at > now:
            return  # somebody decided, or an alarm spoke, while the store was asked
        await self._follow(session, held, verdict)

    async def _verdict(self, session: AsyncSession, order: WorkOrder, *, now: datetime) -> Verdict:
        assert order.done_at is not None  # a window begins with it
        window = Window(
            order.done_at,
            length=timedelta(minutes=order.proof_window_min),
            in_band=timedelta(minutes=order.proof_in_band_min),
            said_to_be_false=order.closing_code == ClosingCode.FALSE_ALARM,
        )
        alarms = await alarms_behind(session, self._alarms, order.id)
        conditions = [await self._condition(session, alarm, since=order.done_at, now=now) for alarm in alarms]
        return weigh(window, conditions, now=now)

    async def _condition(self, session: AsyncSession, alarm: Alarm, *, since: datetime, now: datetime) -> Condition:
        trust = await self._source.trust(session, suspect_of(alarm), since=since, now=now)
        if alarm.is_present:
            return Condition(is_present=True, since=alarm.episode_onset_at, trust=trust)
        return Condition(is_present=False, since=alarm.returned_at or since, trust=trust)

    async def _follow(self, session: AsyncSession, order: WorkOrder, verdict: Verdict) -> None:
        match verdict:
            case Wait(until):
                order.proof_due_at = until
            case Verified():
                await self._decided(session, order, verdict)
                await self._verify(session, order)
            case Refuted():
                await self._decided(session, order, verdict)
                await self._reopen(session, order, reason="proof_missing")
            case Unproved(doubt):
                await self._decided(session, order, verdict)
                await self._tell_supervisor(session, order, doubt)

    async def _decided(self, session: AsyncSession, order: WorkOrder, verdict: Verified | Refuted | Unproved) -> None:
        assert order.done_at is not None  # a window begins with it
        now = self._clock.now()
        doubt = verdict.doubt if isinstance(verdict, Unproved) else None
        row = OrderProof(
            id=new_id(), site_id=order.site_id, work_order_id=order.id, attempt=order.attempt,
            verdict=word_of(verdict).value, doubt=doubt.value if doubt else None, began_at=order.done_at,
            in_band_since=verdict.since if isinstance(verdict, Verified) else None, decided_at=now, chart=None,
        )  # fmt: skip
        session.add(row)
        order.proof, order.proof_due_at = row.verdict, None
        order.proof_facts = {"doubt": row.doubt, "decided_at": now.isoformat(), "attempt": row.attempt}
        self._verdicts.labels(verdict=row.verdict).inc()
        await session.flush()
        decided = ProofDecided(
            site_id=order.site_id, work_order_id=order.id, proof_id=row.id, verdict=row.verdict, doubt=row.doubt,
            at=now,
        )  # fmt: skip
        await publish(session, decided)

    async def _verify(self, session: AsyncSession, order: WorkOrder) -> None:
        words = Words(reason="telemetry_normal")
        await self._move_if_it_may(session, order, Action.VERIFY, words)

    async def _reopen(self, session: AsyncSession, order: WorkOrder, *, reason: str) -> None:
        await self._move_if_it_may(session, order, Action.REOPEN, Words(reason=reason))

    async def _move_if_it_may(self, session: AsyncSession, order: WorkOrder, action: Action, words: Words) -> None:
        """A flow may leave this to people, and the same trouble may have an order of its own: then the verdict stands
        on the order, and it is theirs."""
        try:
            async with session.begin_nested():
                await self._moving.move(session, order, actor=Actor.system(), action=action, words=words)
        except (IllegalTransition, NotYourOrder, IncidentTakenOver) as refusal:
            log.info("a verdict is left to people", work_order_id=str(order.id), why=refusal.code())
            await session.refresh(order)

    async def _tell_supervisor(self, session: AsyncSession, order: WorkOrder, doubt: Doubt) -> None:
        now = self._clock.now()
        record(session, order, Entry.UNPROVED, at=now, why=doubt.value, after={"proof": Proof.UNPROVED.value})
        told = WorkOrderEscalated(
            site_id=order.site_id, life_safety=order.is_life_safety, work_order_id=order.id, reason="unproved"
        )  # fmt: skip
        await publish(session, told, WorkOrderChanged(site_id=order.site_id, work_order_id=order.id))


def word_of(verdict: Verified | Refuted | Unproved) -> Proof:
    match verdict:
        case Verified():
            return Proof.VERIFIED
        case Refuted():
            return Proof.REFUTED
        case Unproved():
            return Proof.UNPROVED


async def alarms_behind(session: AsyncSession, alarms: AlarmService, work_order_id: UUID) -> Sequence[Alarm]:
    """Each alarm of an order once, however many episodes of it joined."""
    links = await repository.links_of_order(session, work_order_id)
    ids = dict.fromkeys(link.alarm_id for link in links)
    return [await alarms.get(session, Scope.everywhere(), alarm_id) for alarm_id in ids]


def suspect_of(alarm: Alarm) -> Suspect:
    return Suspect(equipment_id=alarm.equipment_id, source=alarm.source, source_id=alarm.source_id)
