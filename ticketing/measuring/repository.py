"""Measures in SQL: taken of orders, kept, and read together with those of orders that changed since."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Double,
    Select,
    Uuid,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from ticketing.feedback import repository as feedback_repository
from ticketing.figures import Figure
from ticketing.kinds import IN_HAND, SETTLED, ClosingCode, FireOutcome, OrderState, Procedure
from ticketing.measuring.models import MeasureDue, OrderMeasure
from ticketing.models import TimelineEntry, WorkOrder
from ticketing.proof.verdict import Proof

OVER = (*(state.value for state in SETTLED), OrderState.DONE.value)
# Somebody said yes.
_TAKEN = (*(state.value for state in IN_HAND), OrderState.DONE.value)
# Something was there to be mended.
_MENDED = (ClosingCode.REAL_FAULT.value, ClosingCode.MISUSE.value)
_COLUMNS = tuple(OrderMeasure.__table__.columns.keys())


def left_out(order: Any) -> ColumnElement[str | None]:
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
        (order.proof == Proof.UNPROVED.value, Figure.UNPROVED.value),
        else_=None,
    )  # fmt: skip


def measures(kept: Sequence[ColumnElement[bool]], fresh: Sequence[ColumnElement[bool]]) -> CTE:
    """Every order's measures, those of orders that changed lately as they are now.

    `kept`, `fresh`: the same conditions, on OrderMeasure and on WorkOrder.
    """
    is_due = exists().where(MeasureDue.work_order_id == OrderMeasure.work_order_id)
    stored = select(*(getattr(OrderMeasure, name) for name in _COLUMNS)).where(*kept, ~is_due)
    # An array: the few are looked up by their ids, whatever the planner believes of a table that fills and empties.
    changed = func.array(select(MeasureDue.work_order_id).scalar_subquery(), type_=ARRAY(Uuid))
    return union_all(stored, _taken(*fresh, WorkOrder.id == func.any(changed))).cte("measured")


def from_scratch(*where: ColumnElement[bool]) -> CTE:
    """The same, nothing that is kept used: what `measures` must be equal to."""
    return _taken(*where).cte("measured")


async def take(session: AsyncSession, *, limit: int) -> int:
    """Measures the orders of the `limit` oldest entries; how many entries there were.

    What changes meanwhile is entered by whoever changes it, and is not seen here before: it stays due.
    """
    oldest = select(MeasureDue.no).order_by(MeasureDue.no).limit(limit)
    entries = delete(MeasureDue).where(MeasureDue.no.in_(oldest)).returning(MeasureDue.work_order_id)
    due: list[UUID] = list((await session.scalars(entries)).all())
    if due:
        wanted = func.unnest(sorted(set(due)), type_=WorkOrder.id.type).column_valued("wanted")
        await session.execute(_kept(_taken(WorkOrder.id.in_(select(wanted)))))
    return len(due)


# --- inside --------------------------------------------------------------------------------------------------------


def _kept(taken: Select[Any]) -> Any:
    entered = insert(OrderMeasure).from_select(_COLUMNS, taken)
    changed = {name: entered.excluded[name] for name in _COLUMNS if name != "work_order_id"}
    return entered.on_conflict_do_update(index_elements=["work_order_id"], set_=changed)


def _taken(*where: ColumnElement[bool]) -> Select[Any]:
    """The measures of orders, in the order of `_COLUMNS`."""
    read = (getattr(WorkOrder, name) for name in _READ)
    chosen = select(*read).where(*where).cte("chosen").prefix_with("MATERIALIZED")
    steps, marks = _steps(chosen), feedback_repository.stars(chosen)
    values = _values(chosen, steps, marks)
    return (
        select(*(values[name].label(name) for name in _COLUMNS))
        .select_from(chosen)
        .outerjoin(steps, steps.c.work_order_id == chosen.c.id)
        .outerjoin(marks, marks.c.work_order_id == chosen.c.id)
    )


_SAME = (
    "site_id", "opened_at", "building_id", "equipment_id", "assignee_id", "priority", "cost", "kind", "category",
    "equipment_kind", "equipment_code",
)  # fmt: skip
_READ = (
    "id", *_SAME, "state", "procedure", "attempt", "repeat_of_id", "merged_into_id", "closing_code", "fire_outcome",
    "proof", "responded_at", "arrived_at", "done_at", "held_since", "response_due_at", "arrival_due_at",
    "resolution_due_at",
)  # fmt: skip


def _values(chosen: CTE, steps: Any, marks: Any) -> dict[str, ColumnElement[Any]]:
    order = chosen.c
    is_over, done, why = order.state.in_(OVER), order.done_at.is_not(None), left_out(order)
    mended = and_(
        why.is_(None), done, _true(order.closing_code.in_(_MENDED)), order.procedure != Procedure.FEEDBACK.value
    )
    held_s = func.coalesce(steps.c.held_s, 0.0)
    was_resolved_s = func.greatest(_seconds(order.opened_at, order.done_at) - held_s, 0.0)
    ends_late = and_(~is_over, ~done, order.held_since.is_(None))
    return {
        **{name: order[name] for name in _SAME},
        "work_order_id": order.id,
        "left_out": why,
        "is_over": is_over,
        "is_done": done,
        "answered_in_time": order.responded_at <= order.response_due_at,
        "arrived_in_time": order.arrived_at <= order.arrival_due_at,
        "done_in_time": order.done_at <= order.resolution_due_at,
        "answer_missed_at": _when(and_(~is_over, order.responded_at.is_(None)), order.response_due_at),
        "arrival_missed_at": _when(and_(~is_over, order.arrived_at.is_(None)), order.arrival_due_at),
        "end_missed_at": _when(ends_late, order.resolution_due_at),
        "is_mended": mended,
        "is_fixed_at_once": and_(mended, order.attempt == 1, ~_was_repeated(chosen)),
        "is_failure": and_(mended, order.equipment_id.is_not(None), order.closing_code == ClosingCode.REAL_FAULT.value),
        "is_repeat": order.repeat_of_id.is_not(None),
        "response_s": _seconds(order.opened_at, steps.c.taken_at),
        "resolution_s": _when(done, was_resolved_s),
        "held_s": held_s,
        "stars": cast(marks.c.stars, Double),
    }


def _was_repeated(chosen: CTE) -> ColumnElement[bool]:
    """Whether an order that counts is the same thing again."""
    again = aliased(WorkOrder)
    repeats = select(literal(1)).where(again.repeat_of_id == chosen.c.id, left_out(again).is_(None))
    return repeats.correlate(chosen).exists()


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


def _when(condition: ColumnElement[bool], value: Any) -> ColumnElement[Any]:
    """None otherwise."""
    return case((condition, value), else_=None)


def _true(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """No where the database would say that it does not know."""
    return func.coalesce(condition, False)
