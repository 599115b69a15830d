"""Queries of linkage. None of a request can be asked without a Scope."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.versions import held
from linkage.models import LinkagePoint, LinkageRule, LinkageRun
from linkage.rule import RunState


@dataclass(frozen=True)
class RunFilter:
    """None means any."""

    site_id: UUID | None = None
    rule_id: UUID | None = None
    alarm_id: UUID | None = None
    state: str | None = None


# --- points ----------------------------------------------------------------------------------------------------------


async def point(session: AsyncSession, scope: Scope, point_id: UUID) -> LinkagePoint | None:
    wanted = select(LinkagePoint).where(LinkagePoint.id == point_id, scope.where(LinkagePoint.site_id))
    return await session.scalar(held(wanted))


async def listing(session: AsyncSession, equipment_id: UUID, key: str) -> LinkagePoint | None:
    wanted = select(LinkagePoint).where(LinkagePoint.equipment_id == equipment_id, LinkagePoint.point_key == key)
    return await session.scalar(wanted.execution_options(populate_existing=True))


async def add_point(session: AsyncSession, **values: Any) -> LinkagePoint | None:
    """None when the point is on the list already."""
    statement = (
        insert(LinkagePoint).values(**values).on_conflict_do_nothing(index_elements=["equipment_id", "point_key"])
    )
    return (await session.scalars(statement.returning(LinkagePoint))).one_or_none()


async def take_turns(session: AsyncSession, equipment_id: UUID, key: str) -> None:
    """Until this transaction ends nobody else begins an action on the point, where it is listed."""
    wanted = select(LinkagePoint.id).where(LinkagePoint.equipment_id == equipment_id, LinkagePoint.point_key == key)
    await session.execute(wanted.with_for_update())


async def points(
    session: AsyncSession, scope: Scope, *, site_id: UUID | None, limit: int, offset: int
) -> tuple[Sequence[LinkagePoint], int]:
    conditions = [scope.where(LinkagePoint.site_id)]
    if site_id is not None:
        conditions.append(LinkagePoint.site_id == site_id)
    total = await session.scalar(select(func.count()).select_from(LinkagePoint).where(*conditions)) or 0
    wanted = select(LinkagePoint).where(*conditions).order_by(LinkagePoint.created_at, LinkagePoint.id)
    return (await session.scalars(wanted.limit(limit).offset(offset))).all(), total


async def remove_point(session: AsyncSession, row: LinkagePoint) -> None:
    await session.delete(row)
    await session.flush()


# --- rules -----------------------------------------------------------------------------------------------------------


async def rule(session: AsyncSession, scope: Scope, rule_id: UUID) -> LinkageRule | None:
    wanted = select(LinkageRule).where(LinkageRule.id == rule_id, scope.where(LinkageRule.site_id))
    return await session.scalar(held(wanted))


async def rules(
    session: AsyncSession, scope: Scope, *, site_id: UUID | None, limit: int, offset: int
) -> tuple[Sequence[LinkageRule], int]:
    conditions = [scope.where(LinkageRule.site_id)]
    if site_id is not None:
        conditions.append(LinkageRule.site_id == site_id)
    total = await session.scalar(select(func.count()).select_from(LinkageRule).where(*conditions)) or 0
    wanted = select(LinkageRule).where(*conditions).order_by(LinkageRule.name, LinkageRule.id)
    return (await session.scalars(wanted.limit(limit).offset(offset))).all(), total


async def enabled(session: AsyncSession, site_id: UUID) -> Sequence[LinkageRule]:
    wanted = select(LinkageRule).where(LinkageRule.site_id == site_id, LinkageRule.is_enabled)
    return (await session.scalars(wanted.order_by(LinkageRule.created_at))).all()


async def rule_now(session: AsyncSession, rule_id: UUID) -> tuple[bool, int] | None:
    """Whether it is switched on, and its version."""
    wanted = select(LinkageRule.is_enabled, LinkageRule.version).where(LinkageRule.id == rule_id)
    found = (await session.execute(wanted)).one_or_none()
    return None if found is None else (found.is_enabled, found.version)


# --- runs ------------------------------------------------------------------------------------------------------------


async def add_run(session: AsyncSession, **values: Any) -> UUID | None:
    """The new run's id; None when this episode of the alarm has set this action off already."""
    statement = insert(LinkageRun).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=["rule_id", "alarm_id", "onset_at", "number"])
    return (await session.execute(statement.returning(LinkageRun.id))).scalar_one_or_none()


async def lock_run(session: AsyncSession, scope: Scope, run_id: UUID) -> LinkageRun | None:
    wanted = select(LinkageRun).where(LinkageRun.id == run_id, scope.where(LinkageRun.site_id))
    return await session.scalar(held(wanted))


async def runs(
    session: AsyncSession, scope: Scope, wanted: RunFilter, *, limit: int, offset: int
) -> tuple[Sequence[LinkageRun], int]:
    """The newest first."""
    conditions = [scope.where(LinkageRun.site_id)]
    conditions += [getattr(LinkageRun, name) == value for name, value in vars(wanted).items() if value is not None]
    total = await session.scalar(select(func.count()).select_from(LinkageRun).where(*conditions)) or 0
    newest = select(LinkageRun).where(*conditions).order_by(LinkageRun.created_at.desc(), LinkageRun.id.desc())
    return (await session.scalars(newest.limit(limit).offset(offset))).all(), total


async def begun_since(session: AsyncSession, equipment_id: UUID, key: str, since: datetime) -> int:
    """How often a point was switched, or may have been, since."""
    mine = (LinkageRun.equipment_id == equipment_id, LinkageRun.point_key == key, LinkageRun.started_at >= since)
    return await session.scalar(select(func.count()).select_from(LinkageRun).where(*mine)) or 0


async def awaiting(session: AsyncSession, *, limit: int) -> Sequence[LinkageRun]:
    """Runs that wait for people, held; those that somebody holds are left to them."""
    waiting = select(LinkageRun).where(LinkageRun.ended_at.is_(None), LinkageRun.state == RunState.AWAITING)
    wanted = waiting.order_by(LinkageRun.expires_at).limit(limit).with_for_update(skip_locked=True)
    return (await session.scalars(wanted)).all()


async def overdue(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[LinkageRun]:
    """Open runs whose time is over, held; those that somebody holds are left to them."""
    late = select(LinkageRun).where(LinkageRun.ended_at.is_(None), LinkageRun.expires_at < now)
    wanted = late.order_by(LinkageRun.expires_at).limit(limit).with_for_update(skip_locked=True)
    return (await session.scalars(wanted)).all()
