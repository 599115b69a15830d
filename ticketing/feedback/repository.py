"""The queries of owners' verdicts, ratings, urges and complaints' subjects."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Subquery, and_, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from ticketing.feedback.models import ComplaintSubject, OrderRating, OrderUrge, OwnerVerdict
from ticketing.feedback.verdict import Outcome
from ticketing.journal import Entry
from ticketing.models import DispatchOffer, Follower, Report, TimelineEntry, WorkOrder

# --- reports -------------------------------------------------------------------------------------------------------


async def reports_that_count(session: AsyncSession, work_order_id: UUID) -> Sequence[Report]:
    """Those whose reporters are people of ours and did not take them back: they are asked whether the work is good."""
    found = await session.scalars(
        select(Report)
        .where(Report.work_order_id == work_order_id, Report.reporter_id.is_not(None), Report.withdrawn_at.is_(None))
        .order_by(Report.created_at)
    )
    return found.all()


async def unfollow(session: AsyncSession, *, work_order_id: UUID, report_id: UUID) -> None:
    follower = await session.scalar(
        select(Follower).where(Follower.work_order_id == work_order_id, Follower.report_id == report_id)
    )
    if follower is not None:
        await session.delete(follower)


# --- verdicts ------------------------------------------------------------------------------------------------------


async def ask(session: AsyncSession, **values: Any) -> None:
    """Asked once an attempt, however often this is called."""
    statement = insert(OwnerVerdict).values(**values)
    asked = ["report_id", "work_order_id", "attempt"]
    await session.execute(statement.on_conflict_do_nothing(index_elements=asked))


async def verdict(session: AsyncSession, report: Report, order: WorkOrder) -> OwnerVerdict | None:
    """Of the order as it stands, which the report may have come to from another one."""
    return await session.scalar(
        select(OwnerVerdict)
        .where(
            OwnerVerdict.report_id == report.id, OwnerVerdict.work_order_id == order.id,
            OwnerVerdict.attempt == order.attempt,
        )
        .execution_options(populate_existing=True)
    )  # fmt: skip


async def verdicts(session: AsyncSession, work_order_id: UUID) -> Sequence[OwnerVerdict]:
    """Oldest first."""
    found = await session.scalars(
        select(OwnerVerdict).where(OwnerVerdict.work_order_id == work_order_id).order_by(OwnerVerdict.asked_at)
    )
    return found.all()


async def answers(session: AsyncSession, order: WorkOrder) -> list[tuple[UUID, Outcome]]:
    """What reporters said of the order as it stands, by report."""
    rows = await session.execute(
        select(OwnerVerdict.report_id, OwnerVerdict.outcome).where(
            OwnerVerdict.work_order_id == order.id,
            OwnerVerdict.attempt == order.attempt,
            OwnerVerdict.outcome.is_not(None),
        )
    )
    return [(report_id, Outcome(outcome)) for report_id, outcome in rows if outcome is not None]


async def rejections(session: AsyncSession, work_order_id: UUID) -> int:
    """In how many attempts somebody found the work bad."""
    counted = select(func.count(OwnerVerdict.attempt.distinct())).where(
        OwnerVerdict.work_order_id == work_order_id, OwnerVerdict.outcome == Outcome.REJECTED
    )
    return await session.scalar(counted) or 0


async def to_remind(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[OwnerVerdict]:
    """Questions nobody answered in time and nobody was reminded of, held."""
    found = await session.scalars(
        select(OwnerVerdict)
        .where(OwnerVerdict.outcome.is_(None), OwnerVerdict.reminded_at.is_(None), OwnerVerdict.remind_at <= now)
        .order_by(OwnerVerdict.remind_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return found.all()


async def orders_of_the_silent(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[UUID]:
    """Orders with a question that silence has answered by now."""
    found = await session.scalars(
        select(OwnerVerdict.work_order_id)
        .where(OwnerVerdict.outcome.is_(None), OwnerVerdict.silent_at <= now)
        .group_by(OwnerVerdict.work_order_id)
        .order_by(func.min(OwnerVerdict.silent_at))
        .limit(limit)
    )
    return found.all()


async def silent(session: AsyncSession, work_order_id: UUID, *, now: datetime) -> Sequence[OwnerVerdict]:
    found = await session.scalars(
        select(OwnerVerdict).where(
            OwnerVerdict.work_order_id == work_order_id, OwnerVerdict.outcome.is_(None), OwnerVerdict.silent_at <= now
        )
    )
    return found.all()


# --- ratings -------------------------------------------------------------------------------------------------------


async def rating(session: AsyncSession, report: Report, order: WorkOrder) -> OrderRating | None:
    """Of the order as it stands."""
    return await session.scalar(
        select(OrderRating).where(
            OrderRating.report_id == report.id, OrderRating.work_order_id == order.id,
            OrderRating.attempt == order.attempt,
        )
    )  # fmt: skip


async def ratings_of(session: AsyncSession, work_order_id: UUID) -> Sequence[OrderRating]:
    found = await session.scalars(
        select(OrderRating).where(OrderRating.work_order_id == work_order_id).order_by(OrderRating.at)
    )
    return found.all()


async def ratings(
    session: AsyncSession, scope: Scope, *, site_id: UUID | None, since: datetime, until: datetime
) -> Sequence[OrderRating]:
    """Those given in [since, until), oldest first: work_order_id, assignee_id, speed, attitude, quality."""
    query = select(OrderRating).where(
        scope.where(OrderRating.site_id), OrderRating.at >= since, OrderRating.at < until
    )  # fmt: skip
    if site_id is not None:
        query = query.where(OrderRating.site_id == site_id)
    return (await session.scalars(query.order_by(OrderRating.at))).all()


def stars(orders: FromClause) -> Subquery:
    """(work_order_id, stars): of each of `orders` (with id and assignee_id) the mean of the marks that were given for
    the work of whoever has it."""
    mean = func.avg((OrderRating.speed + OrderRating.attitude + OrderRating.quality) / 3.0)
    mine = and_(
        OrderRating.work_order_id == orders.c.id, OrderRating.assignee_id.is_not_distinct_from(orders.c.assignee_id)
    )
    given = select(OrderRating.work_order_id, mean.label("stars")).join(orders, mine)
    return given.group_by(OrderRating.work_order_id).subquery("stars")


# --- return visits -------------------------------------------------------------------------------------------------


async def return_visit(session: AsyncSession, about: WorkOrder, report: Report) -> UUID | None:
    """The order that calls this reporter about the order as it stands; its first comment says so."""
    return await session.scalar(
        select(TimelineEntry.work_order_id)
        .join(WorkOrder, WorkOrder.id == TimelineEntry.work_order_id)
        .where(
            WorkOrder.parent_id == about.id,
            TimelineEntry.what == Entry.COMMENTED,
            TimelineEntry.after["report_id"].astext == str(report.id),
            TimelineEntry.after["attempt"].astext == str(about.attempt),
        )
        .limit(1)
    )


# --- urges ---------------------------------------------------------------------------------------------------------


async def urges(session: AsyncSession, report_id: UUID, *, since: datetime) -> list[datetime]:
    found = await session.scalars(select(OrderUrge.at).where(OrderUrge.report_id == report_id, OrderUrge.at >= since))
    return list(found)


async def urge(session: AsyncSession, urge_id: UUID) -> OrderUrge:
    return await session.get_one(OrderUrge, urge_id)


# --- whom complaints are about -------------------------------------------------------------------------------------


async def add_subjects(
    session: AsyncSession, order: WorkOrder, person_ids: Collection[UUID], *, named_by: UUID | None, at: datetime
) -> None:
    """The desk's word goes before what was read from somebody's, which is why it is remembered as the desk's."""
    for person_id in person_ids:
        row = {"work_order_id": order.id, "person_id": person_id, "site_id": order.site_id}
        statement = insert(ComplaintSubject).values(**row, named_by=named_by, at=at)
        again = {"named_by": named_by, "at": at}
        await session.execute(
            statement.on_conflict_do_nothing()
            if named_by is None
            else statement.on_conflict_do_update(index_elements=["work_order_id", "person_id"], set_=again)
        )


