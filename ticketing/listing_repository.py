"""Lists and counts of work orders."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    CompoundSelect,
    ScalarSelect,
    Select,
    Text,
    UnaryExpression,
    and_,
    func,
    literal,
    literal_column,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, load_only

from catalog.sorting import order_by
from kit.access import Scope
from kit.totals import Total, plan_for_values, total_of
from ticketing.errors import PageTooDeep
from ticketing.kinds import OrderKind, OrderState
from ticketing.models import (
    LONG_D,
    LONG_UNTIL,
    RARE_KIND,
    SEARCHED,
    SPACED,
    STILL_OPEN,
    Report,
    WorkOrder,
    WorkOrderTask,
)
from ticketing.tasks import UNFINISHED

SORTS: Mapping[str, InstrumentedAttribute[Any]] = {
    "number": WorkOrder.number,
    "opened_at": WorkOrder.opened_at,
    "priority": WorkOrder.priority,
    "state": WorkOrder.state,
    "response_due_at": WorkOrder.response_due_at,
    "resolution_due_at": WorkOrder.resolution_due_at,
}

# All that a line of a list is made of: the rest of an order is wide and stays where it is.
LINE_COLUMNS = (
    WorkOrder.id, WorkOrder.site_id, WorkOrder.number, WorkOrder.kind, WorkOrder.category, WorkOrder.channel,
    WorkOrder.state, WorkOrder.priority, WorkOrder.title, WorkOrder.place, WorkOrder.building_id, WorkOrder.space_id,
    WorkOrder.equipment_id, WorkOrder.equipment_code, WorkOrder.fault_mode, WorkOrder.assignee_id,
    WorkOrder.repeat_of_id, WorkOrder.version, WorkOrder.opened_at, WorkOrder.response_due_at,
    WorkOrder.resolution_due_at, WorkOrder.promised_at, WorkOrder.responded_at, WorkOrder.held_since,
)  # fmt: skip

COUNTED_AT_MOST = 10_000

# How far down a list pages go: each costs what lies before it, and nobody reads the two hundredth.
DEEPEST = 10_000
# Of a search every row before the page was looked at word by word.
DEEPEST_SEARCHED = 1_000

# Many orders share a priority or a state: the index goes on by time, and a span of time is a part of it.
_SORTED_BY_AGE_TOO = ("priority", "state")

# Somebody who types the beginning of a number means the number.
_NUMBER = re.compile(r"wo-[\d-]*$", re.IGNORECASE)
_TRIGRAM = 3


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
    """How a desk stands: orders by state (settled ones of all time included, up to COUNTED_AT_MOST), open ones past
    their time, P1 open."""

    by_state: Mapping[OrderState, int]
    overdue: int
    urgent: int


@dataclass(frozen=True)
class FoundOrders:
    """A page of orders and how many match."""

    orders: Sequence[WorkOrder]
    total: Total


async def find(
    session: AsyncSession, scope: Scope, wanted: OrderFilter, *, now: datetime, sort: str, limit: int, offset: int
) -> FoundOrders:
    """A page, each order with what a line shows. Raises UnknownSortField, PageTooDeep."""
    deepest = DEEPEST_SEARCHED if wanted.words else DEEPEST
    if offset + limit > deepest:
        raise PageTooDeep(deepest=deepest)
    await plan_for_values(session)
    where = _where(scope, wanted, now)
    order = _order(sort)
    # Which fifty is found in an index; only those rows are then read.
    page = _latest_due(where, wanted.opened_until, sort, order, offset + limit)
    if page is None:
        page = select(WorkOrder.id).where(*where).order_by(*order)
    rows = await session.scalars(
        select(WorkOrder)
        .where(WorkOrder.id.in_(page.limit(limit).offset(offset).scalar_subquery()))
        .order_by(*order)
        .options(load_only(*LINE_COLUMNS, raiseload=True))
    )
    orders = rows.all()
    matching = select(literal(1)).select_from(WorkOrder).where(*where)
    return FoundOrders(orders, await total_of(session, matching, limit=limit, offset=offset, found=len(orders)))


def _order(sort: str) -> list[UnaryExpression[Any]]:
    """The id last: pages never overlap, whatever is equal. All in the same direction, as the indexes have it."""
    field = sort.removeprefix("-")
    last = (WorkOrder.opened_at, WorkOrder.id) if field in _SORTED_BY_AGE_TOO else (WorkOrder.id,)
    return [order_by(sort, SORTS), *(column.desc() if sort.startswith("-") else column.asc() for column in last)]


def _latest_due(
    where: Sequence[ColumnElement[bool]],
    until: datetime | None,
    sort: str,
    order: Sequence[UnaryExpression[Any]],
    rows: int,
) -> Select[UUID] | None:
    """The first `rows` by due time, latest first, of what was opened before a time; None where that is not asked.

    The index by due time would be walked from the youngest order down to that time. So the walk begins a little after
    it, and the few orders that are due even later come from their own index.
    """
    field = sort.removeprefix("-")
    if until is None or field not in LONG_UNTIL or field == sort:
        return None
    due = SORTS[field]
    begin = _shifted(until, days=LONG_D)
    usual = select(WorkOrder.id, due).where(*where, due < begin).order_by(*order).limit(rows)
    is_long = literal_column(f"({LONG_UNTIL[field]})", Boolean)  # in the words of their own index
    # Fenced off: PostgreSQL takes a third of all for long, and would walk the index by due time after all.
    late = select(WorkOrder.id, due).where(*where, due >= begin, is_long).offset(literal_column("0"))
    both = union_all(usual.subquery().select(), late.subquery().select()).subquery()
    return select(both.c.id).order_by(both.c[field].desc(), both.c.id.desc())


async def counts(session: AsyncSession, scope: Scope, wanted: OrderFilter, *, now: datetime) -> OrderCounts:
    """No state is counted beyond COUNTED_AT_MOST."""
    await plan_for_values(session)
    where = _where(scope, wanted, now)
    by_state = await session.execute(select(*(_counted(where, state) for state in OrderState)))
    flags = await session.execute(
        select(func.count().filter(_overdue(now)), func.count().filter(WorkOrder.priority == 1)).where(
            _is_open(), *where
        )
    )
    overdue, urgent = flags.one()
    return OrderCounts(dict(zip(OrderState, by_state.one(), strict=True)), overdue, urgent)


def _counted(where: Sequence[ColumnElement[bool]], state: OrderState) -> ScalarSelect[int]:
    some = select(literal(1)).select_from(WorkOrder).where(WorkOrder.state == state, *where).limit(COUNTED_AT_MOST)
    return select(func.count()).select_from(some.subquery()).scalar_subquery()


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
    if wanted.kinds and OrderKind.REPAIR not in wanted.kinds:
        where.append(literal_column(f"work_order.{RARE_KIND}", Boolean))  # in the words of their own index
    for condition, flag in (
        (_is_open(), wanted.is_open),
        (_overdue(now), wanted.is_overdue),
        (WorkOrder.repeat_of_id.is_not(None), wanted.is_repeat),
    ):
        if flag is not None:
            where.append(condition if flag else ~condition)
    if wanted.mine is not None:
        where.append(WorkOrder.id.in_(_orders_of(wanted.mine)))
    if wanted.opened_since is not None:
        # Nothing is due before it was opened: said, so that a sort by a due time begins there too.
        times = (WorkOrder.opened_at, WorkOrder.response_due_at, WorkOrder.resolution_due_at)
        where += [time >= wanted.opened_since for time in times]
        where.append(WorkOrder.number >= _number_of(_shifted(wanted.opened_since, days=-1)))
    if wanted.opened_until is not None:
        where.append(WorkOrder.opened_at < wanted.opened_until)
        where.append(WorkOrder.number < _number_of(_shifted(wanted.opened_until, days=2)))
    if wanted.words:
        where.append(_speaks_of(wanted.words))
    return where


def _number_of(time: datetime) -> str:
    """Where the numbers of a day begin. They have the day of the site, which is at most one off that of UTC."""
    return f"WO-{time.date().isoformat().replace('-', '')}"


def _shifted(time: datetime, *, days: int) -> datetime:
    """UTC; the beginning or end of time where that is passed."""
    try:
        return time.astimezone(UTC) + timedelta(days=days)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if days > 0 else datetime.min.replace(tzinfo=UTC)


def _is_open() -> ColumnElement[bool]:
    """In the very words of the index of open orders."""
    return literal_column(f"work_order.{STILL_OPEN}", Boolean)


def _overdue(now: datetime) -> ColumnElement[bool]:
    """Open, and past the time of its answer or of its end; a hold stops the clock."""
    late_answer = and_(WorkOrder.responded_at.is_(None), WorkOrder.response_due_at < now)
    late_end = and_(WorkOrder.done_at.is_(None), WorkOrder.held_since.is_(None), WorkOrder.resolution_due_at < now)
    return and_(_is_open(), WorkOrder.state != OrderState.DONE, or_(late_answer, late_end))


def _orders_of(person_id: UUID) -> CompoundSelect[tuple[UUID]]:
    """Open orders of a person, and those with a task for them. A union: of an "or" PostgreSQL expects half of all."""
    tasks = select(WorkOrderTask.work_order_id).where(
        WorkOrderTask.assignee_id == person_id, WorkOrderTask.state.in_(UNFINISHED)
    )
    return union(select(WorkOrder.id).where(WorkOrder.assignee_id == person_id), tasks)


def _speaks_of(words: str) -> ColumnElement[bool]:
    if _NUMBER.match(words):
        return WorkOrder.number.startswith(words.upper(), autoescape=True)
    if len(words) < _TRIGRAM:
        return literal_column(SPACED, Text).contains(spaced(words), autoescape=True)
    return literal_column(SEARCHED, Text).contains(words.lower(), autoescape=True)


def spaced(words: str) -> str:
    """Words as `SPACED` holds them: in small letters, each three times."""
    return "".join(letter * 3 for letter in words.lower())
