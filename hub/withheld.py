"""What the audit keeps from its readers: complaints about themselves."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.feedback import repository


class ComplaintsWithheld:
    """Implements `audit.endpoints.Withheld`."""

    async def from_person(self, session: AsyncSession, person_id: UUID, /) -> set[UUID]:
        orders = await repository.hidden_from(session, person_id)
        return orders | await repository.reports_of(session, orders) if orders else set()
