"""Queries over stored models and fresh starts."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from predictive.training.card import Family, ModelState
from predictive.training.models import FreshStart, TrainedModel, TrainedModelPart

# One that asks for a place in a lineage while another does waits for it: versions count up without gaps.
_LINEAGE_LOCKS = 0x5A48_0042


async def lock_lineage(session: AsyncSession, *, site_id: UUID, family: Family, subject: str) -> None:
    words = func.hashtext(f"{site_id} {family.value} {subject}")
    await session.execute(select(func.pg_advisory_xact_lock(_LINEAGE_LOCKS, words)))


async def newest_version(session: AsyncSession, *, site_id: UUID, family: Family, subject: str) -> int:
    query = select(func.max(TrainedModel.version)).where(
        TrainedModel.site_id == site_id, TrainedModel.family == family.value, TrainedModel.subject == subject
    )
    return await session.scalar(query) or 0


async def of_lineage(
    session: AsyncSession, *, site_id: UUID, family: Family, subject: str, state: ModelState
) -> TrainedModel | None:
    """The champion, or the shadow."""
    query = select(TrainedModel).where(
        TrainedModel.site_id == site_id, TrainedModel.family == family.value, TrainedModel.subject == subject,
        TrainedModel.state == state.value,
    )  # fmt: skip
    return (await session.scalars(query)).one_or_none()


async def find(
    session: AsyncSession, scope: Scope, *, family: Family | None = None, states: Collection[ModelState] = (),
    site_id: UUID | None = None, subject: str | None = None,
) -> Sequence[TrainedModel]:  # fmt: skip
    """By family and subject, the newest version first."""
    query = select(TrainedModel).where(scope.where(TrainedModel.site_id))
    if family is not None:
        query = query.where(TrainedModel.family == family.value)
    if states:
        query = query.where(TrainedModel.state.in_([one.value for one in states]))
    if site_id is not None:
        query = query.where(TrainedModel.site_id == site_id)
    if subject is not None:
        query = query.where(TrainedModel.subject == subject)
    ordered = query.order_by(
        TrainedModel.site_id, TrainedModel.family, TrainedModel.subject, TrainedModel.version.desc()
    )
    return (await session.scalars(ordered)).all()


async def get(session: AsyncSession, scope: Scope, model_id: UUID, *, lock: bool = False) -> TrainedModel | None:
    query = select(TrainedModel).where(TrainedModel.id == model_id, scope.where(TrainedModel.site_id))
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def add(session: AsyncSession, row: TrainedModel, parts: Sequence[bytes]) -> None:
    session.add(row)
    await session.flush()
    # One by one and past the session: it would hold the content a second time.
    for number, content in enumerate(parts):
        part = {"model_id": row.id, "number": number, "site_id": row.site_id, "content": content}
        await session.execute(insert(TrainedModelPart).values(**part))


async def parts(session: AsyncSession, scope: Scope, model_id: UUID) -> AsyncIterator[bytes]:
    """The content, piece by piece, in order."""
    number = 0
    while True:
        query = select(TrainedModelPart.content).where(
            TrainedModelPart.model_id == model_id, TrainedModelPart.number == number,
            scope.where(TrainedModelPart.site_id),
        )  # fmt: skip
        part = await session.scalar(query)
        if part is None:
            return
        yield part
        number += 1


async def set_state(session: AsyncSession, model_id: UUID, state: ModelState, *, at: datetime, by: UUID | None) -> None:
    await session.execute(
        update(TrainedModel).where(TrainedModel.id == model_id).values(state=state.value, state_at=at, state_by=by)
    )


async def set_metrics(session: AsyncSession, scope: Scope, model_id: UUID, metrics: Mapping[str, Any]) -> None:
    """Beside those that are there; of the same name the new ones stay."""
    row = await get(session, scope, model_id, lock=True)
    if row is not None:
        row.metrics = {**row.metrics, **metrics}
        await session.flush()


async def forget_contents(session: AsyncSession, *, before: datetime) -> None:
    """Of what was retired before: the index keeps the numbers, nobody needs the content."""
    old = select(TrainedModel.id).where(TrainedModel.state == ModelState.RETIRED.value, TrainedModel.state_at < before)
    await session.execute(delete(TrainedModelPart).where(TrainedModelPart.model_id.in_(old)))


async def fresh_starts(session: AsyncSession, scope: Scope) -> dict[UUID, datetime]:
    rows = await session.execute(
        select(FreshStart.equipment_id, FreshStart.since).where(scope.where(FreshStart.site_id))
    )
    return {row[0]: row[1] for row in rows}


async def begin_afresh(
    session: AsyncSession, *, equipment_id: UUID, site_id: UUID, since: datetime, reason: str
) -> None:
    """A later start takes the place of an earlier one, never the other way round."""
    row = insert(FreshStart).values(equipment_id=equipment_id, site_id=site_id, since=since, reason=reason)
    later = row.on_conflict_do_update(
        index_elements=["equipment_id"], set_={"since": since, "reason": reason}, where=FreshStart.since < since
    )
    await session.execute(later)
