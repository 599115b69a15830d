"""Looks for what is due: offers nobody answered, proof that did not come. Service levels have sweeps of their own.

One sweep a class of deadline; each takes the oldest few and leaves rows that somebody else holds to the next time.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from kit.sweeps import Sweep
from ticketing import due_repository
from ticketing.actor import Actor
from ticketing.dispatch.waiting import Waits
from ticketing.flow import Action
from ticketing.kinds import OrderState
from ticketing.models import WorkOrder
from ticketing.moving import Moving
from ticketing.sla.sweeps import LevelSweeps
from ticketing.sweeping import ROWS_A_SWEEP, Sweeping
from ticketing.words import Words


class Sweeps:
    def __init__(
        self, *, moving: Moving, waits: Waits, levels: LevelSweeps, sweeping: Sweeping, clock: Clock
    ) -> None:
        self._moving = moving
        self._waits = waits
        self._levels = levels
        self._sweeping = sweeping
        self._clock = clock

    def all(self) -> list[Sweep]:
        """To be registered with the job runner."""
        return [
            Sweep("ticketing.unanswered", "* * * * * */10", self.unanswered),
            self._waits.sweep(),
            *self._levels.all(),
            Sweep("ticketing.unproved", "* * * * * */15", self.unproved),
        ]

    async def unanswered(self, session: AsyncSession) -> None:
        """An offer ran out: the next candidate is asked, at last the duty manager."""
        found = await due_repository.unanswered(session, now=self._clock.now(), limit=ROWS_A_SWEEP)
        await self._sweeping.each(session, "unanswered", found, self._ask_next)

    async def unproved(self, session: AsyncSession) -> None:
        """Done was said, and telemetry still says otherwise when the proof is due: it is not done."""
        found = await due_repository.unproved(session, now=self._clock.now(), limit=ROWS_A_SWEEP)
        await self._sweeping.each(session, "unproved", found, self._reopen)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _ask_next(self, session: AsyncSession, order: WorkOrder) -> None:
        now = self._clock.now()
        if order.state != OrderState.DISPATCHED or order.answer_due_at is None or order.answer_due_at > now:
            return
        self._sweeping.escalated.labels(reason="no_answer").inc()
        await self._moving.dispatch_next(session, order)

    async def _reopen(self, session: AsyncSession, order: WorkOrder) -> None:
        if order.state != OrderState.DONE or order.proof_due_at is None or order.proof_due_at > self._clock.now():
            return
        self._sweeping.escalated.labels(reason="unproved").inc()
        words = Words(reason="proof_missing")
        await self._moving.move(session, order, actor=Actor.system(), action=Action.REOPEN, words=words)
