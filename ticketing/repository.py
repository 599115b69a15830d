"""The queries of work orders and what belongs to one. Reading lists is in `listing_repository`."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.ids import new_id
from ticketing.incidents.incident import OF_EQUIPMENT, IncidentKey, OpenIncident
from ticketing.kinds import IN_HAND, OrderState
from ticketing.models import (
    STILL_OPEN,
    DayCounter,
    DispatchOffer,
    Follower,
    Incident,
    Report,
    TimelineEntry,
    WorkOrder,
    WorkOrderAlarm,
    WorkOrderTask,
)

# --- orders --------------------------------------------------------------------------------------------------------


async def order(session: AsyncSession, scope: Scope, work_order_id: UUID) -> WorkOrder | None:
    return await session.scalar(
        select(WorkOrder).where(WorkOrder.id == work_order_id, scope.where(WorkOrder.site_id))
    )  # fmt: skip


async def lock_order(session: AsyncSession, scope: Scope, work_order_id: UUID) -> WorkOrder | None:
    """The order as it is now, held until the transaction ends: whoever comes second sees what the first did."""
    return await session.scalar(
        select(WorkOrder)
        .where(WorkOrder.id == work_order_id, scope.where(WorkOrder.site_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def next_number(session: AsyncSession, *, site_id: UUID, day: date) -> int:
    """The next number of a site's local day, from 1. Others wait here until this transaction ends."""
    first = insert(DayCounter).values(site_id=site_id, day=day, last_no=1)
    counted = first.on_conflict_do_update(
        index_elements=[DayCounter.site_id, DayCounter.day], set_={"last_no": DayCounter.last_no + 1}
    ).returning(DayCounter.last_no)
    return (await session.execute(counted)).scalar_one()


# --- incidents -----------------------------------------------------------------------------------------------------


async def lock_name(session: AsyncSession, name: str) -> None:
    """Lets one transaction at a time past this name, until it ends."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


async def open_incidents(session: AsyncSession, *, site_id: UUID, subject: str) -> list[OpenIncident]:
    """Each with the order that is about it: of one that was merged, the one it went into."""
    rows = await session.execute(
        select(Incident, WorkOrder.priority, func.coalesce(WorkOrder.merged_into_id, WorkOrder.id))
        .join(WorkOrder, WorkOrder.id == Incident.work_order_id)
        .where(Incident.site_id == site_id, Incident.subject == subject, Incident.closed_at.is_(None))
    )
    return [
        OpenIncident(row.id, order_id, IncidentKey(row.subject, row.nature), priority, row.opened_at)
        for row, priority, order_id in rows
    ]


async def claim_incident(session: AsyncSession, wanted: Incident) -> bool:
    """Writes the incident unless its key has an open one, waiting for whoever writes the same key right now."""
    columns = ("site_id", "work_order_id", "subject", "nature", "key", "opened_at")
    claim = (
        insert(Incident)
        .values(id=new_id(), **{name: getattr(wanted, name) for name in columns})
        .on_conflict_do_nothing(index_elements=["site_id", "key"], index_where=Incident.closed_at.is_(None))
        .returning(Incident.id)
    )
    return (await session.execute(claim)).scalar_one_or_none() is not None


async def incident_of(session: AsyncSession, work_order_id: UUID) -> Incident:
    return (await session.scalars(select(Incident).where(Incident.work_order_id == work_order_id))).one()


async def open_holder(session: AsyncSession, incident: Incident) -> WorkOrder | None:
    """The open order that has this incident's key now."""
    return await session.scalar(
        select(WorkOrder)
        .join(Incident, Incident.work_order_id == WorkOrder.id)
        .where(Incident.site_id == incident.site_id, Incident.key == incident.key, Incident.closed_at.is_(None))
    )


async def reopen_incident(session: AsyncSession, incident: Incident) -> bool:
    """False when another order took the key over meanwhile; the index decides, whoever looked before."""
    try:
        async with session.begin_nested():
            incident.closed_at = None
            await session.flush()
    except IntegrityError:
        await session.refresh(incident)
        return False
    return True


