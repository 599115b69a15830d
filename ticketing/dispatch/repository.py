"""Queries of dispatch: where people are, what they mended, what waits, what was planned."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from ticketing.dispatch.models import DispatchPlan, DispatchPlanItem, DispatchWait
from ticketing.kinds import FREE, IN_HAND, ClosingCode, OrderState, Procedure
from ticketing.models import STILL_OPEN, DispatchOffer, WorkOrder

# Nobody has begun these: a plan may give them to somebody else.
NOT_BEGUN = frozenset({OrderState.DISPATCHED, *FREE})
# How a wait ends that nobody ended.
NOBODY_TOOK_IT = "nobody"
_MENDED = (OrderState.DONE, OrderState.VERIFIED, OrderState.CLOSED)


async def last_buildings(session: AsyncSession, person_ids: Collection[UUID], *, since: datetime) -> dict[UUID, UUID]:
    """The building where each person last arrived for an order since then; who arrived nowhere is left out."""
    rows = await session.execute(
        select(WorkOrder.assignee_id, WorkOrder.building_id)
        .ext(distinct_on(WorkOrder.assignee_id))
        .where(
            WorkOrder.assignee_id.in_(person_ids), WorkOrder.arrived_at >= since, WorkOrder.building_id.is_not(None)
        )
        .order_by(WorkOrder.assignee_id, WorkOrder.arrived_at.desc())
    )  # fmt: skip
    return {person_id: building_id for person_id, building_id in rows if person_id and building_id}


async def last_menders(session: AsyncSession, equipment_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Who repaired each equipment last, for real; what nobody repaired is left out."""
    rows = await session.execute(
        select(WorkOrder.equipment_id, WorkOrder.assignee_id)
        .ext(distinct_on(WorkOrder.equipment_id))
        .where(
            WorkOrder.equipment_id.in_(equipment_ids), WorkOrder.state.in_(_MENDED), WorkOrder.assignee_id.is_not(None),
            WorkOrder.closing_code == ClosingCode.REAL_FAULT,
        )
        .order_by(WorkOrder.equipment_id, WorkOrder.done_at.desc())
    )  # fmt: skip
    return {equipment_id: person_id for equipment_id, person_id in rows if equipment_id and person_id}


