"""Queries of discovered devices and dead letters."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.models import DeadLetter, DiscoveredDevice, DiscoveredSample, Equipment, Site
from catalog.sorting import order_by
from kit.access import Scope
from kit.ids import new_id

_DISCOVERED_SORT = {
    "last_seen_at": DiscoveredDevice.last_seen_at,
    "first_seen_at": DiscoveredDevice.first_seen_at,
    "messages": DiscoveredDevice.messages,
    "external_id": DiscoveredDevice.external_id,
}
_LETTER_SORT = {"received_at": DeadLetter.received_at, "reason": DeadLetter.reason, "source": DeadLetter.source}


async def site_id_of(session: AsyncSession, code: str) -> UUID | None:
    return await session.scalar(select(Site.id).where(Site.code == code))


async def count_discovered(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(DiscoveredDevice)) or 0


async def heard(session: AsyncSession, key: dict[str, str], *, at: datetime) -> DiscoveredDevice | None:
    """The device of that key, counted and marked as heard at `at`; None when it is new."""
    conditions = (getattr(DiscoveredDevice, name) == value for name, value in key.items())
    row = await session.scalar(
        select(DiscoveredDevice).where(*conditions).with_for_update().execution_options(populate_existing=True)
    )
    if row is not None:
        row.messages += 1
        row.last_seen_at = max(row.last_seen_at, at)
    return row


async def add_discovered(
    session: AsyncSession, key: dict[str, str], *, site_id: UUID | None, at: datetime
) -> DiscoveredDevice | None:
    """The new row, or None when another transaction was faster."""
    values = {"id": new_id(), **key, "site_id": site_id, "first_seen_at": at, "last_seen_at": at, "messages": 1}
    statement = insert(DiscoveredDevice).values(values).on_conflict_do_nothing(index_elements=list(key))
    return await session.scalar(statement.returning(DiscoveredDevice))


async def keep_sample(
    session: AsyncSession, discovered_id: UUID, *, topic: str, payload: bytes, at: datetime, keep: int
) -> None:
    """Keeps the newest `keep` messages of a device. Ids are time-ordered, so the oldest have the smallest."""
    session.add(DiscoveredSample(discovered_id=discovered_id, topic=topic, payload=payload, received_at=at))
    await session.flush()
    mine = DiscoveredSample.discovered_id == discovered_id
    kept = select(DiscoveredSample.id).where(mine).order_by(DiscoveredSample.id.desc()).limit(keep)
    await session.execute(
        delete(DiscoveredSample)
        .where(mine, DiscoveredSample.id.not_in(kept))
        .execution_options(synchronize_session=False)
    )


async def samples(session: AsyncSession, discovered_id: UUID) -> Sequence[DiscoveredSample]:
    statement = select(DiscoveredSample).where(DiscoveredSample.discovered_id == discovered_id)
    return (await session.scalars(statement.order_by(DiscoveredSample.id))).all()


async def take_samples(session: AsyncSession, discovered_id: UUID) -> Sequence[DiscoveredSample]:
    found = await samples(session, discovered_id)
    await session.execute(
        delete(DiscoveredSample)
        .where(DiscoveredSample.id.in_([sample.id for sample in found]))
        .execution_options(synchronize_session=False)
    )
    return found


async def discovered(
    session: AsyncSession, scope: Scope, discovered_id: UUID, *, lock: bool = False
) -> DiscoveredDevice | None:
    mine = (DiscoveredDevice.id == discovered_id, scope.where(DiscoveredDevice.site_id))
    statement = select(DiscoveredDevice).where(*mine)
    return await session.scalar(statement.with_for_update() if lock else statement)


async def find_discovered(
    session: AsyncSession,
    scope: Scope,
    *,
    site_id: UUID | None,
    protocol: str | None,
    is_bound: bool | None,
    q: str | None,
    sort: str,
    limit: int,
    offset: int,
) -> tuple[Sequence[DiscoveredDevice], int]:
    conditions: list[ColumnElement[bool]] = [scope.where(DiscoveredDevice.site_id)]
    conditions += [] if site_id is None else [DiscoveredDevice.site_id == site_id]
    conditions += [] if protocol is None else [DiscoveredDevice.protocol == protocol]
    conditions += [] if not q else [DiscoveredDevice.external_id.icontains(q, autoescape=True)]
    if is_bound is not None:
        bound = DiscoveredDevice.bound_equipment_id
        conditions.append(bound.is_not(None) if is_bound else bound.is_(None))
    total = await session.scalar(select(func.count()).select_from(DiscoveredDevice).where(*conditions)) or 0
    rows = select(DiscoveredDevice).where(*conditions).order_by(order_by(sort, _DISCOVERED_SORT), DiscoveredDevice.id)
    return (await session.scalars(rows.limit(limit).offset(offset))).all(), total


async def name_is_free(session: AsyncSession, *, site_id: UUID, external_id: str, but: UUID) -> bool:
    """Whether no equipment of the site but this one goes by that name on the wire."""
    other = select(Equipment.id).where(
        Equipment.site_id == site_id, Equipment.external_id == external_id, Equipment.id != but
    )
    return await session.scalar(other.limit(1)) is None


# --- dead letters ------------------------------------------------------------------------------------------------


async def trim_letters(session: AsyncSession, reason: str, *, keep: int) -> None:
    """Deletes the oldest letters of a reason beyond `keep`; rows another transaction holds are left to it."""
    mine = DeadLetter.reason == reason
    surplus = select(DeadLetter.id).where(mine).order_by(DeadLetter.id.desc()).offset(keep)
    surplus = surplus.with_for_update(skip_locked=True)
    await session.execute(
        delete(DeadLetter).where(DeadLetter.id.in_(surplus)).execution_options(synchronize_session=False)
    )


async def letter(session: AsyncSession, scope: Scope, letter_id: UUID) -> DeadLetter | None:
    return await session.scalar(select(DeadLetter).where(DeadLetter.id == letter_id, scope.where(DeadLetter.site_id)))


async def find_letters(
    session: AsyncSession,
    scope: Scope,
    *,
    site_id: UUID | None,
    reason: str | None,
    source: str | None,
    sort: str,
    limit: int,
    offset: int,
) -> tuple[Sequence[DeadLetter], int]:
    conditions = _letters(scope, site_id=site_id, reason=reason, source=source)
    total = await session.scalar(select(func.count()).select_from(DeadLetter).where(*conditions)) or 0
    rows = select(DeadLetter).where(*conditions).order_by(order_by(sort, _LETTER_SORT), DeadLetter.id.desc())
    return (await session.scalars(rows.limit(limit).offset(offset))).all(), total


async def letter_counts(session: AsyncSession, scope: Scope) -> Sequence[Any]:
    """(reason, source, kept letters, last received) of each reason and source."""
    statement = (
        select(
            DeadLetter.reason,
            DeadLetter.source,
            func.count().label("kept"),
            func.max(DeadLetter.received_at).label("last_at"),
        )
        .where(scope.where(DeadLetter.site_id))
        .group_by(DeadLetter.reason, DeadLetter.source)
        .order_by(func.max(DeadLetter.received_at).desc())
    )
    return (await session.execute(statement)).all()


async def purge_letters(
    session: AsyncSession, scope: Scope, *, site_id: UUID | None, reason: str | None, before: datetime | None
) -> int:
    conditions = _letters(scope, site_id=site_id, reason=reason, source=None)
    conditions.append(true() if before is None else DeadLetter.received_at < before)
    result = await session.execute(
        delete(DeadLetter).where(*conditions).returning(DeadLetter.id).execution_options(synchronize_session=False)
    )
    return len(result.all())


def _letters(
    scope: Scope, *, site_id: UUID | None, reason: str | None, source: str | None
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [scope.where(DeadLetter.site_id)]
    conditions += [] if site_id is None else [DeadLetter.site_id == site_id]
    conditions += [] if reason is None else [DeadLetter.reason == reason]
    conditions += [] if source is None else [DeadLetter.source == source]
    return conditions
