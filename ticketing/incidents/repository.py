"""The queries of what belongs together."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.flood.topology import Trouble
from kit.access import Scope
from ticketing import repository
from ticketing.incidents.models import OrderMerge
from ticketing.kinds import SETTLED
from ticketing.models import Attachment, Follower, Incident, Report, WorkOrder, WorkOrderAlarm

# --- roots and children --------------------------------------------------------------------------------------------


async def troubles(session: AsyncSession, *, site_id: UUID, equipment_ids: Collection[UUID]) -> list[Trouble]:
    """Open orders about any of these."""
    rows = await session.execute(
        select(WorkOrder.id, WorkOrder.equipment_id, WorkOrder.opened_at, WorkOrder.fault_mode).where(
            WorkOrder.site_id == site_id, WorkOrder.equipment_id.in_(equipment_ids), WorkOrder.settled_at.is_(None)
        )
    )
    return [Trouble(id_, equipment_id, opened_at, mode) for id_, equipment_id, opened_at, mode in rows if equipment_id]


async def children(session: AsyncSession, root_id: UUID) -> Sequence[WorkOrder]:
    """The orders right under it, the oldest first; settled ones too."""
    found = await session.scalars(
        select(WorkOrder).where(WorkOrder.parent_id == root_id).order_by(WorkOrder.opened_at, WorkOrder.id)
    )
    return found.all()


async def open_children(session: AsyncSession, root_id: UUID) -> Sequence[WorkOrder]:
    return [order for order in await children(session, root_id) if order.state not in SETTLED]


async def lock_both(
    session: AsyncSession, scope: Scope, one: UUID, other: UUID
) -> tuple[WorkOrder | None, WorkOrder | None]:
    """Both rows held, always in the same sequence, so that two who merge cannot wait for each other."""
    held = {id_: await repository.lock_order(session, scope, id_) for id_ in sorted({one, other})}
    return held[one], held[other]


# --- merging -------------------------------------------------------------------------------------------------------


async def standing_merge(session: AsyncSession, source_id: UUID) -> OrderMerge | None:
    return await session.scalar(
        select(OrderMerge).where(OrderMerge.source_id == source_id, OrderMerge.undone_at.is_(None))
    )


async def merged_into(session: AsyncSession, target_id: UUID) -> Sequence[WorkOrder]:
    found = await session.scalars(
        select(WorkOrder).where(WorkOrder.merged_into_id == target_id).order_by(WorkOrder.opened_at)
    )
    return found.all()


async def repoint_merged(session: AsyncSession, *, before: UUID, after: UUID) -> None:
    """Orders merged into `before` are found at `after` from now on."""
    await session.execute(
        update(WorkOrder).where(WorkOrder.merged_into_id == before).values(merged_into_id=after)
    )  # fmt: skip


async def reopen_incidents_of_merged(session: AsyncSession, target: WorkOrder) -> None:
    """What comes about the trouble of a merged order goes where the order went, as long as that is open. A trouble
    that has an order of its own by now stays with that."""
    merged = select(WorkOrder.id).where(WorkOrder.merged_into_id == target.id)
    for incident in await session.scalars(select(Incident).where(Incident.work_order_id.in_(merged))):
        if incident.closed_at is not None:
            await repository.reopen_incident(session, incident)


async def move_reports(
    session: AsyncSession, *, before: UUID, after: UUID, only: Collection[UUID] | None = None
) -> list[UUID]:
    """Reports with their pictures; the ids of those that moved."""
    wanted = Report.work_order_id == before
    if only is not None:
        wanted &= Report.id.in_(only)
    moved = (await session.scalars(select(Report.id).where(wanted).with_for_update())).all()
    await session.execute(update(Report).where(Report.id.in_(moved)).values(work_order_id=after))
    await session.execute(update(Attachment).where(Attachment.report_id.in_(moved)).values(work_order_id=after))
    return list(moved)


async def move_alarms(
    session: AsyncSession, *, before: UUID, after: UUID, only: Collection[tuple[Any, ...]] | None = None
) -> list[WorkOrderAlarm]:
    links = await repository.links_of_order(session, before)
    wanted = [link for link in links if only is None or (link.alarm_id, link.onset_at) in only]
    for link in wanted:
        link.work_order_id = after
    await session.flush()
    return wanted


# --- followers -----------------------------------------------------------------------------------------------------


async def follower(session: AsyncSession, *, work_order_id: UUID, person_id: UUID) -> Follower | None:
    return await session.get(Follower, (work_order_id, person_id))


async def unfollow(session: AsyncSession, *, work_order_id: UUID, person_id: UUID) -> None:
    await session.execute(
        delete(Follower).where(Follower.work_order_id == work_order_id, Follower.person_id == person_id)
    )


async def move_followers(session: AsyncSession, *, source: WorkOrder, target: WorkOrder) -> list[UUID]:
    """Everybody who followed `source` follows `target`; the ids of those who had not before."""
    standing = {one.person_id for one in await repository.followers(session, target.id)}
    fresh: list[UUID] = []
    for one in await repository.followers(session, source.id):
        await repository.follow(session, at=target, person_id=one.person_id, report_id=one.report_id, since=one.since)
        if one.person_id not in standing:
            fresh.append(one.person_id)
    await session.execute(delete(Follower).where(Follower.work_order_id == source.id))
    return fresh


async def report_of(session: AsyncSession, *, work_order_id: UUID, person_id: UUID) -> Report | None:
    """The first report of a person at an order."""
    return await session.scalar(
        select(Report)
        .where(Report.work_order_id == work_order_id, Report.reporter_id == person_id)
        .order_by(Report.created_at)
        .limit(1)
    )


async def is_all_there_is(session: AsyncSession, order: WorkOrder, report: Report) -> bool:
    """Whether the order is about this report and nothing else."""
    others = exists().where(Report.work_order_id == order.id, Report.id != report.id)
    alarms = exists().where(WorkOrderAlarm.work_order_id == order.id)
    return not await session.scalar(select(others | alarms))


async def close_incidents_of_merged(session: AsyncSession, target: WorkOrder) -> None:
    """The troubles that went into it end with it."""
    merged = select(WorkOrder.id).where(WorkOrder.merged_into_id == target.id)
    await session.execute(
        update(Incident)
        .where(Incident.work_order_id.in_(merged), Incident.closed_at.is_(None))
        .values(closed_at=target.settled_at)
        .execution_options(synchronize_session=False)
    )
