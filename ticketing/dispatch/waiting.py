"""Orders that wait to be taken (抢单) or given out by hand: who may see them, and what happens when nobody does."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.sweeps import Sweep
from ticketing.dispatch import repository
from ticketing.dispatch.models import DispatchWait
from ticketing.kinds import FREE
from ticketing.models import WorkOrder
from ticketing.moving import Moving
from ticketing.order_kind import Distribution
from ticketing.sweeping import ROWS_A_SWEEP, Sweeping

MOST_SHOWN = 200


@dataclass(frozen=True)
class Waiting:
    """An order nobody has. `is_mine`: the one who asks may take it."""

    wait: DispatchWait
    order: WorkOrder
    is_mine: bool


class Waits:
    def __init__(self, moving: Moving, sweeping: Sweeping, clock: Clock) -> None:
        self._moving = moving
        self._sweeping = sweeping
        self._clock = clock

    async def of(
        self, session: AsyncSession, scope: Scope, *, person_id: UUID, desk: Scope, site_id: UUID | None
    ) -> list[Waiting]:
        """What waits at sites of the scope: of sites of the `desk` everything, elsewhere what the person may take."""
        rows = await repository.waiting(session, scope, site_id=site_id, limit=MOST_SHOWN)
        found = [Waiting(wait, order, _may_take(wait, person_id)) for wait, order in rows]
        return [one for one in found if one.is_mine or desk.allows(one.order.site_id)]

    def sweep(self) -> Sweep:
        return Sweep("ticketing.waits", "* * * * * */10", self.ask_by_name)

    async def ask_by_name(self, session: AsyncSession) -> None:
        """Nobody took it and nobody gave it out in time: now somebody is asked by name."""
        found = await repository.waits_over(session, now=self._clock.now(), limit=ROWS_A_SWEEP)
        await self._sweeping.each(session, "waits", found, self._end)

    async def _end(self, session: AsyncSession, order: WorkOrder) -> None:
        ended = await repository.end_wait(session, order.id, repository.NOBODY_TOOK_IT, at=self._clock.now())
        if ended and order.state in FREE:
            self._sweeping.escalated.labels(reason="not_taken").inc()
            await self._moving.dispatch_next(session, order)


def _may_take(wait: DispatchWait, person_id: UUID) -> bool:
    return wait.mode == Distribution.GRAB and str(person_id) in wait.person_ids
