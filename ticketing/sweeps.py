"""Looks for what is due: offers nobody answered. Service levels and proofs have sweeps of their own.

One sweep a class of deadline; each takes the oldest few and leaves rows that somebody else holds to the next time.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from kit.sweeps import Sweep
from ticketing import due_repository
from ticketing.dispatch.waiting import Waits
from ticketing.kinds import OrderState
from ticketing.measuring import sweeps as measuring
from ticketing.models import WorkOrder
from ticketing.moving import Moving
from ticketing.proof.proving import Proving
from ticketing.sla.sweeps import LevelSweeps
from ticketing.sweeping import ROWS_A_SWEEP, Sweeping


class Sweeps:
    def __init__(
        self, *, moving: Moving, waits: Waits, levels: LevelSweeps, proving: Proving, sweeping: Sweeping, clock: Clock
    ) -> None:  # fmt: skip
        self._moving = moving
        self._waits = waits
        self._levels = levels
        self._proving = proving
        self._sweeping = sweeping
        self._clock = clock

    def all(self) -> list[Sweep]:
        """To be registered with the job runner."""
        return [
            Sweep("ticketing.unanswered", "* * * * * */10", self.unanswered),
            self._waits.sweep(),
            *self._levels.all(),
            self._proving.sweep(),
            measuring.sweep(),
        ]

    async def unanswered(self, session: AsyncSession) -> None:
        """An offer ran out: the next candidate is asked, at last the duty manager."""
        found = await due_repository.unanswered(session, now=self._clock.now(), limit=ROWS_A_SWEEP)
        await self._sweeping.each(session, "unanswered", found, self._ask_next)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _ask_next(self, session: AsyncSession, order: WorkOrder) -> None:
        now = self._clock.now()
        if order.state != OrderState.DISPATCHED or order.answer_due_at is None or order.answer_due_at > now:
            return
        self._sweeping.escalated.labels(reason="no_answer").inc()
        await self._moving.dispatch_next(session, order)