async def last_same(session: AsyncSession, *, site_id: UUID, key: IncidentKey, since: datetime) -> UUID | None:
    """The latest order about the same thing that ended since then, called off ones aside.

    The same as for joining: words about an equipment without a fault match all of it, and a fault matches such words.
    """
    matches = Incident.key == str(key)
    if key.is_vague:
        matches = Incident.subject == key.subject
    elif key.subject.startswith(OF_EQUIPMENT):
        matches = matches | (Incident.key == str(key.vague))
    return await session.scalar(
        select(func.coalesce(WorkOrder.merged_into_id, WorkOrder.id))
        .join(Incident, WorkOrder.id == Incident.work_order_id)
        .where(Incident.site_id == site_id, matches, Incident.closed_at >= since)
        .where(WorkOrder.state != OrderState.CANCELLED)
        .order_by(Incident.closed_at.desc())
        .limit(1)
    )


# --- alarms behind an order ----------------------------------------------------------------------------------------


async def alarm_link(session: AsyncSession, *, alarm_id: UUID, onset_at: datetime) -> WorkOrderAlarm | None:
    return await session.get(WorkOrderAlarm, (alarm_id, onset_at))


async def links_of_alarm(session: AsyncSession, alarm_id: UUID) -> Sequence[WorkOrderAlarm]:
    found = await session.scalars(
        select(WorkOrderAlarm).where(WorkOrderAlarm.alarm_id == alarm_id).order_by(WorkOrderAlarm.onset_at.desc())
    )
    return found.all()


