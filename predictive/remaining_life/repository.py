"""Queries on remaining lives, and on what the wear of a site's equipment lasted before."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.bulk import upsert
from kit.access import Scope
from predictive.predictions.label import LabelWhy, PredictionLabel
from predictive.predictions.life import PredictionState
from predictive.predictions.models import Prediction
from predictive.remaining_life.fleet_prior import WearLife
from predictive.remaining_life.models import RemainingLifeForecast

_KEY = ("equipment_id", "mode", "day")


async def replace(session: AsyncSession, rows: Sequence[Mapping[str, Any]], *, equipment_id: UUID, day: date) -> None:
    """What is told of an equipment on a day, instead of what was told of it on that day before."""
    await session.execute(
        delete(RemainingLifeForecast).where(
            RemainingLifeForecast.equipment_id == equipment_id, RemainingLifeForecast.day == day
        )
    )
    if rows:
        await upsert(
            session, RemainingLifeForecast, rows, key=_KEY, update=[name for name in rows[0] if name not in _KEY]
        )


async def of_equipment(
    session: AsyncSession, scope: Scope, equipment_id: UUID, *, since: datetime
) -> Sequence[RemainingLifeForecast]:
    """What was told since then, the newest first, of one day the heaviest first."""
    rows = await session.scalars(
        select(RemainingLifeForecast)
        .where(
            RemainingLifeForecast.equipment_id == equipment_id, RemainingLifeForecast.told_at >= since,
            scope.where(RemainingLifeForecast.site_id),
        )
        .order_by(RemainingLifeForecast.day.desc(), RemainingLifeForecast.share.desc(), RemainingLifeForecast.mode)
    )  # fmt: skip
    return rows.all()


async def newest_of_site(
    session: AsyncSession, scope: Scope, site_id: UUID, *, since: datetime
) -> Sequence[RemainingLifeForecast]:
    """Of each equipment of a site what was told on its newest day since then, what ends first before the others."""
    known = (
        select(
            RemainingLifeForecast.equipment_id.label("equipment_id"),
            func.max(RemainingLifeForecast.day).label("day"),
        )
        .where(
            RemainingLifeForecast.site_id == site_id, RemainingLifeForecast.told_at >= since,
            scope.where(RemainingLifeForecast.site_id),
        )
        .group_by(RemainingLifeForecast.equipment_id)
        .subquery()
    )  # fmt: skip
    rows = await session.scalars(
        select(RemainingLifeForecast)
        .join(
            known,
            (RemainingLifeForecast.equipment_id == known.c.equipment_id) & (RemainingLifeForecast.day == known.c.day),
        )
        .order_by(RemainingLifeForecast.days_mid, RemainingLifeForecast.equipment_id, RemainingLifeForecast.mode)
    )
    return rows.all()


async def forget(session: AsyncSession, *, before: date) -> None:
    await session.execute(delete(RemainingLifeForecast).where(RemainingLifeForecast.day < before))


async def wear_lives(session: AsyncSession, site_id: UUID, *, most: int) -> Sequence[WearLife]:
    """Wear that a person or an order has confirmed, the newest first: how long it had lasted when somebody came."""
    found = await session.execute(
        select(
            Prediction.mode, Prediction.equipment_kind, Prediction.days_median, Prediction.label_why,
            func.extract("epoch", Prediction.found_at - Prediction.since_at),
        )
        .where(
            Prediction.site_id == site_id, Prediction.label == PredictionLabel.TRUE.value, ~Prediction.is_shadow,
            Prediction.ended_at.is_not(None),
        )
        .order_by(Prediction.ended_at.desc())
        .limit(most)
    )  # fmt: skip
    return [
        WearLife(
            mode=mode, kind=kind, days=float(seconds) / timedelta(days=1).total_seconds(), days_left=left,
            has_failed=why == LabelWhy.FAILED_LATER.value,
        )
        for mode, kind, left, why, seconds in found
    ]  # fmt: skip


async def last_settled(session: AsyncSession, *, modes: Collection[str]) -> dict[tuple[UUID, str], datetime]:
    """When somebody last saw to each of these modes, by equipment and mode."""
    found = await session.execute(
        select(Prediction.equipment_id, Prediction.mode, func.max(Prediction.ended_at))
        .where(
            Prediction.mode.in_(modes), Prediction.state == PredictionState.SETTLED.value,
            Prediction.label == PredictionLabel.TRUE.value,
        )
        .group_by(Prediction.equipment_id, Prediction.mode)
    )  # fmt: skip
    return {(equipment_id, mode): at for equipment_id, mode, at in found if at is not None}
