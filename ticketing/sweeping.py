"""How sweeps go through orders: each in a savepoint of its own, counted when it fails."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.logs import logger
from ticketing import repository
from ticketing.models import WorkOrder

log = logger(__name__)

ROWS_A_SWEEP = 200


class Sweeping:
    """`escalated` counts targets missed and offers unanswered, by reason."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.escalated = Counter(
            "hub_work_orders_escalated_total", "Targets missed and offers unanswered.", ["reason"], registry=registry
        )
        self._failed = Counter(
            "hub_work_order_sweep_failures_total", "Orders a sweep could not handle.", ["sweep"], registry=registry
        )

    async def each(
        self, session: AsyncSession, name: str, work_order_ids: Sequence[UUID],
        call: Callable[[AsyncSession, WorkOrder], Awaitable[None]],
    ) -> None:  # fmt: skip
        """One order that cannot be handled keeps nobody else waiting."""
        for work_order_id in work_order_ids:
            try:
                async with session.begin_nested():
                    order = await repository.lock_order(session, Scope.everywhere(), work_order_id)
                    assert order is not None  # orders are never deleted
                    await call(session, order)
            except Exception:
                self.note_failure(name, work_order_id)

    def note_failure(self, name: str, work_order_id: UUID) -> None:
        """Within the handling of an exception: counted, and logged with it."""
        self._failed.labels(sweep=name).inc()
        log.exception("order left to the next sweep", sweep=name, work_order_id=str(work_order_id))
