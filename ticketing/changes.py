"""What became of an order since a version of it, for whoever comes with a stale edit."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from ticketing import repository


@dataclass(frozen=True)
class OrderChange:
    """An entry of the timeline that made the order newer. `actor_id` None: the hub itself."""

    version: int
    at: datetime
    what: str
    actor_id: UUID | None
    why: str | None
    before: dict[str, Any]
    after: dict[str, Any]


async def order_changes(session: AsyncSession, work_order_id: UUID, *, since_version: int) -> list[OrderChange]:
    """Oldest first. Of entries written by a release that noted no versions nothing is known."""
    return [
        OrderChange(entry.version, entry.at, entry.what, entry.actor_id, entry.why, entry.before, entry.after)
        for entry in await repository.timeline_since(session, work_order_id, version=since_version)
        if entry.version is not None
    ]
