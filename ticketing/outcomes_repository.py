"""Queries over what became of orders on equipment."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Numeric, Select, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from ticketing.kinds import Channel, ClosingCode, OrderState
from ticketing.models import Report, WorkOrder, WorkOrderAlarm
from ticketing.outcomes import AlarmOutcome, Outcome
from ticketing.working.models import LabourEntry

# They say nothing about the equipment.
_NO_FINDING = (ClosingCode.DUPLICATE.value, ClosingCode.TEST.value)


async def of_equipment(
    session: AsyncSession, scope: Scope, equipment_ids: Collection[UUID], *, since: datetime, until: datetime
) -> list[Outcome]:
    wanted = WorkOrder.equipment_id.in_(equipment_ids) & scope.where(WorkOrder.site_id)
    reported = _first_report()
    noticed = or_(
        WorkOrder.opened_at.between(since, until), reported.between(since, until)
    )  # fmt: skip
    return [Outcome(*row) for row in await session.execute(_outcomes().where(wanted, noticed))]


async def of_alarms(session: AsyncSession, scope: Scope, alarm_ids: Collection[UUID]) -> list[AlarmOutcome]:
    rows = await session.execute(
        _outcomes(WorkOrderAlarm.alarm_id, WorkOrderAlarm.onset_at)
        .join(WorkOrderAlarm, WorkOrderAlarm.work_order_id == WorkOrder.id)
        .where(WorkOrderAlarm.alarm_id.in_(alarm_ids), scope.where(WorkOrder.site_id))
    )
    return [AlarmOutcome(row[0], row[1], Outcome(*row[2:])) for row in rows]


async def about(session: AsyncSession, scope: Scope, work_order_id: UUID) -> Outcome | None:
    wanted = (WorkOrder.id == work_order_id) & WorkOrder.equipment_id.is_not(None) & scope.where(WorkOrder.site_id)
    row = (await session.execute(_outcomes().where(wanted))).one_or_none()
    return None if row is None else Outcome(*row)


async def of_order(session: AsyncSession, scope: Scope, work_order_id: UUID) -> list[AlarmOutcome]:
    rows = await session.execute(
        _outcomes(WorkOrderAlarm.alarm_id, WorkOrderAlarm.onset_at)
        .join(WorkOrderAlarm, WorkOrderAlarm.work_order_id == WorkOrder.id)
        .where(WorkOrder.id == work_order_id, scope.where(WorkOrder.site_id))
    )
    return [AlarmOutcome(row[0], row[1], Outcome(*row[2:])) for row in rows]


def _outcomes(*before: Any) -> Select[Any]:
    return select(
        *before,
        WorkOrder.id, WorkOrder.number, WorkOrder.equipment_id,
        func.coalesce(WorkOrder.found_mode, WorkOrder.fault_mode), WorkOrder.opened_at,
        func.coalesce(WorkOrder.settled_at, WorkOrder.done_at), _first_report(),
        WorkOrder.channel == Channel.SENSOR.value, WorkOrder.closing_code, _labour_min(), _travel_min(),
    ).where(
        WorkOrder.state != OrderState.CANCELLED.value,
        func.coalesce(WorkOrder.closing_code, "").not_in(_NO_FINDING),
    )  # fmt: skip


def _first_report() -> ColumnElement[Any]:
    return (
        select(func.min(Report.created_at))
        .where(Report.work_order_id == WorkOrder.id, Report.withdrawn_at.is_(None))
        .scalar_subquery()
    )


def _labour_min() -> ColumnElement[Any]:
    worked = func.extract("epoch", LabourEntry.ended_at - LabourEntry.started_at) / 60
    return (
        select(func.coalesce(func.sum(func.coalesce(LabourEntry.minutes, cast(worked, Numeric))), 0))
        .where(LabourEntry.work_order_id == WorkOrder.id)
        .scalar_subquery()
    )


def _travel_min() -> ColumnElement[Any]:
    """From accepting to arriving; somebody who was there already travelled for no time."""
    travelled = func.extract("epoch", WorkOrder.arrived_at - WorkOrder.responded_at) / 60
    return func.greatest(func.coalesce(travelled, 0), 0)
