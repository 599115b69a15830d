"""Figures over work orders in SQL. A figure and its orders are asked by the very same conditions (`_definitions`)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Double, Text, and_, case, cast, func, literal, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from kit.access import Scope
from ticketing.feedback import repository as feedback_repository
from ticketing.figures import (
    LEFT_OUT,
    Day,
    Dimension,
    Drill,
    Figure,
    FigureFilter,
    FigureOrder,
    Group,
    LateOrder,
    Part,
    Value,
)
from ticketing.kinds import IN_HAND, SETTLED, ClosingCode, FireOutcome, OrderState, Procedure
from ticketing.models import Report, TimelineEntry, WorkOrder
from ticketing.proof.verdict import Proof

# Groups of a dimension are told apart up to so many, the largest first.
MOST_GROUPS = 500
# Rows a time, where all orders of a figure are read.
BATCH = 1_000

_COLUMNS: Mapping[Dimension, InstrumentedAttribute[Any]] = {
    Dimension.SITE: WorkOrder.site_id,
    Dimension.BUILDING: WorkOrder.building_id,
    Dimension.KIND: WorkOrder.kind,
    Dimension.CATEGORY: WorkOrder.category,
    Dimension.PRIORITY: WorkOrder.priority,
    Dimension.TECHNICIAN: WorkOrder.assignee_id,
    Dimension.EQUIPMENT: WorkOrder.equipment_id,
    Dimension.EQUIPMENT_KIND: WorkOrder.equipment_kind,
}
# Something was there to be mended.
_MENDED = (ClosingCode.REAL_FAULT.value, ClosingCode.MISUSE.value)
# Somebody said yes.
_TAKEN = (*(state.value for state in IN_HAND), OrderState.DONE.value)
_OVER = (*(state.value for state in SETTLED), OrderState.DONE.value)
_UNPROVED = Proof.UNPROVED.value
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
    session: AsyncSession, scope: Scope, wanted: FigureFilter, *, by: Dimension | None, now: datetime
) -> list[Group]:
    """All figures, of all the orders together or of each group of a dimension, those with most orders first."""
    measured = _measured(scope, wanted, by)
    definitions = _definitions(measured, now)
    columns = [one for figure in definitions for one in _aggregates(figure, definitions[figure])]
    code = func.max(measured.c.equipment_code).label("code")
    rows = select(measured.c.key, code, *columns).group_by(measured.c.key)
    found = await session.execute(rows.order_by(func.count().desc(), measured.c.key).limit(MOST_GROUPS))
    groups = [_group(row._mapping) for row in found]
    # Of no orders at all there is still an answer.
    return groups or ([Group(None, {figure: Value(0) for figure in definitions})] if by is None else [])


async def orders(
    session: AsyncSession, scope: Scope, drill: Drill, *, now: datetime, limit: int, offset: int
) -> tuple[list[FigureOrder], int]:
    """The orders that a figure counts, the newest first, and how many they are in all."""
    measured, condition = _counted_by(scope, drill, now=now)
    newest = _listed(measured, condition).limit(limit).offset(offset)
    found = [_order(row._mapping) for row in await session.execute(newest)]
    if len(found) < limit and (found or not offset):
        return found, offset + len(found)
    counted = select(func.count()).select_from(measured).where(condition)
    return found, await session.scalar(counted) or 0


async def all_orders(
    session: AsyncSession, scope: Scope, drill: Drill, *, now: datetime
) -> AsyncIterator[Sequence[FigureOrder]]:  # fmt: skip
    """The same, all of them, some at a time: however many they are, few are in memory."""
    measured, condition = _counted_by(scope, drill, now=now)
    rows = await session.stream(_listed(measured, condition).execution_options(yield_per=BATCH))
    async for some in rows.partitions(BATCH):
        yield [_order(row._mapping) for row in some]


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
    mine = (WorkOrder.site_id == site_id, _left_out(WorkOrder).is_(None))
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
    return WorkOrder.state.not_in(_OVER)


def _left_out(order: Any) -> ColumnElement[str | None]:
    """Why an order counts in no figure; None: it counts."""
    return case(
        (order.state == OrderState.CANCELLED.value, Figure.CANCELLED.value),
        (
            or_(order.closing_code == ClosingCode.DUPLICATE.value, order.merged_into_id.is_not(None)),
            Figure.DUPLICATE.value,
        ),
        (
            or_(order.closing_code == ClosingCode.TEST.value, order.fire_outcome == FireOutcome.TEST.value),
            Figure.TEST.value,
        ),
        (order.proof == _UNPROVED, Figure.UNPROVED.value),
        else_=None,
    )  # fmt: skip


def _wanted(scope: Scope, wanted: FigureFilter) -> list[ColumnElement[bool]]:
    where = [
        scope.where(WorkOrder.site_id), WorkOrder.opened_at >= wanted.since, WorkOrder.opened_at < wanted.until,
    ]  # fmt: skip
    narrowed = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
    where += [
        getattr(WorkOrder, name) == value
        for name, value in narrowed.items()
        if name not in ("since", "until", "without") and value is not None
    ]
    if wanted.without:
        where.append(WorkOrder.id.not_in(wanted.without))
    return where


def _measured(scope: Scope, wanted: FigureFilter, by: Dimension | None) -> CTE:
    """The orders of a filter, each with its times: those on hold, or waiting for the owner, taken out."""
    chosen = select(WorkOrder).where(*_wanted(scope, wanted)).cte("chosen").prefix_with("MATERIALIZED")
    order = aliased(WorkOrder, chosen)
    steps = _steps(chosen)
    marks = feedback_repository.stars(chosen)
    held_s = func.coalesce(steps.c.held_s, 0.0)
    again = aliased(WorkOrder)
    was_repeated = (
        select(literal(1)).where(again.repeat_of_id == order.id, _left_out(again).is_(None)).correlate(order).exists()
    )
    key = cast(getattr(order, _COLUMNS[by].key), Text) if by else cast(literal(None), Text)
    return (
        select(
            key.label("key"), order.id, order.site_id, order.number, order.kind, order.category, order.state,
            order.priority, order.place, order.equipment_id, order.equipment_code, order.assignee_id, order.opened_at,
            order.responded_at, order.done_at, order.arrived_at, order.held_since, order.response_due_at,
            order.arrival_due_at, order.resolution_due_at, order.cost, order.closing_code, order.procedure,
            order.attempt, order.repeat_of_id, _left_out(order).label("left_out"), held_s.label("held_s"),
            _seconds(order.opened_at, steps.c.taken_at).label("response_s"),
            func.greatest(_seconds(order.opened_at, order.done_at) - held_s, 0.0).label("resolution_s"),
            was_repeated.label("was_repeated"), cast(marks.c.stars, Double).label("stars"),
        )
        .select_from(chosen)
        .outerjoin(steps, steps.c.work_order_id == order.id)
        .outerjoin(marks, marks.c.work_order_id == order.id)
        .cte("measured")
    )  # fmt: skip


def _steps(chosen: CTE) -> Any:
    """Of each order: when somebody first said yes, and how long it stood on hold."""
    state = TimelineEntry.after["state"].astext
    following = func.lead(TimelineEntry.at).over(
        partition_by=TimelineEntry.work_order_id, order_by=TimelineEntry.position
    )
    moves = (
        select(TimelineEntry.work_order_id, TimelineEntry.at, state.label("state"), following.label("until"))
        .join(chosen, chosen.c.id == TimelineEntry.work_order_id)
        .where(TimelineEntry.what == "moved", TimelineEntry.after.has_key("state"))
        .subquery("moves")
    )
    on_hold = moves.c.state == OrderState.ON_HOLD.value
    return (
        select(
            moves.c.work_order_id,
            func.min(moves.c.at).filter(moves.c.state.in_(_TAKEN)).label("taken_at"),
            func.sum(_seconds(moves.c.at, moves.c.until)).filter(on_hold).label("held_s"),
        )
        .group_by(moves.c.work_order_id)
        .subquery("steps")
    )


def _seconds(since: Any, until: Any) -> ColumnElement[float]:
    return cast(func.extract("epoch", until - since), Double)


def _definitions(measured: CTE, now: datetime) -> Mapping[Figure, _Definition]:
    m = measured.c
    counts = m.left_out.is_(None)
    is_over = m.state.in_(_OVER)
    answered, done = m.responded_at.is_not(None), m.done_at.is_not(None)
    mended = and_(counts, done, m.closing_code.in_(_MENDED), m.procedure != Procedure.FEEDBACK.value)
    answer_passed = and_(~is_over, m.response_due_at < now)
    arrival_passed = and_(~is_over, m.arrival_due_at < now)
    end_passed = and_(~is_over, m.held_since.is_(None), m.resolution_due_at < now)
    arrived = m.arrived_at.is_not(None)
    left_out = {figure: _Definition(func.coalesce(m.left_out == figure.value, False)) for figure in LEFT_OUT}
    return {
        Figure.OPENED: _Definition(true()),
        Figure.COUNTED: _Definition(counts, hit=done),
        **left_out,
        Figure.RESPONSE_TIME: _Definition(and_(counts, m.response_s.is_not(None)), amount=m.response_s),
        Figure.RESOLUTION_TIME: _Definition(and_(counts, done), amount=m.resolution_s),
        Figure.RESPONSE_MET: _Definition(
            and_(counts, or_(answered, answer_passed)), hit=_true(m.responded_at <= m.response_due_at)
        ),
        Figure.ARRIVAL_MET: _Definition(
            and_(counts, m.arrival_due_at.is_not(None), or_(arrived, arrival_passed)),
            hit=_true(m.arrived_at <= m.arrival_due_at),
        ),
        Figure.RESOLUTION_MET: _Definition(
            and_(counts, or_(done, end_passed)), hit=_true(m.done_at <= m.resolution_due_at)
        ),
        Figure.FIRST_TIME_FIX: _Definition(mended, hit=and_(m.attempt == 1, ~m.was_repeated)),
        Figure.REPEATS: _Definition(counts, hit=m.repeat_of_id.is_not(None)),
        Figure.LOAD: _Definition(and_(counts, m.assignee_id.is_not(None)), hit=~is_over),
        Figure.RATING: _Definition(and_(counts, m.stars.is_not(None)), hit=_true(m.stars >= SATISFIED), amount=m.stars),
        Figure.COST: _Definition(and_(counts, m.cost > 0), amount=m.cost),
        Figure.FAILURES: _Definition(
            and_(mended, m.equipment_id.is_not(None), m.closing_code == ClosingCode.REAL_FAULT.value),
            amount=m.resolution_s,
        ),
    }


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
    measured = _measured(scope, drill.wanted, drill.by)
    condition = _definitions(measured, now)[drill.figure].part(drill.part)
    if drill.by is not None:
        condition = and_(condition, measured.c.key.is_not_distinct_from(drill.key))
    return measured, condition


def _listed(measured: CTE, condition: ColumnElement[bool]) -> Any:
    """With whom to call about it: who reported it first."""
    first = (
        select(Report.contact_name, Report.contact_phone)
        .where(Report.work_order_id == measured.c.id, ~Report.is_anonymous)
        .order_by(Report.created_at, Report.id)
        .limit(1)
        .lateral("first")
    )
    rows = select(measured, first.c.contact_name, first.c.contact_phone).outerjoin(first, true()).where(condition)
    return rows.order_by(measured.c.opened_at.desc(), measured.c.id.desc())


def _order(row: Mapping[Any, Any]) -> FigureOrder:
    own = {field.name: row[field.name] for field in fields(FigureOrder) if field.name in row}
    amounts = {name: None if row[name] is None else float(row[name]) for name in ("response_s", "resolution_s")}
    return FigureOrder(
        **own | amounts | {"held_s": float(row["held_s"]), "cost": float(row["cost"])},
        is_repeat=row["repeat_of_id"] is not None,
    )