async def copy_subjects(
    session: AsyncSession, *, source: WorkOrder, target: WorkOrder, since: datetime | None = None
) -> list[UUID]:
    """Whom `source` is about (named later than `since`) `target` is about, too; whom it had not been about."""
    named = select(
        literal(target.id), ComplaintSubject.person_id, literal(target.site_id), ComplaintSubject.named_by,
        ComplaintSubject.at,
    ).where(ComplaintSubject.work_order_id == source.id)  # fmt: skip
    if since is not None:
        named = named.where(ComplaintSubject.at > since)
    columns = ["work_order_id", "person_id", "site_id", "named_by", "at"]
    statement = insert(ComplaintSubject).from_select(columns, named).on_conflict_do_nothing()
    return list(await session.scalars(statement.returning(ComplaintSubject.person_id)))


async def drop_subjects(
    session: AsyncSession, work_order_id: UUID, person_ids: Collection[UUID], *, until: datetime
) -> None:
    """Takes those of `person_ids` off an order that nobody named since."""
    await session.execute(
        delete(ComplaintSubject)
        .where(
            ComplaintSubject.work_order_id == work_order_id, ComplaintSubject.person_id.in_(person_ids),
            ComplaintSubject.at <= until,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip


async def subjects(session: AsyncSession, work_order_id: UUID) -> set[UUID]:
    """Whom a complaint is about; nobody for most orders."""
    found = await session.scalars(
        select(ComplaintSubject.person_id).where(ComplaintSubject.work_order_id == work_order_id)
    )
    return set(found)


async def hidden_from(session: AsyncSession, person_id: UUID) -> set[UUID]:
    """Orders that are about this person; none for most people."""
    found = await session.scalars(select(ComplaintSubject.work_order_id).where(ComplaintSubject.person_id == person_id))
    return set(found)


async def reports_of(session: AsyncSession, work_order_ids: Collection[UUID]) -> set[UUID]:
    return set(await session.scalars(select(Report.id).where(Report.work_order_id.in_(work_order_ids))))


async def who_worked_on(session: AsyncSession, *, site_id: UUID, number: str) -> set[UUID]:
    """Everybody who ever said yes to an order, by its number."""
    found = await session.scalars(
        select(DispatchOffer.person_id)
        .join(WorkOrder, WorkOrder.id == DispatchOffer.work_order_id)
        .where(WorkOrder.site_id == site_id, WorkOrder.number == number, DispatchOffer.outcome == "accepted")
    )
    return set(found)