async def last_offers(session: AsyncSession, *, site_id: UUID, person_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When each person was last offered an order at the site; who never was is left out."""
    rows = await session.execute(
        select(DispatchOffer.person_id, func.max(DispatchOffer.offered_at))
        .where(DispatchOffer.site_id == site_id, DispatchOffer.person_id.in_(person_ids))
        .group_by(DispatchOffer.person_id)
    )
    return dict(rows.all())


# --- orders that wait ----------------------------------------------------------------------------------------------


async def has_waited(session: AsyncSession, order: WorkOrder) -> bool:
    """Whether the order was open to all in this round and nobody took it. One that ended because somebody had the
    order says nothing of the others."""
    mine = (
        DispatchWait.work_order_id == order.id, DispatchWait.round == order.dispatch_round,
        DispatchWait.outcome == NOBODY_TOOK_IT,
    )  # fmt: skip
    return await session.scalar(select(DispatchWait.id).where(*mine).limit(1)) is not None


async def is_waiting(session: AsyncSession, work_order_id: UUID) -> bool:
    """Whether the order waits to be taken, or for the desk to give it out."""
    mine = (DispatchWait.work_order_id == work_order_id, DispatchWait.outcome.is_(None))
    return await session.scalar(select(DispatchWait.id).where(*mine).limit(1)) is not None


async def end_wait(session: AsyncSession, work_order_id: UUID, outcome: str, *, at: datetime) -> bool:
    """Ends the open wait of an order; whether there was one."""
    ended = await session.execute(
        update(DispatchWait)
        .where(DispatchWait.work_order_id == work_order_id, DispatchWait.outcome.is_(None))
        .values(outcome=outcome, ended_at=at)
        .returning(DispatchWait.id)
        .execution_options(synchronize_session=False)
    )
    return ended.first() is not None


async def wait(session: AsyncSession, wait_id: UUID) -> DispatchWait | None:
    return await session.get(DispatchWait, wait_id)


async def waits_over(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[UUID]:
    """Orders whose wait is over; rows that somebody holds are left to the next time."""
    due = select(DispatchWait.work_order_id).where(DispatchWait.outcome.is_(None), DispatchWait.ends_at <= now)
    rows = select(WorkOrder.id).where(WorkOrder.id.in_(due.order_by(DispatchWait.ends_at).limit(limit)))
    return (await session.scalars(rows.with_for_update(skip_locked=True))).all()


async def waiting(
    session: AsyncSession, scope: Scope, *, site_id: UUID | None, without: Collection[UUID],
    after: tuple[DispatchWait, WorkOrder] | None, limit: int,
) -> Sequence[Any]:  # fmt: skip
    """(wait, order) of what waits to be taken or given out, the most urgent first; `after` is the last one known."""
    place = (WorkOrder.priority, DispatchWait.began_at, DispatchWait.id)
    conditions: list[ColumnElement[bool]] = [scope.where(DispatchWait.site_id), DispatchWait.outcome.is_(None)]
    conditions += [] if site_id is None else [DispatchWait.site_id == site_id]
    conditions += [WorkOrder.id.not_in(without)] if without else []
    if after is not None:
        wait, order = after
        conditions.append(tuple_(*place) > tuple_(order.priority, wait.began_at, wait.id))
    rows = (
        select(DispatchWait, WorkOrder)
        .join(WorkOrder, WorkOrder.id == DispatchWait.work_order_id)
        .where(*conditions, WorkOrder.state.in_(FREE))
        .order_by(*place)
    )
    return (await session.execute(rows.limit(limit))).all()


# --- many at once --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unbegun:
    """What a plan must know of an order that nobody has begun."""

    id: UUID
    version: int
    procedure: str
    category: str
    equipment_id: UUID | None
    equipment_kind: str | None
    building_id: UUID | None
    contractor_id: UUID | None
    assignee_id: UUID | None
    priority: int
    due_at: datetime
    round: int

    @classmethod
    def of(cls, order: WorkOrder) -> "Unbegun":
        return cls(
            id=order.id, version=order.version, procedure=order.procedure, category=order.category,
            equipment_id=order.equipment_id, equipment_kind=order.equipment_kind, building_id=order.building_id,
            contractor_id=order.contractor_id, assignee_id=order.assignee_id, priority=order.priority,
            due_at=order.resolution_due_at, round=order.dispatch_round,
        )  # fmt: skip


async def not_begun(session: AsyncSession, site_id: UUID, *, limit: int) -> list[Unbegun]:
    """Orders that a plan may give out: not life safety, not what owners say (whom it is about is kept off it), not with
    customer service or an outside company, and not what waits to be taken or given out by hand."""
    columns = (
        WorkOrder.id, WorkOrder.version, WorkOrder.procedure, WorkOrder.category, WorkOrder.equipment_id,
        WorkOrder.equipment_kind, WorkOrder.building_id, WorkOrder.contractor_id, WorkOrder.assignee_id,
        WorkOrder.priority, WorkOrder.resolution_due_at, WorkOrder.dispatch_round,
    )  # fmt: skip
    mine = (
        WorkOrder.site_id == site_id, WorkOrder.state.in_(NOT_BEGUN), WorkOrder.stage.is_(None),
        WorkOrder.procedure.not_in([Procedure.ENTRAPMENT, Procedure.SMOKE, Procedure.FEEDBACK]),
        ~exists().where(DispatchWait.work_order_id == WorkOrder.id, DispatchWait.outcome.is_(None)),
    )  # fmt: skip
    rows = select(*columns).where(*mine).order_by(WorkOrder.priority, WorkOrder.resolution_due_at, WorkOrder.id)
    found: Sequence[Any] = (await session.execute(rows.limit(limit))).all()
    return [Unbegun(*row) for row in found]


async def asked(session: AsyncSession, work_order_ids: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """Who declined each order in its round, or did not answer."""
    rows = await session.execute(
        select(DispatchOffer.work_order_id, DispatchOffer.person_id)
        .join(WorkOrder, WorkOrder.id == DispatchOffer.work_order_id)
        .where(
            DispatchOffer.work_order_id.in_(work_order_ids), DispatchOffer.round == WorkOrder.dispatch_round,
            DispatchOffer.outcome.in_(["declined", "no_answer"]),
        )
    )  # fmt: skip
    found: dict[UUID, set[UUID]] = {}
    for work_order_id, person_id in rows:
        found.setdefault(work_order_id, set()).add(person_id)
    return found


async def in_hand(session: AsyncSession, person_ids: Collection[UUID]) -> dict[UUID, int]:
    """Orders that each person has said yes to and not finished, at all sites."""
    rows = await session.execute(
        select(WorkOrder.assignee_id, func.count())
        .where(WorkOrder.assignee_id.in_(person_ids), WorkOrder.state.in_(IN_HAND), text(STILL_OPEN))
        .group_by(WorkOrder.assignee_id)
    )
    return {person_id: count for person_id, count in rows if person_id is not None}


async def keep_plan(session: AsyncSession, plan: DispatchPlan, items: Sequence[dict[str, Any]]) -> None:
    session.add(plan)
    await session.flush()
    if items:
        await session.execute(insert(DispatchPlanItem), list(items))


async def plan(session: AsyncSession, scope: Scope, plan_id: UUID) -> DispatchPlan | None:
    mine = (DispatchPlan.id == plan_id, scope.where(DispatchPlan.site_id))
    return await session.scalar(select(DispatchPlan).where(*mine))


async def plan_items(session: AsyncSession, plan_id: UUID, *, limit: int, offset: int) -> tuple[Sequence[Any], int]:
    """(item, order's number) of a page, the most urgent first, and how many there are."""
    mine = DispatchPlanItem.plan_id == plan_id
    total = await session.scalar(select(func.count()).select_from(DispatchPlanItem).where(mine)) or 0
    rows = (
        select(DispatchPlanItem, WorkOrder.number)
        .join(WorkOrder, WorkOrder.id == DispatchPlanItem.work_order_id)
        .where(mine)
        .order_by(DispatchPlanItem.position)
    )
    return (await session.execute(rows.limit(limit).offset(offset))).all(), total


async def items_left(
    session: AsyncSession, plan_id: UUID, *, work_order_ids: Collection[UUID] | None, limit: int
) -> Sequence[DispatchPlanItem]:
    """Items nobody applied yet, held; narrowed to some orders if wanted."""
    mine = [DispatchPlanItem.plan_id == plan_id, DispatchPlanItem.outcome.is_(None)]
    mine += [] if work_order_ids is None else [DispatchPlanItem.work_order_id.in_(work_order_ids)]
    rows = select(DispatchPlanItem).where(*mine).order_by(DispatchPlanItem.position).limit(limit).with_for_update()
    return (await session.scalars(rows)).all()


async def count_left(session: AsyncSession, plan_id: UUID) -> int:
    mine = (DispatchPlanItem.plan_id == plan_id, DispatchPlanItem.outcome.is_(None))
    return await session.scalar(select(func.count()).select_from(DispatchPlanItem).where(*mine)) or 0
