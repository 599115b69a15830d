"""When alarms lasted: what learns from normal time leaves that out. Changes nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms import labelled_repository
from kit.access import Scope


@dataclass(frozen=True)
class Lasting:
    """An alarm's condition from its onset to its return; `until` None: it is present."""

    equipment_id: UUID
    since: datetime
    until: datetime | None


async def lasting(
    session: AsyncSession, scope: Scope, equipment_ids: Collection[UUID], *, start: datetime, end: datetime
) -> list[Lasting]:
    """Alarms that lasted at some time in [start, end); those of tests are left out, nothing was wrong then."""
    rows = await labelled_repository.lasting(session, scope, equipment_ids, start=start, end=end)
    return [Lasting(*row) for row in rows]
