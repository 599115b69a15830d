"""Queries on days of equipment."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.bulk import upsert
from kit.access import Scope
from predictive.drift.models import DriftSubject, EquipmentDay


class PastDay(NamedTuple):
    """A row of equipment_day: of months there are too many to be objects of the session."""

    equipment_id: UUID
    day: date
    features: Sequence[float | None]
    mode: str | None


async def subject(session: AsyncSession, site_id: UUID, name: str) -> DriftSubject | None:
    return await session.get(DriftSubject, (site_id, name))


async def save_days(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of equipment_day; what is there already is replaced."""
    update_too = ["site_id", "subject", "features", "mode", "is_judged"]
    await upsert(session, EquipmentDay, rows, key=("equipment_id", "day"), update=update_too)


async def gathered(session: AsyncSession, scope: Scope, name: str, day: date) -> dict[UUID, bool]:
    """Of which equipment of a subject there is that day, and whether it is judged."""
    mine = (scope.where(EquipmentDay.site_id), EquipmentDay.subject == name, EquipmentDay.day == day)
    rows = await session.execute(select(EquipmentDay.equipment_id, EquipmentDay.is_judged).where(*mine))
    return {row.equipment_id: row.is_judged for row in rows}


async def days(
    session: AsyncSession, scope: Scope, name: str, equipment: Collection[UUID], *, since: date
) -> list[PastDay]:
    """Of this equipment of a subject, oldest first."""
    columns = (EquipmentDay.equipment_id, EquipmentDay.day, EquipmentDay.features, EquipmentDay.mode)
    mine = (
        scope.where(EquipmentDay.site_id), EquipmentDay.subject == name, EquipmentDay.day >= since,
        EquipmentDay.equipment_id.in_(equipment),
    )  # fmt: skip
    found = await session.execute(select(*columns).where(*mine).order_by(EquipmentDay.day))
    return [PastDay(*row) for row in found]


async def note_judged(
    session: AsyncSession, equipment: Collection[UUID], day: date, *, modes: Mapping[UUID, str]
) -> None:
    """`modes`: of the equipment whose wear has a name."""
    that = EquipmentDay.day == day
    await session.execute(
        update(EquipmentDay).where(EquipmentDay.equipment_id.in_(equipment), that).values(is_judged=True)
    )
    for equipment_id, mode in modes.items():
        await session.execute(
            update(EquipmentDay).where(EquipmentDay.equipment_id == equipment_id, that).values(mode=mode)
        )


async def forget(session: AsyncSession, *, before: date) -> None:
    await session.execute(delete(EquipmentDay).where(EquipmentDay.day < before))
