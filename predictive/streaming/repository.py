"""Queries over what is said of watched equipment, and over the line's checkpoints."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from predictive.streaming.checkpoint import Checkpoint
from predictive.streaming.models import EquipmentWatch, StreamCheckpoint
from predictive.streaming.watch import Watch, WatchState

_ROWS_A_STATEMENT = 1_000


class WatchRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def of_equipment(self, scope: Scope, equipment_id: UUID) -> Watch | None:
        query = select(EquipmentWatch).where(
            EquipmentWatch.equipment_id == equipment_id, scope.where(EquipmentWatch.site_id)
        )
        row = (await self._session.scalars(query)).one_or_none()
        return None if row is None else _watch(row)

    async def of_site(self, scope: Scope, site_id: UUID) -> dict[UUID, Watch]:
        """All of a site, by equipment."""
        query = select(EquipmentWatch).where(EquipmentWatch.site_id == site_id, scope.where(EquipmentWatch.site_id))
        return {row.equipment_id: _watch(row) for row in await self._session.scalars(query)}

    async def find(
        self, scope: Scope, *, state: WatchState | None, limit: int, offset: int
    ) -> tuple[Sequence[Watch], int]:
        """The most unusual first, and how many there are in all."""
        wanted = [scope.where(EquipmentWatch.site_id)]
        if state is not None:
            wanted.append(EquipmentWatch.state == state.value)
        query = (
            select(EquipmentWatch)
            .where(*wanted)
            .order_by(EquipmentWatch.score.desc(), EquipmentWatch.equipment_id)
            .limit(limit)
            .offset(offset)
        )
        total = await self._session.scalar(select(func.count()).select_from(EquipmentWatch).where(*wanted))
        return [_watch(row) for row in await self._session.scalars(query)], total or 0

    async def counts(self, scope: Scope) -> dict[WatchState, int]:
        query = (
            select(EquipmentWatch.state, func.count())
            .where(scope.where(EquipmentWatch.site_id))
            .group_by(EquipmentWatch.state)
        )
        return {WatchState(state): count for state, count in await self._session.execute(query)}

    async def note(self, watches: Sequence[Watch], *, now: datetime) -> None:
        """In the place of what was said of them before."""
        for at in range(0, len(watches), _ROWS_A_STATEMENT):
            values = [_columns(watch, now) for watch in watches[at : at + _ROWS_A_STATEMENT]]
            statement = insert(EquipmentWatch).values(values)
            changed = {name: statement.excluded[name] for name in values[0] if name != "equipment_id"}
            await self._session.execute(
                statement.on_conflict_do_update(index_elements=["equipment_id"], set_=changed)
            )  # fmt: skip


class CheckpointRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def of_partition(self, partition: int) -> list[Checkpoint]:
        query = select(StreamCheckpoint).where(StreamCheckpoint.partition == partition)
        return [_checkpoint(row) for row in await self._session.scalars(query)]

    async def replace(self, partition: int, checkpoints: Sequence[Checkpoint], *, now: datetime) -> bool:
        """False, and nothing is changed, where somebody who took the partition over has got further."""
        await self._session.execute(
            select(func.pg_advisory_xact_lock(func.hashtext("stream_checkpoint"), partition))
        )  # fmt: skip
        reached = await self._session.scalar(
            select(func.max(StreamCheckpoint.next_ms)).where(StreamCheckpoint.partition == partition)
        )
        if reached is not None and checkpoints and reached > max(each.next_ms for each in checkpoints):
            return False
        await self._session.execute(delete(StreamCheckpoint).where(StreamCheckpoint.partition == partition))
        self._session.add_all([_row(each, now) for each in checkpoints])
        await self._session.flush()
        self._session.expunge_all()
        return True

    async def forget(self, partitions: Collection[int]) -> None:
        """Of partitions that are no more."""
        await self._session.execute(delete(StreamCheckpoint).where(StreamCheckpoint.partition.not_in(partitions)))


def _watch(row: EquipmentWatch) -> Watch:
    return Watch(
        equipment_id=row.equipment_id, site_id=row.site_id, state=WatchState(row.state), days=row.days,
        days_needed=row.days_needed, since=row.since, read_at=row.read_at, score=row.score, model_id=row.model_id,
        reason=row.reason,
    )  # fmt: skip


def _columns(watch: Watch, now: datetime) -> dict[str, object]:
    return {
        "equipment_id": watch.equipment_id, "site_id": watch.site_id, "state": watch.state.value, "days": watch.days,
        "days_needed": watch.days_needed, "since": watch.since, "read_at": watch.read_at, "score": watch.score,
        "model_id": watch.model_id, "reason": watch.reason, "changed_at": now,
    }  # fmt: skip


def _checkpoint(row: StreamCheckpoint) -> Checkpoint:
    return Checkpoint(
        row.partition, row.site_id, row.subject, row.next_ms, row.is_shadow,
        tuple(UUID(each) for each in row.equipment_ids),
        tuple(UUID(each) if each else None for each in row.model_ids), row.content,
    )  # fmt: skip


def _row(each: Checkpoint, now: datetime) -> StreamCheckpoint:
    return StreamCheckpoint(
        partition=each.partition, site_id=each.site_id, subject=each.subject, next_ms=each.next_ms,
        is_shadow=each.is_shadow, equipment_ids=[str(one) for one in each.equipment_ids],
        model_ids=["" if one is None else str(one) for one in each.model_ids], content=each.content, saved_at=now,
    )  # fmt: skip
