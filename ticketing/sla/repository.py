"""Queries about policies, calendars and cities. Rows without a site are the company's: everybody may read them."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from ticketing.models import WorkOrder
from ticketing.sla.models import BusinessDay, BusinessWeek, CalendarWarning, CitySettings, ServicePolicy
from ticketing.sla.policies import About

# --- policies -------------------------------------------------------------------------------------------------------


async def policies(session: AsyncSession, scope: Scope, *, site_id: UUID | None) -> Sequence[ServicePolicy]:
    """The company's and those of the scope's sites, or of one of them: the general ones first."""
    where = [or_(ServicePolicy.site_id.is_(None), scope.where(ServicePolicy.site_id))]
    if site_id is not None:
        where.append(or_(ServicePolicy.site_id.is_(None), ServicePolicy.site_id == site_id))
    rows = await session.scalars(
        select(ServicePolicy)
        .where(*where)
        .order_by(
            ServicePolicy.site_id.nulls_first(), ServicePolicy.contract_no.nulls_first(),
            ServicePolicy.kind.nulls_first(), ServicePolicy.priority.nulls_first(),
        )
    )  # fmt: skip
    return rows.all()


async def policy(session: AsyncSession, scope: Scope, policy_id: UUID, *, lock: bool = False) -> ServicePolicy | None:
    where = or_(ServicePolicy.site_id.is_(None), scope.where(ServicePolicy.site_id))
    statement = select(ServicePolicy).where(ServicePolicy.id == policy_id, where)
    return await session.scalar(statement.with_for_update() if lock else statement)


async def standing_policy(session: AsyncSession, row: ServicePolicy) -> UUID | None:
    """Another policy for the very same site, kind, priority and contract as `row`, which need not be kept yet."""
    return await session.scalar(
        select(ServicePolicy.id).where(
            ServicePolicy.id != row.id,
            ServicePolicy.site_id.is_not_distinct_from(row.site_id),
            ServicePolicy.kind.is_not_distinct_from(row.kind),
            ServicePolicy.priority.is_not_distinct_from(row.priority),
            ServicePolicy.contract_no.is_not_distinct_from(row.contract_no),
        )
    )


async def save_policy(session: AsyncSession, row: ServicePolicy) -> bool:
    """Whether it could be kept: the table takes one policy for the same site, kind, priority and contract."""
    try:
        async with session.begin_nested():
            session.add(row)
            await session.flush()
    except IntegrityError:
        return False
    return True


async def fitting(session: AsyncSession, about: About) -> Sequence[ServicePolicy]:
    """Every policy that has something to say about such an order."""
    pairs = (
        (ServicePolicy.site_id, about.site_id),
        (ServicePolicy.kind, about.kind),
        (ServicePolicy.priority, about.priority),
        (ServicePolicy.contract_no, about.contract_no),
    )
    rows = await session.scalars(
        select(ServicePolicy).where(*(or_(column.is_(None), column == given) for column, given in pairs))
    )
    return rows.all()


# --- calendars -----------------------------------------------------------------------------------------------------


async def week(session: AsyncSession, site_id: UUID | None, *, lock: bool = False) -> BusinessWeek | None:
    """The hours entered for a site, or (None) for the company."""
    statement = select(BusinessWeek).where(BusinessWeek.site_id.is_not_distinct_from(site_id))
    return await session.scalar(statement.with_for_update() if lock else statement)


async def days(session: AsyncSession, site_id: UUID | None, *, first: date, last: date) -> Sequence[BusinessDay]:
    """The days entered for a site, or for the company, from `first` to `last`."""
    rows = await session.scalars(
        select(BusinessDay)
        .where(BusinessDay.site_id.is_not_distinct_from(site_id), BusinessDay.day.between(first, last))
        .order_by(BusinessDay.day)
    )
    return rows.all()


async def day(session: AsyncSession, site_id: UUID | None, on: date) -> BusinessDay | None:
    return await session.scalar(
        select(BusinessDay)
        .where(BusinessDay.site_id.is_not_distinct_from(site_id), BusinessDay.day == on)
        .with_for_update()
    )


async def claim_warning(session: AsyncSession, *, site_id: UUID, year: int, now: datetime) -> bool:
    """Whether nobody was told yet that the year is unknown; from now on somebody was."""
    found = await session.execute(
        insert(CalendarWarning)
        .values(site_id=site_id, year=year, told_at=now)
        .on_conflict_do_nothing()
        .returning(CalendarWarning.year)
    )
    return found.first() is not None


# --- cities --------------------------------------------------------------------------------------------------------


async def city(session: AsyncSession, name: str) -> CitySettings | None:
    return await session.get(CitySettings, name)


async def cities(session: AsyncSession) -> Sequence[CitySettings]:
    return (await session.scalars(select(CitySettings).order_by(CitySettings.city))).all()


# --- what is due ---------------------------------------------------------------------------------------------------


async def due_orders(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[UUID]:
    """Orders whose clocks want a look, the longest due first; those that somebody holds are left to the next time."""
    found = await session.scalars(
        select(WorkOrder.id)
        .where(WorkOrder.sla_next_at <= now)
        .order_by(WorkOrder.sla_next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return found.all()
