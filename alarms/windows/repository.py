"""Queries over maintenance windows."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.models import MaintenanceWindow
from kit.access import Scope


async def get(session: AsyncSession, scope: Scope, window_id: UUID) -> MaintenanceWindow | None:
    """Its row held."""
    query = select(MaintenanceWindow).where(MaintenanceWindow.id == window_id, scope.where(MaintenanceWindow.site_id))
    return (await session.scalars(query.with_for_update(key_share=True))).one_or_none()


async def find(
    session: AsyncSession, scope: Scope, *, site_id: UUID | None, standing_at: datetime | None, limit: int, offset: int
) -> tuple[Sequence[MaintenanceWindow], int]:
    """The newest first, and how many there are; with `standing_at` only those that are not over then."""
    where = [scope.where(MaintenanceWindow.site_id)]
    if site_id is not None:
        where.append(MaintenanceWindow.site_id == site_id)
    if standing_at is not None:
        where.append(MaintenanceWindow.ended_at.is_(None))
        where.append(MaintenanceWindow.ends_at.is_(None) | (MaintenanceWindow.ends_at > standing_at))
    query = select(MaintenanceWindow).where(*where).order_by(MaintenanceWindow.created_at.desc(), MaintenanceWindow.id)
    rows = (await session.scalars(query.limit(limit).offset(offset))).all()
    return rows, await session.scalar(select(func.count()).select_from(MaintenanceWindow).where(*where)) or 0


async def run_out(session: AsyncSession, *, now: datetime) -> Sequence[MaintenanceWindow]:
    """Over for good, and nobody has written that down; held."""
    query = select(MaintenanceWindow).where(MaintenanceWindow.ended_at.is_(None), MaintenanceWindow.ends_at <= now)
    return (await session.scalars(query.with_for_update(skip_locked=True, key_share=True))).all()
