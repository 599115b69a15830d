"""Queries of discovered devices and dead letters."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Text, Uuid, and_, cast, delete, func, select, true, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.models import DeadLetter, DiscoveredDevice, DiscoveredSample, Equipment, Site
from catalog.sorting import order_by
from catalog.views import Sample
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


async def heard(session: AsyncSession, key: dict[str, str], *, at: datetime, times: int) -> DiscoveredDevice | None:
    """The device of that key, counted and marked as heard so many times, last at `at`; None when it is new."""
    conditions = (getattr(DiscoveredDevice, name) == value for name, value in key.items())
    row = await session.scalar(
        select(DiscoveredDevice).where(*conditions).with_for_update().execution_options(populate_existing=True)
    )
    if row is not None:
        row.messages += times
        row.last_seen_at = max(row.last_seen_at, at)
    return row


async def heard_all(
    session: AsyncSession, times: Mapping[tuple[str, str, str, str], int], *, at: datetime
) -> set[tuple[str, str, str, str]]:
    """As `heard`, for any number of devices (protocol, broker, site's code, name) at once: those that are not new."""
    names = ("protocol", "broker", "site_code", "external_id")
    columns = [cast([device[part] for device in times], ARRAY(Text)) for part in range(len(names))]
    given = (
        func.unnest(*columns, cast(list(times.values()), ARRAY(BigInteger)))
        .table_valued(*names, "times", name="given")
        .render_derived()
    )
    key = [getattr(DiscoveredDevice, name) for name in names]
    # Locked in order, or two processes that hear the same devices might wait for each other.
    mine = (
        select(DiscoveredDevice.id, given.c.times)
        .join(given, and_(*(column == given.c[column.key] for column in key)))
        .order_by(*key)
        .with_for_update(of=DiscoveredDevice)
        .cte("mine")
    )
    found = await session.execute(
        update(DiscoveredDevice)
        .where(DiscoveredDevice.id == mine.c.id)
        .values(
            messages=DiscoveredDevice.messages + mine.c.times,
            last_seen_at=func.greatest(DiscoveredDevice.last_seen_at, at),
        )
        .returning(*key)
        .execution_options(synchronize_session=False)
    )
    return {(protocol, broker, site_code, external_id) for protocol, broker, site_code, external_id in found}


async def add_discovered(
    session: AsyncSession, key: dict[str, str], *, site_id: UUID | None, at: datetime, times: int
) -> DiscoveredDevice | None:
    """The new row, or None when another transaction was faster."""
    values = {"id": new_id(), **key, "site_id": site_id, "first_seen_at": at, "last_seen_at": at, "messages": times}
    statement = insert(DiscoveredDevice).values(values).on_conflict_do_nothing(index_elements=list(key))
    return await session.scalar(statement.returning(DiscoveredDevice))


async def keep_samples(session: AsyncSession, discovered_id: UUID, said: Sequence[Sample], *, keep: int) -> None:
    """Adds messages, oldest first, and keeps the newest `keep` of the device: ids are ordered by time."""
    ids = sorted(new_id() for _ in said)
    rows = [
        {
            "id": row_id, "discovered_id": discovered_id, "topic": one.topic, "payload": one.payload,
            "received_at": one.received_at,
        }
        for row_id, one in zip(ids, said, strict=True)
    ]  # fmt: skip
    await session.execute(insert(DiscoveredSample), rows)
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


async def add_letters(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """A letter that is there already stays: who was not told of a commit writes again."""
    await session.execute(insert(DeadLetter).on_conflict_do_nothing(index_elements=["id"]), rows)


async def count_alike(session: AsyncSession, more: Mapping[UUID, int]) -> None:
    """Adds to the letters that are still kept how many more there were like each."""
    given = (
        func.unnest(cast(list(more), ARRAY(Uuid)), cast(list(more.values()), ARRAY(BigInteger)))
        .table_valued("id", "more")
        .render_derived()
    )
    await session.execute(
        update(DeadLetter)
        .where(DeadLetter.id == given.c.id)
        .values(more_alike=DeadLetter.more_alike + given.c.more)
        .execution_options(synchronize_session=False)
    )


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
