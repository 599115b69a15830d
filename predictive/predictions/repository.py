"""Queries of predictions. None of a request can be asked without a Scope."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.versions import held
from predictive.predictions.label import PredictionLabel
from predictive.predictions.life import PredictionState
from predictive.predictions.models import Prediction, PredictionCost, PredictionMuting, PredictionVoice

# One process at a time takes in findings: they are few, and each may touch what another has just opened.
_TURN = 0x5A48_0302


@dataclass(frozen=True)
class PredictionFilter:
    """None means any. `is_over`: ended, or still open."""

    site_id: UUID | None = None
    equipment_id: UUID | None = None
    building_id: UUID | None = None
    state: str | None = None
    method: str | None = None
    mode: str | None = None
    label: str | None = None
    is_shadow: bool | None = None


async def take_turns(session: AsyncSession) -> None:
    await session.execute(select(func.pg_advisory_xact_lock(_TURN)))


# --- predictions -----------------------------------------------------------------------------------------------------


async def open_of(session: AsyncSession, equipment_ids: Collection[UUID]) -> Sequence[Prediction]:
    wanted = select(Prediction).where(Prediction.equipment_id.in_(equipment_ids), Prediction.ended_at.is_(None))
    return (await session.scalars(held(wanted))).all()


async def add(session: AsyncSession, row: Prediction) -> None:
    session.add(row)
    await session.flush()


async def get(
    session: AsyncSession, scope: Scope, prediction_id: UUID, *, for_update: bool = False
) -> Prediction | None:
    wanted = select(Prediction).where(Prediction.id == prediction_id, scope.where(Prediction.site_id))
    return await session.scalar(held(wanted) if for_update else wanted)


async def find(
    session: AsyncSession, scope: Scope, wanted: PredictionFilter, *, is_over: bool | None, limit: int, offset: int
) -> tuple[Sequence[Prediction], int]:
    """The newest first."""
    conditions = [scope.where(Prediction.site_id)]
    conditions += [getattr(Prediction, name) == value for name, value in vars(wanted).items() if value is not None]
    if is_over is not None:
        conditions.append(Prediction.ended_at.is_not(None) if is_over else Prediction.ended_at.is_(None))
    total = await session.scalar(select(func.count()).select_from(Prediction).where(*conditions)) or 0
    newest = select(Prediction).where(*conditions).order_by(Prediction.opened_at.desc(), Prediction.id.desc())
    return (await session.scalars(newest.limit(limit).offset(offset))).all(), total


async def expired(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[Prediction]:
    late = select(Prediction).where(Prediction.ended_at.is_(None), Prediction.expires_at < now)
    return (await session.scalars(held(late.order_by(Prediction.expires_at).limit(limit)))).all()


async def of_alarms(session: AsyncSession, alarm_ids: Collection[UUID]) -> Sequence[Prediction]:
    """Those that raised these alarms, the newest first, held."""
    wanted = select(Prediction).where(Prediction.alarm_id.in_(alarm_ids)).order_by(Prediction.opened_at.desc())
    return (await session.scalars(held(wanted))).all()


async def answered_false(
    session: AsyncSession, equipment_ids: Collection[UUID], *, since: datetime
) -> set[tuple[UUID, str]]:
    """Of which (equipment, mode) somebody has found nothing since."""
    rows = await session.execute(
        select(Prediction.equipment_id, Prediction.mode).where(
            Prediction.equipment_id.in_(equipment_ids), Prediction.label == PredictionLabel.FALSE.value,
            Prediction.state == PredictionState.SETTLED.value, Prediction.ended_at >= since,
        )
    )  # fmt: skip
    return {(equipment_id, mode) for equipment_id, mode in rows}


async def raised_in(
    session: AsyncSession, building_ids: Collection[UUID], *, since: datetime
) -> dict[tuple[UUID, str], int]:
    """How many are work by (building, mode), made so since."""
    rows = await session.execute(
        select(Prediction.building_id, Prediction.mode, func.count())
        .where(Prediction.building_id.in_(building_ids), Prediction.ordered_at >= since)
        .group_by(Prediction.building_id, Prediction.mode)
    )
    return {(building_id, mode): count for building_id, mode, count in rows if building_id is not None}


async def similar(
    session: AsyncSession, row: Prediction, *, equipment_ids: Collection[UUID], limit: int
) -> Sequence[Prediction]:
    """Earlier ones of the same mode that are over, of these equipment, its own first."""
    own_first = (Prediction.equipment_id == row.equipment_id).desc()
    wanted = select(Prediction).where(
        Prediction.site_id == row.site_id, Prediction.mode == row.mode, Prediction.id != row.id,
        Prediction.equipment_id.in_(equipment_ids), Prediction.ended_at.is_not(None), ~Prediction.is_shadow,
    )  # fmt: skip
    return (await session.scalars(wanted.order_by(own_first, Prediction.ended_at.desc()).limit(limit))).all()


async def unlabelled(
    session: AsyncSession, *, ended_before: datetime, limit: int
) -> Sequence[Prediction]:  # fmt: skip
    """Over for so long that what becomes of it is known, the oldest first."""
    wanted = select(Prediction).where(Prediction.label.is_(None), Prediction.ended_at < ended_before)
    return (await session.scalars(held(wanted.order_by(Prediction.ended_at).limit(limit)))).all()


async def measured(
    session: AsyncSession, scope: Scope, *, since: datetime, site_id: UUID | None = None
) -> Sequence[tuple[Prediction, PredictionVoice]]:
    """Every voice of every prediction that was open at some time since, shadows included."""
    wanted = (
        select(Prediction, PredictionVoice)
        .join(PredictionVoice, PredictionVoice.prediction_id == Prediction.id)
        .where(scope.where(Prediction.site_id), func.coalesce(Prediction.ended_at, Prediction.found_at) >= since)
    )
    if site_id is not None:
        wanted = wanted.where(Prediction.site_id == site_id)
    return [(row, voice) for row, voice in await session.execute(wanted.order_by(Prediction.opened_at))]


# --- voices ----------------------------------------------------------------------------------------------------------


async def voices(session: AsyncSession, prediction_ids: Collection[UUID]) -> Sequence[PredictionVoice]:
    wanted = select(PredictionVoice).where(PredictionVoice.prediction_id.in_(prediction_ids))
    return (await session.scalars(wanted.order_by(PredictionVoice.method))).all()


async def keep_voice(session: AsyncSession, **values: Any) -> None:
    statement = insert(PredictionVoice).values(**values)
    changed = {name: statement.excluded[name] for name in values if name not in ("prediction_id", "method")}
    await session.execute(statement.on_conflict_do_update(index_elements=["prediction_id", "method"], set_=changed))


# --- mutings ---------------------------------------------------------------------------------------------------------


async def mutings(
    session: AsyncSession, scope: Scope, *, site_id: UUID | None = None, is_standing: bool | None = True
) -> Sequence[PredictionMuting]:
    wanted = select(PredictionMuting).where(scope.where(PredictionMuting.site_id))
    if site_id is not None:
        wanted = wanted.where(PredictionMuting.site_id == site_id)
    if is_standing is not None:
        standing = PredictionMuting.lifted_at.is_(None)
        wanted = wanted.where(standing if is_standing else ~standing)
    return (await session.scalars(wanted.order_by(PredictionMuting.muted_at.desc()))).all()


async def muting(session: AsyncSession, scope: Scope, muting_id: UUID) -> PredictionMuting | None:
    wanted = select(PredictionMuting).where(PredictionMuting.id == muting_id, scope.where(PredictionMuting.site_id))
    return await session.scalar(held(wanted))


async def add_muting(session: AsyncSession, **values: Any) -> PredictionMuting | None:
    """None where it is muted already."""
    statement = insert(PredictionMuting).values(**values)
    made = statement.on_conflict_do_nothing(
        index_elements=["site_id", "method", "equipment_kind"], index_where=text("lifted_at IS NULL")
    )
    return (await session.scalars(made.returning(PredictionMuting))).one_or_none()


# --- costs -----------------------------------------------------------------------------------------------------------


async def costs(session: AsyncSession, scope: Scope, site_ids: Collection[UUID]) -> Sequence[PredictionCost]:
    wanted = select(PredictionCost).where(scope.where(PredictionCost.site_id), PredictionCost.site_id.in_(site_ids))
    return (await session.scalars(wanted.order_by(PredictionCost.equipment_kind))).all()


async def cost(session: AsyncSession, *, site_id: UUID, kind: str) -> PredictionCost | None:
    wanted = select(PredictionCost).where(PredictionCost.site_id == site_id, PredictionCost.equipment_kind == kind)
    return await session.scalar(held(wanted))
