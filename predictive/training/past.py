"""What training is told of the past by rooms that stand above this one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from predictive.training.figures import Failure


class Failures(Protocol):
    """Failures that a closing code confirmed: the labels that back-tests are measured by."""

    async def of(
        self, session: AsyncSession, equipment_ids: Sequence[UUID], *, start: datetime, end: datetime
    ) -> Mapping[UUID, Sequence[Failure]]:
        """Those told of in [start, end), by equipment; none for those that had none."""
        ...
