"""When somebody will be at an equipment anyway. This room knows no orders: whoever puts the rooms together does."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession


class PlannedVisits(Protocol):
    async def next_visits(
        self, session: AsyncSession, equipment_ids: Collection[UUID], *, after: datetime
    ) -> Mapping[UUID, datetime]:
        """Of each equipment with a planned visit after that, the first one."""
        ...


class NoVisits:
    """Where nobody plans visits."""

    async def next_visits(
        self, session: AsyncSession, equipment_ids: Collection[UUID], *, after: datetime
    ) -> Mapping[UUID, datetime]:
        return {}
