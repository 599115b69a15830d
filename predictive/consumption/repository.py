"""Queries on forecasts of meters and the runs that made them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.bulk import upsert
from kit.access import Scope
from predictive.consumption.models import ConsumptionRun, MeterForecast


async def begin(session: AsyncSession, *, site_id: UUID, day: date, at: datetime) -> bool:
    """Whether the run of that day is ours to ask for: False where it was asked for before."""
    row = insert(ConsumptionRun).values(site_id=site_id, day=day, asked_at=at, meters=0, done=0, failed=0)
    made = row.on_conflict_do_nothing(index_elements=["site_id", "day"]).returning(ConsumptionRun.site_id)
    return (await session.execute(made)).scalar_one_or_none() is not None


async def note(session: AsyncSession, site_id: UUID, day: date, **values: Any) -> None:
    """How far the run is (`meters`, `done`, `failed`), or that it is over (`ended_at`)."""
    mine = (ConsumptionRun.site_id == site_id, ConsumptionRun.day == day)
    await session.execute(update(ConsumptionRun).where(*mine).values(**values))


async def last_run(session: AsyncSession, site_id: UUID) -> ConsumptionRun | None:
    query = select(ConsumptionRun).where(ConsumptionRun.site_id == site_id).order_by(ConsumptionRun.day.desc()).limit(1)
    return (await session.scalars(query)).one_or_none()


async def save(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replaces what was said of the same meters, but for what is suspected. All rows have the same columns."""
    key = ("equipment_id",)
    if rows:
        kept = (*key, "suspicions")
        await upsert(session, MeterForecast, rows, key=key, update=[one for one in rows[0] if one not in kept])


async def suspect_modes(session: AsyncSession, site_id: UUID) -> dict[UUID, set[str]]:
    """What was last suspected of each meter of a site."""
    mine = select(MeterForecast.equipment_id, MeterForecast.suspicions).where(MeterForecast.site_id == site_id)
    rows = await session.execute(mine)
    return {one: {str(each["mode"]) for each in some} for one, some in rows if some}


async def keep_suspicions(session: AsyncSession, found: Mapping[UUID, list[dict[str, Any]]]) -> None:
    for equipment_id, some in found.items():
        mine = MeterForecast.equipment_id == equipment_id
        await session.execute(update(MeterForecast).where(mine).values(suspicions=some))


async def forecast(session: AsyncSession, scope: Scope, equipment_id: UUID) -> MeterForecast | None:
    mine = (MeterForecast.equipment_id == equipment_id, scope.where(MeterForecast.site_id))
    return (await session.scalars(select(MeterForecast).where(*mine))).one_or_none()


async def forget(session: AsyncSession, *, before: date) -> None:
    await session.execute(delete(ConsumptionRun).where(ConsumptionRun.day < before))


async def suspects(session: AsyncSession, scope: Scope, site_id: UUID) -> Sequence[MeterForecast]:
    """The meters of a site that something is suspected of."""
    mine = (MeterForecast.site_id == site_id, scope.where(MeterForecast.site_id))
    some = func.jsonb_array_length(MeterForecast.suspicions) > 0
    return (await session.scalars(select(MeterForecast).where(*mine, some))).all()
