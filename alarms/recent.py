"""Alarms that last, or were over a short while ago: what says how equipment is. Changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms import labelled_repository
from alarms.service import AlarmLabel
from building.severity import Severity


@dataclass(frozen=True)
class RecentAlarm:
    """`over_at` None: it lasts. `point_keys`: the points whose values decided."""

    equipment_id: UUID
    severity: Severity
    over_at: datetime | None
    point_keys: Sequence[str]


async def recent(session: AsyncSession, site_id: UUID, *, since: datetime) -> list[RecentAlarm]:
    """Of rules and of devices themselves; those of tests, and those that a person found to be none, are left out."""
    rows = await labelled_repository.recent(session, site_id, since=since, label=AlarmLabel.REAL_FAULT.value)
    return [
        RecentAlarm(equipment_id, Severity(severity), over_at, sorted(values))
        for equipment_id, severity, over_at, values in rows
    ]
