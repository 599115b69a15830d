"""Failures that closing codes confirmed, for the back-tests of models: orders stand above the room of models."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import to_ms
from predictive.training.figures import Failure
from ticketing.kinds import ClosingCode
from ticketing.outcome_book import OutcomeBook


class ConfirmedFailures:
    """Implements `predictive.training.past.Failures`."""

    def __init__(self, outcomes: OutcomeBook) -> None:
        self._outcomes = outcomes

    async def of(
        self, session: AsyncSession, equipment_ids: Sequence[UUID], *, start: datetime, end: datetime
    ) -> Mapping[UUID, Sequence[Failure]]:
        """What was wrong when the order was opened, whether people, a rule or a prediction noticed it."""
        found = await self._outcomes.of_equipment(
            session, Scope.everywhere(), equipment_ids, since=start, until=end
        )  # fmt: skip
        by_equipment: dict[UUID, list[Failure]] = defaultdict(list)
        for one in found:
            if one.closing_code != ClosingCode.REAL_FAULT.value:
                continue
            at = min(one.opened_at, one.reported_at or one.opened_at)
            over = one.over_at or end
            by_equipment[one.equipment_id].append(Failure(at_ms=to_ms(at), over_ms=max(to_ms(over), to_ms(at))))
        return by_equipment
