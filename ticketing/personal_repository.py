"""What personal data of orders is asked about before it is erased."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.charging.kinds import ChargeState
from ticketing.charging.models import Charge, Quotation
from ticketing.kinds import SETTLED
from ticketing.models import Attachment, Report, WorkOrder


async def open_orders(session: AsyncSession, person_id: UUID) -> Sequence[str]:
    """Numbers of the orders somebody reported that are not settled."""
    found = await session.scalars(
        select(WorkOrder.number)
        .join(Report, Report.work_order_id == WorkOrder.id)
        .where(Report.reporter_id == person_id, WorkOrder.state.not_in(SETTLED))
        .distinct()
        .order_by(WorkOrder.number)
    )
    return found.all()


async def charges(session: AsyncSession, person_id: UUID) -> Sequence[tuple[str, Charge]]:
    """What somebody is to pay, with the numbers of the orders."""
    found = await session.execute(
        select(WorkOrder.number, Charge)
        .join(WorkOrder, WorkOrder.id == Charge.work_order_id)
        .where(Charge.payer_id == person_id, Charge.state != ChargeState.VOID)
        .order_by(WorkOrder.number)
    )
    return [(row[0], row[1]) for row in found]


async def pictures(session: AsyncSession, person_id: UUID) -> Sequence[Attachment]:
    """Pictures that came with somebody's own reports, and their signatures."""
    found = await session.scalars(select(Attachment).where(is_theirs(person_id)).order_by(Attachment.added_at))
    return found.all()


def is_theirs(person_id: UUID) -> ColumnElement[bool]:
    """Of attachments: pictures of their own reports, and what they signed for what they pay.

    Not by who decided: where a signature is taken at the door that is whoever holds the tablet.
    """
    reports = select(Report.id).where(Report.reporter_id == person_id)
    signatures = select(Quotation.signature_id).where(
        Quotation.payer_id == person_id, Quotation.signature_id.is_not(None)
    )
    return or_(Attachment.report_id.in_(reports), Attachment.id.in_(signatures))
