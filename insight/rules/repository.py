"""Queries on replays."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from insight.rules.models import IS_UNDER_WAY, ReplayState, RuleReplay


async def add(session: AsyncSession, values: Mapping[str, Any]) -> UUID | None:
    """The new replay's id; None where one of the person is under way."""
    row = insert(RuleReplay).values(**values)
    made = row.on_conflict_do_nothing(index_elements=["person_id"], index_where=text(IS_UNDER_WAY))
    return (await session.execute(made.returning(RuleReplay.id))).scalar_one_or_none()


async def under_way(session: AsyncSession, person_id: UUID) -> RuleReplay | None:
    mine = select(RuleReplay).where(RuleReplay.person_id == person_id, text(IS_UNDER_WAY))
    return (await session.scalars(mine)).one_or_none()


async def get(session: AsyncSession, replay_id: UUID, *, person_id: UUID | None = None) -> RuleReplay | None:
    query = select(RuleReplay).where(RuleReplay.id == replay_id)
    if person_id is not None:
        query = query.where(RuleReplay.person_id == person_id)
    return (await session.scalars(query)).one_or_none()


async def of_person(session: AsyncSession, person_id: UUID, *, limit: int) -> Sequence[RuleReplay]:
    mine = select(RuleReplay).where(RuleReplay.person_id == person_id)
    return (await session.scalars(mine.order_by(RuleReplay.asked_at.desc(), RuleReplay.id).limit(limit))).all()


async def go_on(session: AsyncSession, replay_id: UUID, *, progress: float) -> bool:
    """Notes how far it is. Whether it should go on: not where somebody cancelled it or it is over."""
    step = (
        update(RuleReplay)
        .where(RuleReplay.id == replay_id, text(IS_UNDER_WAY))
        .values(state=ReplayState.RUNNING.value, progress=progress)
        .returning(RuleReplay.cancelling)
    )
    cancelling = (await session.execute(step)).scalar_one_or_none()
    return cancelling is False


async def cancel(session: AsyncSession, replay_id: UUID) -> None:
    await session.execute(
        update(RuleReplay).where(RuleReplay.id == replay_id, text(IS_UNDER_WAY)).values(cancelling=True)
    )


async def end(
    session: AsyncSession, replay_id: UUID, state: ReplayState, *, at: datetime, answer: Mapping[str, Any] | None,
    failure: str | None,
) -> None:  # fmt: skip
    """The first end stays."""
    done = update(RuleReplay).where(RuleReplay.id == replay_id, text(IS_UNDER_WAY))
    ended = {"state": state.value, "ended_at": at, "failure": failure, "answer": answer and dict(answer)}
    await session.execute(done.values(**ended))


async def forget(session: AsyncSession, *, before: datetime) -> None:
    """Answers of long ago."""
    rows = await session.scalars(select(RuleReplay).where(RuleReplay.asked_at < before, ~text(f"({IS_UNDER_WAY})")))
    for row in rows:
        await session.delete(row)
