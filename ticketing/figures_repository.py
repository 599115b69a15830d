"""Figures over work orders in SQL. A figure and its orders are asked by the very same conditions (`_definitions`)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Label, Select, Text, and_, cast, func, literal, or_, select, text, true
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from ticketing.figures import (
    LEFT_OUT,
    Day,
    Dimension,
    Drill,
    Figure,
    FigureFilter,
    FigureOrder,
    Group,
    Groups,
    LateOrder,
    Part,
    Value,
)
from ticketing.measuring import repository as measuring_repository
from ticketing.measuring.models import OrderMeasure
from ticketing.models import Report, WorkOrder

# Rows a time, where all orders of a figure are read.
BATCH = 1_000
# A month of every site is sorted in memory.
_SORTED_IN_MEMORY = text("SET LOCAL work_mem = '32MB'")

_COLUMNS: Mapping[Dimension, str] = {
    Dimension.SITE: "site_id",
    Dimension.BUILDING: "building_id",
    Dimension.KIND: "kind",
    Dimension.CATEGORY: "category",
    Dimension.PRIORITY: "priority",
    Dimension.TECHNICIAN: "assignee_id",
    Dimension.EQUIPMENT: "equipment_id",
    Dimension.EQUIPMENT_KIND: "equipment_kind",
}
# Of an owner who gives as many stars on the mean nobody asks what was wrong.
SATISFIED = 4


@dataclass(frozen=True)
class _Definition:
    """Which orders a figure is of, which of them say yes, and what each amounts to."""

    population: ColumnElement[bool]
    hit: ColumnElement[bool] | None = None
    amount: ColumnElement[Any] | None = None

    def part(self, part: Part) -> ColumnElement[bool]:
        match part:
            case Part.ALL:
                return self.population
            case Part.HITS:
                return and_(self.population, self.hit if self.hit is not None else true())
            case Part.MISSES:
                return and_(self.population, ~self.hit if self.hit is not None else literal(False))


async def figures(
    session: AsyncSession, scope: Scope, wanted: FigureFilter, *, by: Dimension | None, now: datetime, limit: int
) -> Groups:
    """All figures, of all the orders together or of the `limit` largest groups of a dimension, the largest first."""
    measured = _measured(scope, wanted)
    definitions = _definitions(measured, now)
    columns = [one for figure in definitions for one in _aggregates(figure, definitions[figure])]
    key = _key(measured, by)
    code, in_all = func.max(measured.c.equipment_code).label("code"), func.count().over().label("in_all")
    rows = select(key, code, in_all, *columns).group_by(key).order_by(func.count().desc(), key).limit(limit)
    await session.execute(_SORTED_IN_MEMORY)
    found = [row._mapping for row in await session.execute(rows)]
    if not found and by is None:  # of no orders at all there is still an answer
        return Groups([Group(None, {figure: Value(0) for figure in definitions})], 1)
    return Groups([_group(row) for row in found], found[0]["in_all"] if found else 0)


async def orders(
    session: AsyncSession, scope: Scope, drill: Drill, *, now: datetime, limit: int, offset: int
) -> tuple[list[FigureOrder], int]:
    """The orders that a figure counts, the newest first, and how many they are in all."""
    measured, condition = _counted_by(scope, drill, now=now)
    in_all = func.count().over().label("in_all")
    page = _newest(measured, condition).add_columns(in_all).limit(limit).offset(offset)
    await session.execute(_SORTED_IN_MEMORY)
    rows = (await session.execute(_listed(page.cte("newest").prefix_with("MATERIALIZED")))).mappings().all()
    found = [_order(row) for row in rows]
    if found or not offset:
        return found, rows[0]["in_all"] if rows else 0
    counted = select(func.count()).select_from(measured).where(condition)
    return found, await session.scalar(counted) or 0


async def all_orders(
    session: AsyncSession, scope: Scope, drill: Drill, *, now: datetime
) -> AsyncIterator[Sequence[FigureOrder]]:  # fmt: skip
    """The same, all of them, some at a time: however many they are, few are in memory."""
    measured, condition = _counted_by(scope, drill, now=now)
    newest = _newest(measured, condition).cte("newest").prefix_with("MATERIALIZED")
    rows = await session.stream(_listed(newest).execution_options(yield_per=BATCH))
    async for some in rows.partitions(BATCH):
        yield [_order(row._mapping) for row in some]


async def has_held(session: AsyncSession, scope: Scope, person_id: UUID) -> bool:
    """Whether somebody has an order there, open or over."""
    held = select(WorkOrder.id).where(WorkOrder.assignee_id == person_id, scope.where(WorkOrder.site_id))
    return await session.scalar(held.limit(1)) is not None


async def worst(session: AsyncSession, *, site_id: UUID, now: datetime, limit: int) -> list[LateOrder]:
    """Open orders past their time: the most urgent first, of these the latest."""
    late = and_(_is_open(), WorkOrder.held_since.is_(None), WorkOrder.resolution_due_at < now)
    columns = (WorkOrder.id, WorkOrder.number, WorkOrder.place, WorkOrder.priority, WorkOrder.resolution_due_at)
    rows = select(*columns).where(WorkOrder.site_id == site_id, late)
    first = rows.order_by(WorkOrder.priority, WorkOrder.resolution_due_at, WorkOrder.id).limit(limit)
    return [
        LateOrder(one.id, one.number, one.place, one.priority, (now - one.resolution_due_at).total_seconds() / 3600)
        for one in await session.execute(first)
    ]


async def day(session: AsyncSession, *, site_id: UUID, since: datetime, until: datetime, now: datetime) -> Day:
    """Cancelled ones, duplicates and tests left out."""
    mine = (WorkOrder.site_id == site_id, measuring_repository.left_out(WorkOrder).is_(None))
    opened = select(func.count()).where(*mine, WorkOrder.opened_at >= since, WorkOrder.opened_at < until)
    done = select(
        func.count(), func.count().filter(WorkOrder.done_at <= WorkOrder.resolution_due_at)
    ).where(*mine, WorkOrder.done_at >= since, WorkOrder.done_at < until)  # fmt: skip
    late = and_(WorkOrder.held_since.is_(None), WorkOrder.resolution_due_at < now)
    standing = select(func.count(), func.count().filter(late)).where(WorkOrder.site_id == site_id, _is_open())
    finished, in_time = (await session.execute(done)).one()
    left, overdue = (await session.execute(standing)).one()
    return Day(await session.scalar(opened) or 0, finished, in_time, left, overdue)


# --- what an order is counted as -----------------------------------------------------------------------------------


def _is_open() -> ColumnElement[bool]:
    return WorkOrder.state.not_in(measuring_repository.OVER)


def _measured(scope: Scope, wanted: FigureFilter) -> CTE:
    return measuring_repository.measures(
        kept=_wanted(scope, wanted, OrderMeasure, OrderMeasure.work_order_id),
        fresh=_wanted(scope, wanted, WorkOrder, WorkOrder.id),
    )


def _wanted(scope: Scope, wanted: FigureFilter, of: Any, work_order_id: Any) -> list[ColumnElement[bool]]:
    """The same conditions on either table."""
    where = [scope.where(of.site_id), of.opened_at >= wanted.since, of.opened_at < wanted.until]
    narrowed = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
    where += [
        getattr(of, name) == value
        for name, value in narrowed.items()
        if name not in ("since", "until", "without") and value is not None
    ]
    if wanted.without:
        where.append(work_order_id.not_in(wanted.without))
    return where


def _key(measured: CTE, by: Dimension | None) -> Label[Any]:
    return (cast(measured.c[_COLUMNS[by]], Text) if by else cast(literal(None), Text)).label("key")


def _definitions(measured: CTE, now: datetime) -> Mapping[Figure, _Definition]:
    m = measured.c
    counts = m.left_out.is_(None)
    left_out = {figure: _Definition(_true(m.left_out == figure.value)) for figure in LEFT_OUT}
    return {
        Figure.OPENED: _Definition(true()),
        Figure.COUNTED: _Definition(counts, hit=m.is_done),
        **left_out,
        Figure.RESPONSE_TIME: _Definition(and_(counts, m.response_s.is_not(None)), amount=m.response_s),
        Figure.RESOLUTION_TIME: _Definition(and_(counts, m.is_done), amount=m.resolution_s),
        Figure.RESPONSE_MET: _promised(counts, m.answered_in_time, m.answer_missed_at, now),
        Figure.ARRIVAL_MET: _promised(counts, m.arrived_in_time, m.arrival_missed_at, now),
        Figure.RESOLUTION_MET: _promised(counts, m.done_in_time, m.end_missed_at, now),
        Figure.FIRST_TIME_FIX: _Definition(m.is_mended, hit=m.is_fixed_at_once),
        Figure.REPEATS: _Definition(counts, hit=m.is_repeat),
        Figure.LOAD: _Definition(and_(counts, m.assignee_id.is_not(None)), hit=~m.is_over),
        Figure.RATING: _Definition(and_(counts, m.stars.is_not(None)), hit=_true(m.stars >= SATISFIED), amount=m.stars),
        Figure.COST: _Definition(and_(counts, m.cost > 0), amount=m.cost),
        Figure.FAILURES: _Definition(m.is_failure, amount=m.resolution_s),
    }


def _promised(counts: ColumnElement[bool], in_time: Any, missed_at: Any, now: datetime) -> _Definition:
    """What happened, in time or not, and what can happen in time no more."""
    return _Definition(and_(counts, or_(in_time.is_not(None), missed_at < now)), hit=_true(in_time))


def _true(condition: Any) -> ColumnElement[bool]:
    """No where the database would say that it does not know."""
    return func.coalesce(condition, False)


# --- asking --------------------------------------------------------------------------------------------------------

_AMOUNTS = ("median", "p90", "mean", "total")


def _aggregates(figure: Figure, of: _Definition) -> list[ColumnElement[Any]]:
    found: list[ColumnElement[Any]] = [func.count().filter(of.population).label(f"{figure}_orders")]
    if of.hit is not None:
        found.append(func.count().filter(of.part(Part.HITS)).label(f"{figure}_hits"))
    if of.amount is not None:
        made = (
            func.percentile_cont(0.5).within_group(of.amount), func.percentile_cont(0.9).within_group(of.amount),
            func.avg(of.amount), func.sum(of.amount),
        )  # fmt: skip
        found += [one.filter(of.population).label(f"{figure}_{name}") for one, name in zip(made, _AMOUNTS, strict=True)]
    return found


def _group(row: Mapping[Any, Any]) -> Group:
    values: dict[Figure, Value] = {}
    for figure in Figure:
        if f"{figure}_orders" not in row:
            continue
        amounts = {name: row.get(f"{figure}_{name}") for name in _AMOUNTS}
        known = {name: None if amount is None else float(amount) for name, amount in amounts.items()}
        values[figure] = Value(row[f"{figure}_orders"], row.get(f"{figure}_hits"), **known)
    return Group(row["key"], values, row["code"])


def _counted_by(scope: Scope, drill: Drill, *, now: datetime) -> tuple[CTE, ColumnElement[bool]]:
    measured = _measured(scope, drill.wanted)
    condition = _definitions(measured, now)[drill.figure].part(drill.part)
    if drill.by is not None:
        condition = and_(condition, _key(measured, drill.by).is_not_distinct_from(drill.key))
    return measured, condition


def _newest(measured: CTE, condition: ColumnElement[bool]) -> Select[Any]:
    amounts = (measured.c[name] for name in ("response_s", "resolution_s", "held_s", "is_repeat", "left_out"))
    rows = select(measured.c.work_order_id, measured.c.opened_at, *amounts).where(condition)
    return rows.order_by(measured.c.opened_at.desc(), measured.c.work_order_id.desc())


def _listed(newest: CTE) -> Any:
    """With whom to call about it: who reported it first."""
    first = (
        select(Report.contact_name, Report.contact_phone)
        .where(Report.work_order_id == newest.c.work_order_id, ~Report.is_anonymous)
        .order_by(Report.created_at, Report.id)
        .limit(1)
        .lateral("first")
    )
    own = (getattr(WorkOrder, name) for name in _OWN)
    rows = (
        select(newest, *own, first.c.contact_name, first.c.contact_phone)
        .join(WorkOrder, WorkOrder.id == newest.c.work_order_id)
        .outerjoin(first, true())
    )
    return rows.order_by(newest.c.opened_at.desc(), newest.c.work_order_id.desc())


_OWN = (
    "id", "site_id", "number", "kind", "category", "state", "priority", "place", "equipment_code", "assignee_id",
    "responded_at", "done_at", "cost", "closing_code",
)  # fmt: skip


def _order(row: Mapping[Any, Any]) -> FigureOrder:
    own = {field.name: row[field.name] for field in fields(FigureOrder)}
    return FigureOrder(**own | {"cost": float(row["cost"])})
