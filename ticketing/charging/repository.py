"""The queries of warranties, price lists, quotations and charges."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from ticketing.charging.kinds import ChargeState, QuotationState
from ticketing.charging.models import Charge, PriceListVersion, Quotation, WarrantyTerm
from ticketing.models import Report, WorkOrder

# --- warranties ----------------------------------------------------------------------------------------------------


async def warranties_over(session: AsyncSession, order: WorkOrder) -> Sequence[WarrantyTerm]:
    """Those of the order's site as a whole, of its building and of its equipment."""
    over = [and_(WarrantyTerm.building_id.is_(None), WarrantyTerm.equipment_id.is_(None))]
    # A comparison with None would be IS NULL, which every other building's warranty is.
    if order.building_id is not None:
        over.append(WarrantyTerm.building_id == order.building_id)
    if order.equipment_id is not None:
        over.append(WarrantyTerm.equipment_id == order.equipment_id)
    found = await session.scalars(
        select(WarrantyTerm).where(
            WarrantyTerm.site_id == order.site_id, WarrantyTerm.ended_at.is_(None), or_(*over)
        )
    )  # fmt: skip
    return found.all()


async def find_warranties(
    session: AsyncSession, scope: Scope, *, site_id: UUID | None, limit: int, offset: int
) -> tuple[Sequence[WarrantyTerm], int]:
    """What is in force or to come, soonest to end first."""
    query = select(WarrantyTerm).where(scope.where(WarrantyTerm.site_id), WarrantyTerm.ended_at.is_(None))
    if site_id is not None:
        query = query.where(WarrantyTerm.site_id == site_id)
    total = await session.scalar(select(func.count()).select_from(query.subquery())) or 0
    found = await session.scalars(
        query.order_by(WarrantyTerm.ends_on, WarrantyTerm.id).limit(limit).offset(offset)
    )  # fmt: skip
    return found.all(), total


async def warranty(session: AsyncSession, scope: Scope, warranty_id: UUID) -> WarrantyTerm | None:
    return await session.scalar(
        select(WarrantyTerm).where(
            WarrantyTerm.id == warranty_id, scope.where(WarrantyTerm.site_id), WarrantyTerm.ended_at.is_(None)
        )
    )


# --- price lists ---------------------------------------------------------------------------------------------------


async def price_lists(session: AsyncSession, site_id: UUID) -> Sequence[PriceListVersion]:
    """The site's own and the company's, newest first."""
    found = await session.scalars(
        select(PriceListVersion)
        .where(or_(PriceListVersion.site_id == site_id, PriceListVersion.site_id.is_(None)))
        .order_by(PriceListVersion.saved_at.desc())
    )
    return found.all()


async def latest_price_list(session: AsyncSession, site_id: UUID | None) -> PriceListVersion | None:
    """The last version that the site (None: the company) published."""
    whose = PriceListVersion.site_id.is_(None) if site_id is None else PriceListVersion.site_id == site_id
    return await session.scalar(
        select(PriceListVersion).where(whose).order_by(PriceListVersion.version.desc()).limit(1)
    )  # fmt: skip


# --- quotations ----------------------------------------------------------------------------------------------------


async def quotation(session: AsyncSession, quotation_id: UUID) -> Quotation | None:
    return await session.scalar(
        select(Quotation).where(Quotation.id == quotation_id).execution_options(populate_existing=True)
    )


async def quotations(session: AsyncSession, work_order_id: UUID) -> Sequence[Quotation]:
    """Of an order, newest first."""
    found = await session.scalars(
        select(Quotation).where(Quotation.work_order_id == work_order_id).order_by(Quotation.number.desc())
    )
    return found.all()


async def quotations_of_person(session: AsyncSession, person_id: UUID, *, limit: int) -> Sequence[Quotation]:
    found = await session.scalars(
        select(Quotation).where(Quotation.payer_id == person_id).order_by(Quotation.made_at.desc()).limit(limit)
    )
    return found.all()


async def asked(session: AsyncSession, work_order_id: UUID) -> Quotation | None:
    """The one that waits for an answer; the index lets no second one be."""
    return await session.scalar(
        select(Quotation)
        .where(Quotation.work_order_id == work_order_id, Quotation.state == QuotationState.ASKED.value)
        .execution_options(populate_existing=True)
    )


async def lapsed(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[UUID]:
    """Orders whose quotation nobody answered in its time."""
    found = await session.scalars(
        select(Quotation.work_order_id)
        .where(Quotation.state == QuotationState.ASKED.value, Quotation.expires_at <= now)
        .order_by(Quotation.expires_at)
        .limit(limit)
    )
    return found.all()


async def first_reporter(session: AsyncSession, work_order_id: UUID) -> UUID | None:
    """Who reported first, of those the hub knows and who did not take it back: whose home it is about."""
    return await session.scalar(
        select(Report.reporter_id)
        .where(Report.work_order_id == work_order_id, Report.reporter_id.is_not(None), Report.withdrawn_at.is_(None))
        .order_by(Report.created_at, Report.id)
        .limit(1)
    )


# --- charges -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChargeFilter:
    site_id: UUID | None = None
    state: ChargeState | None = None
    work_order_id: UUID | None = None


async def charges_of_order(session: AsyncSession, work_order_id: UUID) -> Sequence[Charge]:
    """Those that are not void, oldest first."""
    found = await session.scalars(
        select(Charge)
        .where(Charge.work_order_id == work_order_id, Charge.state != ChargeState.VOID.value)
        .order_by(Charge.written_at, Charge.id)
    )
    return found.all()


async def find_charges(
    session: AsyncSession, scope: Scope, wanted: ChargeFilter, *, limit: int, offset: int
) -> tuple[Sequence[tuple[Charge, str]], int]:
    """Each with the number of its order, newest first."""
    query = (
        select(Charge, WorkOrder.number)
        .join(WorkOrder, WorkOrder.id == Charge.work_order_id)
        .where(scope.where(Charge.site_id))
    )
    if wanted.site_id is not None:
        query = query.where(Charge.site_id == wanted.site_id)
    if wanted.state is not None:
        query = query.where(Charge.state == wanted.state.value)
    if wanted.work_order_id is not None:
        query = query.where(Charge.work_order_id == wanted.work_order_id)
    total = await session.scalar(select(func.count()).select_from(query.subquery())) or 0
    found = await session.execute(query.order_by(Charge.written_at.desc(), Charge.id).limit(limit).offset(offset))
    return [(charge, number) for charge, number in found], total
