"""Lists and counts of work orders."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from catalog.sorting import order_by
from kit.access import Scope
from ticketing.kinds import SETTLED, OrderKind, OrderState
from ticketing.models import Report, WorkOrder, WorkOrderTask
from ticketing.tasks import UNFINISHED

SORTS: Mapping[str, InstrumentedAttribute[Any]] = {
    "number": WorkOrder.number,
    "opened_at": WorkOrder.opened_at,
    "priority": WorkOrder.priority,
    "state": WorkOrder.state,
    "response_due_at": WorkOrder.response_due_at,
    "resolution_due_at": WorkOrder.resolution_due_at,
}


@dataclass(frozen=True)
class OrderFilter:
    """What a list is narrowed to; empty or None means "any". `mine`: assigned to them, or a task of it is."""

    states: Collection[OrderState] = ()
    kinds: Collection[OrderKind] = ()
    priorities: Collection[int] = ()
    site_id: UUID | None = None
    building_id: UUID | None = None
    equipment_id: UUID | None = None
    assignee_id: UUID | None = None
    mine: UUID | None = None
    is_open: bool | None = None
    is_overdue: bool | None = None
    is_repeat: bool | None = None
    opened_since: datetime | None = None
    opened_until: datetime | None = None
    words: str | None = None


@dataclass(frozen=True)
class OrderCounts:
    """How a desk stands: orders by state (settled ones of all time included), open ones past their time, P1 open."""

    by_state: Mapping[OrderState, int]
    overdue: int
    urgent: int


async def find(
    session: AsyncSession, scope: Scope, wanted: OrderFilter, *, now: datetime, sort: str, limit: int, offset: int
) -> tuple[Sequence[WorkOrder], int]:
    """A page and how many match in all. Raises UnknownSortField."""
    where = _where(scope, wanted, now)
    # The id last: pages never overlap, whatever is equal.
    ordered = select(WorkOrder).where(*where).order_by(order_by(sort, SORTS), WorkOrder.id.desc())
    rows = await session.scalars(ordered.limit(limit).offset(offset))
    total = await session.scalar(select(func.count()).select_from(WorkOrder).where(*where))
    return rows.all(), total or 0


async def counts(session: AsyncSession, scope: Scope, wanted: OrderFilter, *, now: datetime) -> OrderCounts:
    where = _where(scope, wanted, now)
    by_state = await session.execute(
        select(WorkOrder.state, func.count()).where(*where).group_by(WorkOrder.state)
    )  # fmt: skip
    flags = await session.execute(
        select(
            func.count().filter(_overdue(now)),
            func.count().filter(and_(WorkOrder.priority == 1, WorkOrder.state.not_in(SETTLED))),
        ).where(*where)
    )
    overdue, urgent = flags.one()
    return OrderCounts({OrderState(state): count for state, count in by_state}, overdue, urgent)


async def report_counts(session: AsyncSession, work_order_ids: Collection[UUID]) -> dict[UUID, int]:
    rows = await session.execute(
        select(Report.work_order_id, func.count())
        .where(Report.work_order_id.in_(work_order_ids))
        .group_by(Report.work_order_id)
    )
    return dict(rows.all())


def _where(scope: Scope, wanted: OrderFilter, now: datetime) -> list[ColumnElement[bool]]:
    where = [scope.where(WorkOrder.site_id)]
    for column, values in (
        (WorkOrder.state, wanted.states),
        (WorkOrder.kind, wanted.kinds),
        (WorkOrder.priority, wanted.priorities),
    ):
        if values:
            where.append(column.in_(values))
    for attribute, value in (
        (WorkOrder.site_id, wanted.site_id),
        (WorkOrder.building_id, wanted.building_id),
        (WorkOrder.equipment_id, wanted.equipment_id),
        (WorkOrder.assignee_id, wanted.assignee_id),
    ):
        if value is not None:
            where.append(attribute == value)
    for condition, flag in (
        (WorkOrder.state.not_in(SETTLED), wanted.is_open),
        (_overdue(now), wanted.is_overdue),
        (WorkOrder.repeat_of_id.is_not(None), wanted.is_repeat),
    ):
        if flag is not None:
            where.append(condition if flag else ~condition)
    if wanted.mine is not None:
        where.append(or_(WorkOrder.assignee_id == wanted.mine, _has_task_of(wanted.mine)))
    if wanted.opened_since is not None:
        where.append(WorkOrder.opened_at >= wanted.opened_since)
    if wanted.opened_until is not None:
        where.append(WorkOrder.opened_at < wanted.opened_until)
    if wanted.words:
        where.append(_speaks_of(wanted.words))
    return where


def _overdue(now: datetime) -> ColumnElement[bool]:
    """Open, and past the time of its answer or of its end; a hold stops the clock."""
    late_answer = and_(WorkOrder.responded_at.is_(None), WorkOrder.response_due_at < now)
    late_end = and_(WorkOrder.done_at.is_(None), WorkOrder.held_since.is_(None), WorkOrder.resolution_due_at < now)
    return and_(WorkOrder.state.not_in({*SETTLED, OrderState.DONE}), or_(late_answer, late_end))


def _has_task_of(person_id: UUID) -> ColumnElement[bool]:
    return exists().where(
        WorkOrderTask.work_order_id == WorkOrder.id,
        WorkOrderTask.assignee_id == person_id,
        WorkOrderTask.state.in_(UNFINISHED),
    )


def _speaks_of(words: str) -> ColumnElement[bool]:
    columns = (WorkOrder.number, WorkOrder.place, WorkOrder.equipment_code, WorkOrder.title["zh-CN"].astext)
    return or_(*(column.icontains(words, autoescape=True) for column in columns))
