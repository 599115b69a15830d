"""Queries over trainings and what they have learnt so far."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from predictive.training.models import IS_UNDER_WAY, TrainingPiece, TrainingRun, TrainingState

# Held by the one process of an installation that trains: its memory is bounded, that of several would not be.
_TRAINER_LOCK = 0x5A48_0043


async def is_the_trainer(session: AsyncSession) -> bool:
    """Whether this process is the one that trains, until the transaction ends or the process dies."""
    return bool(await session.scalar(select(func.pg_try_advisory_xact_lock(_TRAINER_LOCK))))


async def add(session: AsyncSession, values: Mapping[str, Any]) -> UUID | None:
    """The new training's id; None where the site has one under way."""
    row = insert(TrainingRun).values(**values)
    made = row.on_conflict_do_nothing(index_elements=["site_id"], index_where=text(IS_UNDER_WAY))
    return (await session.execute(made.returning(TrainingRun.id))).scalar_one_or_none()


async def under_way(session: AsyncSession, scope: Scope, *, site_id: UUID | None = None) -> Sequence[TrainingRun]:
    """Those that wait or run, in the order in which they were asked for."""
    query = select(TrainingRun).where(scope.where(TrainingRun.site_id), text(IS_UNDER_WAY))
    if site_id is not None:
        query = query.where(TrainingRun.site_id == site_id)
    return (await session.scalars(query.order_by(TrainingRun.asked_at, TrainingRun.id))).all()


async def get(session: AsyncSession, scope: Scope, run_id: UUID) -> TrainingRun | None:
    query = select(TrainingRun).where(TrainingRun.id == run_id, scope.where(TrainingRun.site_id))
    return (await session.scalars(query)).one_or_none()


async def find(session: AsyncSession, scope: Scope, *, limit: int) -> Sequence[TrainingRun]:
    query = select(TrainingRun).where(scope.where(TrainingRun.site_id))
    return (await session.scalars(query.order_by(TrainingRun.asked_at.desc(), TrainingRun.id).limit(limit))).all()


async def last_of_night(session: AsyncSession, scope: Scope) -> dict[UUID, datetime]:
    """When the hub itself last asked, by site."""
    rows = await session.execute(
        select(TrainingRun.site_id, func.max(TrainingRun.asked_at))
        .where(scope.where(TrainingRun.site_id), TrainingRun.asked_by.is_(None))
        .group_by(TrainingRun.site_id)
    )
    return {row[0]: row[1] for row in rows}


async def begin(session: AsyncSession, run_id: UUID, *, at: datetime) -> int:
    """Takes it up, first or again; which attempt this is, 0 when it is over."""
    step = (
        update(TrainingRun)
        .where(TrainingRun.id == run_id, text(IS_UNDER_WAY))
        .values(
            state=TrainingState.RUNNING.value, attempts=TrainingRun.attempts + 1,
            started_at=func.coalesce(TrainingRun.started_at, at),
        )
        .returning(TrainingRun.attempts)
    )  # fmt: skip
    return (await session.execute(step)).scalar_one_or_none() or 0


async def go_on(session: AsyncSession, run_id: UUID, *, progress: float, learnt: int, equipment: int) -> bool:
    """Notes how far it is. Whether it should go on: not where somebody cancelled it or it is over."""
    step = (
        update(TrainingRun)
        .where(TrainingRun.id == run_id, text(IS_UNDER_WAY))
        .values(progress=progress, learnt=learnt, equipment=equipment)
        .returning(TrainingRun.cancelling)
    )
    return (await session.execute(step)).scalar_one_or_none() is False


async def note(session: AsyncSession, run_id: UUID, report: Mapping[str, Any]) -> None:
    await session.execute(update(TrainingRun).where(TrainingRun.id == run_id).values(report=dict(report)))


async def cancel(session: AsyncSession, run_id: UUID) -> None:
    await session.execute(
        update(TrainingRun).where(TrainingRun.id == run_id, text(IS_UNDER_WAY)).values(cancelling=True)
    )


async def end(
    session: AsyncSession, run_id: UUID, state: TrainingState, *, at: datetime, failure: str | None = None
) -> None:  # fmt: skip
    """The first end stays; what was learnt on the way is not needed any more."""
    done: dict[str, Any] = {"state": state.value, "ended_at": at, "failure": failure}
    if state is TrainingState.DONE:
        done["progress"] = 1.0
    await session.execute(update(TrainingRun).where(TrainingRun.id == run_id, text(IS_UNDER_WAY)).values(**done))
    await session.execute(delete(TrainingPiece).where(TrainingPiece.run_id == run_id))


async def forget(session: AsyncSession, *, before: datetime) -> None:
    """Trainings of long ago."""
    await session.execute(
        delete(TrainingRun).where(TrainingRun.asked_at < before, ~text(f"({IS_UNDER_WAY})"))
    )  # fmt: skip


async def add_piece(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Another process that was slow to die may have kept the same: the first stays."""
    await session.execute(insert(TrainingPiece).values(**values).on_conflict_do_nothing())


async def piece_numbers(session: AsyncSession, scope: Scope, run_id: UUID) -> set[tuple[str, int]]:
    rows = await session.execute(
        select(TrainingPiece.subject, TrainingPiece.number).where(
            TrainingPiece.run_id == run_id, scope.where(TrainingPiece.site_id)
        )
    )
    return {(row[0], row[1]) for row in rows}


async def pieces(session: AsyncSession, scope: Scope, run_id: UUID, subject: str) -> Sequence[TrainingPiece]:
    """In order."""
    query = select(TrainingPiece).where(
        TrainingPiece.run_id == run_id, TrainingPiece.subject == subject, scope.where(TrainingPiece.site_id)
    )
    return (await session.scalars(query.order_by(TrainingPiece.number))).all()


async def forget_pieces(session: AsyncSession, run_id: UUID, subject: str) -> None:
    await session.execute(delete(TrainingPiece).where(TrainingPiece.run_id == run_id, TrainingPiece.subject == subject))
