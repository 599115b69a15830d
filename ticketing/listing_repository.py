"""Lists and counts of work orders."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    ScalarSelect,
    Select,
    UnaryExpression,
    func,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, load_only

from catalog.sorting import order_by
from kit.access import Scope
from kit.totals import Total, plan_for_values, total_of
from ticketing.errors import PageTooDeep
from ticketing.kinds import OrderState
from ticketing.models import LONG_D, LONG_UNTIL, Report, WorkOrder
from ticketing.narrowing_repository import (
    OrderFilter,
    conditions,
    found_by_words,
    is_open,
    overdue,
    shifted,
    speaks_of,
)

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
    WorkOrder.state, WorkOrder.stage, WorkOrder.procedure, WorkOrder.priority, WorkOrder.title, WorkOrder.place,
    WorkOrder.building_id, WorkOrder.space_id, WorkOrder.equipment_id, WorkOrder.equipment_code, WorkOrder.fault_mode,
    WorkOrder.assignee_id, WorkOrder.repeat_of_id, WorkOrder.version, WorkOrder.opened_at, WorkOrder.response_due_at,
    WorkOrder.resolution_due_at, WorkOrder.promised_at, WorkOrder.responded_at, WorkOrder.held_since,
    WorkOrder.proof, WorkOrder.parent_id, WorkOrder.arrival_due_at, WorkOrder.arrived_at,
)  # fmt: skip

COUNTED_AT_MOST = 10_000

# How far down a list pages go: each costs what lies before it, and nobody reads the fortieth.
DEEPEST = 2_000
# Of a search every row before the page was looked at word by word.
DEEPEST_SEARCHED = 300
# What many orders speak of is met by who goes through them in the order of the list, and what few speak of is found by
# the index of words and then sorted. The first so many are tried, to see which it is.
_TRIED = 2_000
# To go through some is far cheaper than to look one up, but the deeper the page the more must be gone through.
_ROWS_A_SPEAKING, _SPEAKING_AT_LEAST = 15, 10
# Even where the first orders of a list are unlike the others, no more than so many are sorted.
_FEW = 10_000
_COUNT_AHEAD_SEARCHED = 50

# Many orders share a priority or a state: the index goes on by time, and a span of time is a part of it.
_SORTED_BY_AGE_TOO = ("priority", "state")
# These follow the time of opening so closely that they are sorted by its index.
_FOLLOW_OPENING = ("number", *LONG_UNTIL)
# A number has the day of its site, which is at most one off that of UTC.
_NUMBER_D = 3


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


@dataclass(frozen=True, kw_only=True)
class _Page:
    """Which rows of which order. The id last: pages never overlap, whatever is equal."""

    sort: str
    limit: int
    offset: int

    @property
    def field(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def is_backwards(self) -> bool:
        return self.sort.startswith("-")

    @property
    def rows(self) -> int:
        return self.offset + self.limit

    @property
    def columns(self) -> list[InstrumentedAttribute[Any]]:
        return [SORTS[self.field], *((WorkOrder.opened_at,) if self.field in _SORTED_BY_AGE_TOO else ()), WorkOrder.id]

    def order(self, columns: Any) -> list[UnaryExpression[Any]]:
        """All in the same direction, as the indexes have it. `columns`: of the table, or of a subquery of `columns`."""
        named = [getattr(columns, column.key) for column in self.columns]
        return [column.desc() if self.is_backwards else column.asc() for column in named]

    @property
    def by_opening(self) -> "_Page":
        return replace(self, sort=f"{'-' * self.is_backwards}opened_at")

    def cut(self, ids: Select[UUID]) -> Select[UUID]:
        return ids.limit(self.limit).offset(self.offset)


Where = Sequence[ColumnElement[bool]]


async def find(
    session: AsyncSession, scope: Scope, wanted: OrderFilter, *, now: datetime, sort: str, limit: int, offset: int
) -> FoundOrders:
    """A page, each order with what a line shows. Raises UnknownSortField, PageTooDeep."""
    order_by(sort, SORTS)
    page = _Page(sort=sort, limit=limit, offset=offset)
    deepest = DEEPEST_SEARCHED if wanted.words else DEEPEST
    if page.rows > deepest:
        raise PageTooDeep(deepest=deepest)
    await plan_for_values(session)
    where = conditions(scope, wanted, now=now)
    if wanted.spoken and not wanted.is_of_open_ones:
        if not wanted.is_of_a_place(scope) and await _is_common(session, where, page, words=wanted.spoken):
            return await _found_on_the_way(session, where, page, words=wanted.spoken)
        return await _found_by_index(session, where, page, words=wanted.spoken)
    if wanted.spoken:
        where.append(speaks_of(wanted.spoken))
    ids = _sorted(where, page) if wanted.is_of_open_ones else await _walked(session, where, page)
    orders = await _orders(session, page.cut(ids).scalar_subquery(), page)
    matching = select(literal(1)).select_from(WorkOrder).where(*where)
    return FoundOrders(orders, await total_of(session, matching, limit=limit, offset=offset, found=len(orders)))


async def _orders(session: AsyncSession, ids: Any, page: _Page) -> Sequence[WorkOrder]:
    # Which fifty is found in an index; only those rows are then read.
    rows = await session.scalars(
        select(WorkOrder)
        .where(WorkOrder.id.in_(ids))
        .order_by(*page.order(WorkOrder))
        .options(load_only(*LINE_COLUMNS, raiseload=True))
    )
    return rows.all()


def _sorted(where: Where, page: _Page) -> Select[UUID]:
    """Ids in the order of the list, of few.

    Fenced off: PostgreSQL sorts after it has them all. It must not walk an index by the order of the list, in which
    the few that match may come last.
    """
    every = select(*page.columns).where(*where).offset(literal_column("0")).subquery()
    return select(every.c.id).order_by(*page.order(every.c))


async def _found_by_index(session: AsyncSession, where: Where, page: _Page, *, words: str) -> FoundOrders:
    found = select(*page.columns).where(*where, found_by_words(words)).limit(_FEW + 1).cte("found")
    found = found.prefix_with("MATERIALIZED", dialect="postgresql")
    ids = page.cut(select(found.c.id).order_by(*page.order(found.c))).scalar_subquery()
    count = select(func.count()).select_from(found).scalar_subquery()
    first, rows = (await session.execute(select(func.array(ids), count))).one()
    if rows > _FEW:
        return await _found_on_the_way(session, where, page, words=words)
    return FoundOrders(await _orders(session, first, page) if first else [], Total(rows, is_more=False))


async def _is_common(session: AsyncSession, where: Where, page: _Page, *, words: str) -> bool:
    by_opening = page.by_opening.order(WorkOrder)
    speaking = select(speaks_of(words).label("speaks")).where(*where).order_by(*by_opening).limit(_TRIED).subquery()
    found = await session.scalar(select(func.count()).select_from(speaking).where(speaking.c.speaks))
    return (found or 0) >= max(_SPEAKING_AT_LEAST, page.rows // _ROWS_A_SPEAKING)


async def _found_on_the_way(session: AsyncSession, where: Where, page: _Page, *, words: str) -> FoundOrders:
    matching = [*where, speaks_of(words)]
    ids = await _walked(session, matching, page)
    orders = await _orders(session, page.cut(ids).scalar_subquery(), page)
    every = select(literal(1)).select_from(WorkOrder).where(*matching).order_by(*page.by_opening.order(WorkOrder))
    total = await total_of(
        session, every, limit=page.limit, offset=page.offset, found=len(orders), ahead=_COUNT_AHEAD_SEARCHED
    )
    return FoundOrders(orders, total)


async def _walked(session: AsyncSession, where: Where, page: _Page) -> Select[UUID]:
    """Ids in the order of the list, to be cut to the page."""
    if page.field not in _FOLLOW_OPENING:
        return select(WorkOrder.id).where(*where).order_by(*page.order(WorkOrder))
    near = union_all(*(part.subquery().select() for part in await _near(session, where, page))).subquery()
    return select(near.c.id).order_by(*page.order(near.c))


async def _near(session: AsyncSession, where: Where, page: _Page) -> list[Select[Any]]:
    """Those among which the first rows are, by a number or a time that is due.

    An order is due within LONG_D days of its opening, unless it is long, and its number is of the day. So the first
    rows by either were opened no more than that beyond the first rows by opening: a short span of one index.
    """
    by_opening = page.by_opening.order(WorkOrder)
    # Fenced off, and in the order of that index: PostgreSQL must not take another.
    fenced = select(*page.columns).order_by(*by_opening).offset(literal_column("0"))
    long = LONG_UNTIL.get(page.field)
    is_long = literal_column(f"({long})", Boolean) if long else None  # in the words of their own index
    days = LONG_D if long else _NUMBER_D
    usual = [*where, ~is_long] if is_long is not None and not page.is_backwards else where
    last = await session.scalar(
        select(WorkOrder.opened_at).where(*usual).order_by(*by_opening).limit(1).offset(page.rows - 1)
    )
    if last is None:
        return [fenced.where(*where)]
    if not page.is_backwards:
        return [fenced.where(*where, WorkOrder.opened_at <= shifted(last, days=days))]
    begin = shifted(last, days=-days)
    young = fenced.where(*where, WorkOrder.opened_at >= begin)
    if is_long is None:
        return [young]
    # Each of the first rows by opening is due after that, and so must be whoever takes its place.
    late = select(*page.columns).where(*where, WorkOrder.opened_at < begin, SORTS[page.field] >= last, is_long)
    return [young, late.offset(literal_column("0"))]


async def counts(session: AsyncSession, scope: Scope, wanted: OrderFilter, *, now: datetime) -> OrderCounts:
    """No state is counted beyond COUNTED_AT_MOST."""
    await plan_for_values(session)
    where = conditions(scope, wanted, now=now)
    if wanted.spoken:
        where.append(found_by_words(wanted.spoken))
    by_state = await session.execute(select(*(_counted(where, state) for state in OrderState)))
    flags = await session.execute(
        select(func.count().filter(overdue(now)), func.count().filter(WorkOrder.priority == 1)).where(is_open(), *where)
    )
    late, urgent = flags.one()
    return OrderCounts(dict(zip(OrderState, by_state.one(), strict=True)), late, urgent)


def _counted(where: Where, state: OrderState) -> ScalarSelect[int]:
    some = select(literal(1)).select_from(WorkOrder).where(WorkOrder.state == state, *where).limit(COUNTED_AT_MOST)
    return select(func.count()).select_from(some.subquery()).scalar_subquery()


async def report_counts(session: AsyncSession, work_order_ids: Collection[UUID]) -> dict[UUID, int]:
    rows = await session.execute(
        select(Report.work_order_id, func.count())
        .where(Report.work_order_id.in_(work_order_ids))
        .group_by(Report.work_order_id)
    )
    return dict(rows.all())
