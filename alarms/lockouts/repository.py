"""Queries over locks on equipment, which are inhibitions of a kind of their own."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.models import Inhibition, InhibitionKind
from kit.access import Scope
from kit.ids import new_id

_STANDING = text("kind = 'locked_out' AND released_at IS NULL")


async def put_on(
    session: AsyncSession, *, site_id: UUID, equipment_id: UUID, person_id: UUID, reason: str, until: datetime | None,
    now: datetime,
) -> Inhibition:  # fmt: skip
    """One a person and equipment: who has one already says anew why and until when."""
    said = {"reason": reason, "until": until}
    statement = insert(Inhibition).values(
        id=new_id(), site_id=site_id, equipment_id=equipment_id, kind=InhibitionKind.LOCKED_OUT, person_id=person_id,
        created_at=now, **said,
    )  # fmt: skip
    kept = statement.on_conflict_do_update(
        index_elements=[Inhibition.equipment_id, Inhibition.person_id], index_where=_STANDING, set_=said
    ).returning(Inhibition)
    found = await session.scalars(kept, execution_options={"populate_existing": True})
    return found.one()


async def hold(session: AsyncSession, scope: Scope, lockout_id: UUID) -> Inhibition | None:
    """Its row held, so that it is taken off once."""
    query = select(Inhibition).where(
        Inhibition.id == lockout_id, Inhibition.kind == InhibitionKind.LOCKED_OUT, scope.where(Inhibition.site_id)
    )
    return (await session.scalars(query.with_for_update(key_share=True))).one_or_none()


async def find(
    session: AsyncSession, scope: Scope, *, site_id: UUID | None, equipment_id: UUID | None,
    standing_at: datetime | None, limit: int, offset: int,
) -> tuple[Sequence[Inhibition], int]:  # fmt: skip
    """The newest first, and how many there are; with `standing_at` only those that are on then."""
    where: list[ColumnElement[bool]] = [
        Inhibition.kind == InhibitionKind.LOCKED_OUT, scope.where(Inhibition.site_id)
    ]  # fmt: skip
    if site_id is not None:
        where.append(Inhibition.site_id == site_id)
    if equipment_id is not None:
        where.append(Inhibition.equipment_id == equipment_id)
    if standing_at is not None:
        where += _on(standing_at)
    query = select(Inhibition).where(*where).order_by(Inhibition.created_at.desc(), Inhibition.id.desc())
    rows = (await session.scalars(query.limit(limit).offset(offset))).all()
    return rows, await session.scalar(select(func.count()).select_from(Inhibition).where(*where)) or 0


async def holders(session: AsyncSession, equipment_ids: Collection[UUID], *, now: datetime) -> Sequence[UUID]:
    """Who has a lock on one of these now, whoever put theirs on first."""
    query = select(Inhibition.person_id).where(
        Inhibition.kind == InhibitionKind.LOCKED_OUT, Inhibition.equipment_id.in_(equipment_ids), *_on(now)
    )
    found = await session.scalars(query.order_by(Inhibition.created_at, Inhibition.id))
    return [person_id for person_id in found if person_id is not None]


def _on(now: datetime) -> list[ColumnElement[bool]]:
    return [Inhibition.released_at.is_(None), Inhibition.until.is_(None) | (Inhibition.until > now)]
