"""Queries over alarms of rules and their labels, and over when alarms lasted."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.detection import AlarmSource
from alarms.models import Alarm
from kit.access import Scope


async def counts(
    session: AsyncSession, scope: Scope, *, since: datetime, rule_key: str | None
) -> Sequence[tuple[str, str | None, int]]:
    query = select(Alarm.source_id, Alarm.label, func.count()).where(_of_rules(scope, since, rule_key))
    rows = await session.execute(query.group_by(Alarm.source_id, Alarm.label).order_by(Alarm.source_id, Alarm.label))
    return [(key, label, alarms) for key, label, alarms in rows]


async def of_rule(
    session: AsyncSession, scope: Scope, rule_key: str, *, since: datetime, labels: Collection[str], limit: int
) -> Sequence[Any]:
    query = select(
        Alarm.id, Alarm.equipment_id, Alarm.equipment_code, Alarm.onset_at, Alarm.returned_at, Alarm.label
    ).where(_of_rules(scope, since, rule_key), Alarm.label.in_(labels))
    rows = await session.execute(query.order_by(Alarm.onset_at.desc(), Alarm.id).limit(limit))
    return [tuple(row) for row in rows]


async def ids(
    session: AsyncSession, scope: Scope, *, since: datetime, labels: Collection[str], limit: int, rule_key: str | None
) -> Sequence[tuple[UUID, str]]:
    query = select(Alarm.id, Alarm.source_id).where(_of_rules(scope, since, rule_key), Alarm.label.in_(labels))
    rows = await session.execute(query.order_by(Alarm.onset_at.desc(), Alarm.id).limit(limit))
    return [(alarm_id, key) for alarm_id, key in rows]


async def lasting(
    session: AsyncSession, scope: Scope, equipment_ids: Collection[UUID], *, start: datetime, end: datetime
) -> Sequence[Any]:
    # One that was cleared by hand has no return.
    until = func.coalesce(Alarm.returned_at, Alarm.cleared_at)
    query = select(Alarm.equipment_id, Alarm.onset_at, until).where(
        scope.where(Alarm.site_id), Alarm.equipment_id.in_(equipment_ids), Alarm.is_test.is_(False),
        Alarm.onset_at < end, until.is_(None) | (until >= start),
    )  # fmt: skip
    return [tuple(row) for row in await session.execute(query.order_by(Alarm.equipment_id, Alarm.onset_at))]


async def recent(session: AsyncSession, site_id: UUID, *, since: datetime, label: str) -> Sequence[Any]:
    until = func.coalesce(Alarm.returned_at, Alarm.cleared_at)
    query = select(Alarm.equipment_id, Alarm.severity, until, Alarm.values).where(
        Alarm.site_id == site_id, Alarm.is_test.is_(False), until.is_(None) | (until >= since),
        Alarm.source.in_((AlarmSource.RULE.value, AlarmSource.DEVICE.value)),
        Alarm.label.is_(None) | (Alarm.label == label),
    )  # fmt: skip
    return [tuple(row) for row in await session.execute(query)]


def _of_rules(scope: Scope, since: datetime, rule_key: str | None) -> ColumnElement[bool]:
    return and_(
        Alarm.source == AlarmSource.RULE.value, scope.where(Alarm.site_id), Alarm.onset_at >= since,
        Alarm.is_test.is_(False), true() if rule_key is None else Alarm.source_id == rule_key,
    )  # fmt: skip
