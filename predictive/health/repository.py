"""Queries on health."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.bulk import upsert
from kit.access import Scope
from kit.clock import from_ms, to_ms
from kit.db import driver_connection
from kit.rows import fetch
from predictive.health.models import EquipmentEvidence, EquipmentHealth
from predictive.health.tally import EvidenceSum

_KEY = ("equipment_id", "day")
# Many rows in one statement, and what is there already is added to: the line gives what it has every few minutes.
_ADDITION = b"""
    INSERT INTO equipment_evidence AS kept (site_id, equipment_id, since_at, rows, excess, highest, above, weights)
    SELECT site_id, equipment_id, since_at, rows, excess, highest, above, weights
    FROM json_populate_recordset(NULL::equipment_evidence, %s)
    ORDER BY equipment_id, since_at
    ON CONFLICT (equipment_id, since_at) DO UPDATE SET
        rows = kept.rows + excluded.rows, excess = kept.excess + excluded.excess,
        highest = greatest(kept.highest, excluded.highest), above = kept.above + excluded.above,
        weights = (
            SELECT coalesce(jsonb_object_agg(key, weight), '{}') FROM (
                SELECT key, sum(value::float8) AS weight FROM (
                    SELECT * FROM jsonb_each_text(kept.weights)
                    UNION ALL SELECT * FROM jsonb_each_text(excluded.weights)
                ) AS both_of GROUP BY key
            ) AS summed
        )
"""


async def add_evidence(session: AsyncSession, sums: Sequence[EvidenceSum]) -> None:
    """Adds each to what is kept of the same equipment and quarter of a day."""
    if not sums:
        return
    rows = [
        {
            "site_id": str(one.site_id), "equipment_id": str(one.equipment_id),
            "since_at": from_ms(one.since_ms).isoformat(), "rows": one.rows, "excess": one.excess,
            "highest": one.highest, "above": one.above,
            "weights": {key: share * one.excess for key, share in one.shares.items()},
        }
        for one in sums
    ]  # fmt: skip
    await session.flush()
    await fetch(await driver_connection(session), _ADDITION, json.dumps(rows))


async def evidence(session: AsyncSession, site_id: UUID, *, since: datetime) -> Mapping[UUID, list[EvidenceSum]]:
    rows = await session.scalars(
        select(EquipmentEvidence).where(EquipmentEvidence.site_id == site_id, EquipmentEvidence.since_at >= since)
    )
    found: dict[UUID, list[EvidenceSum]] = {}
    for row in rows:
        one = EvidenceSum(
            equipment_id=row.equipment_id, site_id=row.site_id, since_ms=to_ms(row.since_at), rows=row.rows,
            excess=row.excess, highest=row.highest, above=row.above, shares=_shares(row.weights),
        )  # fmt: skip
        found.setdefault(row.equipment_id, []).append(one)
    return found


async def forget(session: AsyncSession, *, evidence_before: datetime, health_before: date) -> None:
    await session.execute(delete(EquipmentEvidence).where(EquipmentEvidence.since_at < evidence_before))
    await session.execute(delete(EquipmentHealth).where(EquipmentHealth.day < health_before))


async def save(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """The last word of a day stays. All rows have the same columns."""
    if rows:
        await upsert(session, EquipmentHealth, rows, key=_KEY, update=[key for key in rows[0] if key not in _KEY])


async def history(
    session: AsyncSession, scope: Scope, equipment_id: UUID, *, since: date
) -> Sequence[EquipmentHealth]:  # fmt: skip
    """Its days, oldest first."""
    mine = (
        EquipmentHealth.equipment_id == equipment_id,
        EquipmentHealth.day >= since,
        scope.where(EquipmentHealth.site_id),
    )
    return (await session.scalars(select(EquipmentHealth).where(*mine).order_by(EquipmentHealth.day))).all()


async def worst(
    session: AsyncSession, scope: Scope, *, site_id: UUID | None, limit: int, offset: int
) -> tuple[Sequence[EquipmentHealth], int]:
    """The newest day of each equipment that has a figure on it, the worst first, and how many there are."""
    newest = (
        select(EquipmentHealth.site_id, func.max(EquipmentHealth.day).label("day"))
        .where(scope.where(EquipmentHealth.site_id))
        .group_by(EquipmentHealth.site_id)
        .subquery()
    )
    mine: list[ColumnElement[bool]] = [EquipmentHealth.health.is_not(None)]
    if site_id is not None:
        mine.append(EquipmentHealth.site_id == site_id)
    found = (
        select(EquipmentHealth)
        .join(newest, (newest.c.site_id == EquipmentHealth.site_id) & (newest.c.day == EquipmentHealth.day))
        .where(*mine)
    )
    total = await session.scalar(select(func.count()).select_from(found.subquery())) or 0
    ordered = found.order_by(EquipmentHealth.health, EquipmentHealth.equipment_id)
    return (await session.scalars(ordered.limit(limit).offset(offset))).all(), total


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    whole = sum(weights.values())
    return {key: weight / whole for key, weight in weights.items()} if whole > 0 else {}