async def links_of_order(session: AsyncSession, work_order_id: UUID) -> Sequence[WorkOrderAlarm]:
    found = await session.scalars(
        select(WorkOrderAlarm)
        .where(WorkOrderAlarm.work_order_id == work_order_id)
        .order_by(WorkOrderAlarm.onset_at)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def flood_of_order(session: AsyncSession, work_order_id: UUID) -> UUID | None:
    """What its first alarm was told with; None where that was told by itself, or no alarm is behind the order."""
    wanted = select(WorkOrderAlarm.told_with).where(WorkOrderAlarm.work_order_id == work_order_id)
    return await session.scalar(wanted.order_by(WorkOrderAlarm.joined_at, WorkOrderAlarm.alarm_id).limit(1))


async def first_sensed(session: AsyncSession, work_order_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When the first alarm joined each order; orders without one are left out."""
    rows = await session.execute(
        select(WorkOrderAlarm.work_order_id, func.min(WorkOrderAlarm.joined_at))
        .where(WorkOrderAlarm.work_order_id.in_(work_order_ids))
        .group_by(WorkOrderAlarm.work_order_id)
    )
    return dict(rows.all())


# --- reports and followers -----------------------------------------------------------------------------------------


async def report_by_ref(session: AsyncSession, *, site_id: UUID, source_ref: str) -> Report | None:
    return await session.scalar(select(Report).where(Report.site_id == site_id, Report.source_ref == source_ref))


async def reports_of_order(session: AsyncSession, work_order_id: UUID) -> Sequence[Report]:
    found = await session.scalars(
        select(Report).where(Report.work_order_id == work_order_id).order_by(Report.created_at)
    )  # fmt: skip
    return found.all()


async def reports_of_person(session: AsyncSession, person_id: UUID, *, limit: int) -> list[tuple[Report, WorkOrder]]:
    """What a person reported, newest first, each with its order."""
    rows = await session.execute(
        select(Report, WorkOrder)
        .join(WorkOrder, WorkOrder.id == Report.work_order_id)
        .where(Report.reporter_id == person_id)
        .order_by(Report.created_at.desc())
        .limit(limit)
    )
    return [(report, found) for report, found in rows]


async def report(session: AsyncSession, report_id: UUID) -> Report | None:
    return await session.get(Report, report_id)


async def lock_report(session: AsyncSession, report_id: UUID) -> tuple[Report, WorkOrder] | None:
    """A report and the order it is about by now, the order's row held: nobody moves the report meanwhile."""
    found = await report(session, report_id)
    while found is not None:
        order = await lock_order(session, Scope.everywhere(), found.work_order_id)
        assert order is not None  # the foreign key's word
        await session.refresh(found)
        if found.work_order_id == order.id:
            return found, order
    return None


async def follow(
    session: AsyncSession, *, at: WorkOrder, person_id: UUID, report_id: UUID | None, since: datetime
) -> None:
    """Following twice is following once, and the first report stays the one that is linked."""
    await session.execute(
        insert(Follower)
        .values(work_order_id=at.id, site_id=at.site_id, person_id=person_id, report_id=report_id, since=since)
        .on_conflict_do_nothing()
    )


async def followers(session: AsyncSession, work_order_id: UUID) -> Sequence[Follower]:
    found = await session.scalars(
        select(Follower).where(Follower.work_order_id == work_order_id).order_by(Follower.since)
    )  # fmt: skip
    return found.all()


# --- tasks ---------------------------------------------------------------------------------------------------------


async def tasks(session: AsyncSession, work_order_id: UUID) -> Sequence[WorkOrderTask]:
    found = await session.scalars(
        select(WorkOrderTask)
        .where(WorkOrderTask.work_order_id == work_order_id)
        .order_by(WorkOrderTask.due_at, WorkOrderTask.kind)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def task(session: AsyncSession, *, work_order_id: UUID, task_id: UUID) -> WorkOrderTask | None:
    return await session.scalar(
        select(WorkOrderTask)
        .where(WorkOrderTask.id == task_id, WorkOrderTask.work_order_id == work_order_id)
        .execution_options(populate_existing=True)
    )


# --- dispatch ------------------------------------------------------------------------------------------------------


async def open_offer(session: AsyncSession, work_order_id: UUID) -> DispatchOffer | None:
    return await session.scalar(
        select(DispatchOffer).where(DispatchOffer.work_order_id == work_order_id, DispatchOffer.outcome.is_(None))
    )


async def offers(session: AsyncSession, work_order_id: UUID) -> Sequence[DispatchOffer]:
    found = await session.scalars(
        select(DispatchOffer).where(DispatchOffer.work_order_id == work_order_id).order_by(DispatchOffer.offered_at)
    )
    return found.all()


async def asked_in_round(session: AsyncSession, at: WorkOrder) -> set[UUID]:
    found = await session.scalars(
        select(DispatchOffer.person_id).where(
            DispatchOffer.work_order_id == at.id, DispatchOffer.round == at.dispatch_round
        )
    )
    return set(found)


async def loads(session: AsyncSession, person_ids: Collection[UUID]) -> dict[UUID, int]:
    """Open orders by assignee, at all sites: hands are not divided by site."""
    rows = await session.execute(
        select(WorkOrder.assignee_id, func.count())
        .where(
            WorkOrder.assignee_id.in_(person_ids),
            WorkOrder.state.in_({OrderState.DISPATCHED, *IN_HAND}),
            text(STILL_OPEN),
        )
        .group_by(WorkOrder.assignee_id)
    )
    return {person_id: count for person_id, count in rows if person_id is not None}


async def offers_since(session: AsyncSession, person_ids: Collection[UUID], *, since: datetime) -> dict[UUID, int]:
    rows = await session.execute(
        select(DispatchOffer.person_id, func.count())
        .where(DispatchOffer.person_id.in_(person_ids), DispatchOffer.offered_at >= since)
        .group_by(DispatchOffer.person_id)
    )
    return dict(rows.all())


# --- timeline ------------------------------------------------------------------------------------------------------


async def timeline(session: AsyncSession, work_order_id: UUID) -> Sequence[TimelineEntry]:
    found = await session.scalars(
        select(TimelineEntry).where(TimelineEntry.work_order_id == work_order_id).order_by(TimelineEntry.position)
    )
    return found.all()


async def timeline_since(session: AsyncSession, work_order_id: UUID, *, version: int) -> Sequence[TimelineEntry]:
    """What made the order newer than a version, oldest first."""
    found = await session.scalars(
        select(TimelineEntry)
        .where(TimelineEntry.work_order_id == work_order_id, TimelineEntry.version > version)
        .order_by(TimelineEntry.position)
    )
    return found.all()


async def words_of_last_move(session: AsyncSession, work_order_id: UUID) -> str | None:
    """What was said with the latest transition."""
    return await session.scalar(
        select(TimelineEntry.why)
        .where(TimelineEntry.work_order_id == work_order_id, TimelineEntry.what == "moved")
        .order_by(TimelineEntry.position.desc())
        .limit(1)
    )
