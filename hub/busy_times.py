"""When equipment was not normal, for whatever learns normal time: orders stand above the room of models."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.lasting import lasting
from kit.access import Scope
from kit.clock import to_ms
from predictive.streaming.normal_time import Busy
from ticketing.outcome_book import OutcomeBook

# Orders that have been open longer than this say nothing about the equipment any more.
LONGEST_ORDER: Final = timedelta(days=90)


class AlarmsAndOrders:
    """Implements `predictive.streaming.normal_time.BusyTimes`."""

    def __init__(self, outcomes: OutcomeBook) -> None:
        self._outcomes = outcomes

    async def of(
        self, session: AsyncSession, equipment_ids: Sequence[UUID], *, start: datetime, end: datetime
    ) -> Mapping[UUID, Sequence[Busy]]:
        scope = Scope.everywhere()
        found: dict[UUID, list[Busy]] = defaultdict(list)
        for alarm in await lasting(session, scope, equipment_ids, start=start, end=end):
            found[alarm.equipment_id].append(_busy(alarm.since, alarm.until))
        orders = await self._outcomes.of_equipment(
            session, scope, equipment_ids, since=start - LONGEST_ORDER, until=end
        )  # fmt: skip
        for order in orders:
            if order.over_at is None or order.over_at >= start:
                found[order.equipment_id].append(_busy(order.opened_at, order.over_at))
        return found


def _busy(since: datetime, until: datetime | None) -> Busy:
    return Busy(to_ms(since), None if until is None else to_ms(until))
