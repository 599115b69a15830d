"""Orders that wait to be taken (抢单) or given out by hand: who may see them, and what happens when nobody does."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.sweeps import Sweep
from ticketing.dispatch import repository
from ticketing.dispatch.candidates import Candidates
from ticketing.dispatch.models import DispatchWait
from ticketing.dispatch.needs import Need
from ticketing.dispatch.scoring import Bidder, refusal_of
from ticketing.feedback import repository as feedback_repository
from ticketing.kinds import FREE
from ticketing.models import WorkOrder
from ticketing.moving import Moving
from ticketing.order_kind import Distribution
from ticketing.sweeping import ROWS_A_SWEEP, Sweeping

MOST_SHOWN = 200


@dataclass(frozen=True)
class Waiting:
    """An order nobody has. `is_mine`: it stands in the pool, and the one who asks is here and able to do it now."""

    wait: DispatchWait
    order: WorkOrder
    is_mine: bool


class Waits:
    def __init__(self, *, candidates: Candidates, moving: Moving, sweeping: Sweeping, clock: Clock) -> None:
        self._candidates = candidates
        self._moving = moving
        self._sweeping = sweeping
        self._clock = clock

    async def of(
        self, session: AsyncSession, scope: Scope, *, person_id: UUID, desk: Scope, site_id: UUID | None,
        limit: int = MOST_SHOWN,
    ) -> list[Waiting]:  # fmt: skip
        """The most urgent `limit` of what waits at sites of the scope: of those of the `desk` everything, elsewhere
        what the person may take now; never a complaint about them."""
        hidden = await feedback_repository.hidden_from(session, person_id)
        found: list[Waiting] = []
        after: tuple[DispatchWait, WorkOrder] | None = None
        while len(found) < limit:
            rows = await repository.waiting(session, scope, site_id=site_id, without=hidden, after=after, limit=limit)
            mine = await self._takeable(session, [order for wait, order in rows if _is_pool(wait)], person_id)
            seen = [Waiting(wait, order, order.id in mine) for wait, order in rows]
            found += [one for one in seen if one.is_mine or desk.allows(one.order.site_id)]
            if len(rows) < limit:
                break
            after = rows[-1]
        return found[:limit]

    def sweep(self) -> Sweep:
        return Sweep("ticketing.waits", "* * * * * */10", self.ask_by_name)

    async def ask_by_name(self, session: AsyncSession) -> None:
        """Nobody took it and nobody gave it out in time: now somebody is asked by name."""
        found = await repository.waits_over(session, now=self._clock.now(), limit=ROWS_A_SWEEP)
        await self._sweeping.each(session, "waits", found, self._end)

    # --- private ---------------------------------------------------------------------------------------------------

    async def _takeable(self, session: AsyncSession, orders: Sequence[WorkOrder], person_id: UUID) -> set[UUID]:
        """Which of the orders somebody may take now: who came on shift since may, who went home may not."""
        by_site: dict[UUID, list[WorkOrder]] = defaultdict(list)
        for order in orders:
            by_site[order.site_id].append(order)
        found: set[UUID] = set()
        for site_id, here in by_site.items():
            bidders = await self._candidates.as_bidder(session, site_id, person_id)
            if not bidders:
                continue
            needs = await self._candidates.needs(session, site_id, [repository.Unbegun.of(order) for order in here])
            found |= {order.id for order, need in zip(here, needs, strict=True) if _can(need, bidders)}
        return found

    async def _end(self, session: AsyncSession, order: WorkOrder) -> None:
        ended = await repository.end_wait(session, order.id, repository.NOBODY_TOOK_IT, at=self._clock.now())
        if ended and order.state in FREE:
            self._sweeping.escalated.labels(reason="not_taken").inc()
            await self._moving.dispatch_next(session, order)


def _is_pool(wait: DispatchWait) -> bool:
    return wait.mode == Distribution.GRAB


def _can(need: Need, bidders: Sequence[Bidder]) -> bool:
    return any(refusal_of(need, one) is None for one in bidders)
