"""Queries on days of equipment."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.bulk import upsert
from kit.access import Scope
from predictive.drift.models import DriftSubject, EquipmentDay


async def subject(session: AsyncSession, site_id: UUID, name: str) -> DriftSubject | None:
    return await session.get(DriftSubject, (site_id, name))


async def save_days(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of equipment_day; what is there already is replaced."""
    await upsert(session, EquipmentDay, rows, key=("equipment_id", "day"), update=["site_id", "subject", "features"])


async def days(session: AsyncSession, scope: Scope, name: str, *, since: date) -> Sequence[EquipmentDay]:
    """Of all equipment of a subject, oldest first."""
    mine = (scope.where(EquipmentDay.site_id), EquipmentDay.subject == name, EquipmentDay.day >= since)
    return (await session.scalars(select(EquipmentDay).where(*mine).order_by(EquipmentDay.day))).all()


async def name_modes(session: AsyncSession, day: date, modes: Mapping[UUID, str]) -> None:
    for equipment_id, mode in modes.items():
        mine = (EquipmentDay.equipment_id == equipment_id, EquipmentDay.day == day)
        await session.execute(update(EquipmentDay).where(*mine).values(mode=mode))


async def forget(session: AsyncSession, *, before: date) -> None:
    await session.execute(delete(EquipmentDay).where(EquipmentDay.day < before))
