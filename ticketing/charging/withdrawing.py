"""Taking a question back: nobody need answer a quotation whose order ended, or that another one replaces."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.charging import repository
from ticketing.charging.kinds import QuotationState


async def withdraw_asked(session: AsyncSession, work_order_id: UUID) -> None:
    """The caller holds the order."""
    row = await repository.asked(session, work_order_id)
    if row is not None:
        row.state = QuotationState.WITHDRAWN.value
        await session.flush()  # one at a time is asked about, says the index
