"""Guards of flows that wait for an owner's word: nobody speaks for the owner."""

from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.charging import repository
from ticketing.charging.errors import NotAnswered, NothingQuoted
from ticketing.charging.kinds import QuotationState
from ticketing.following import Step

_UNANSWERABLE = frozenset({QuotationState.REJECTED, QuotationState.LAPSED, QuotationState.WITHDRAWN})


async def check_quoted(session: AsyncSession, step: Step) -> None:
    """An order waits for its owner only when something was quoted. Raises NothingQuoted."""
    if await _latest(session, step) is not QuotationState.ASKED:
        raise NothingQuoted(step.order.number)


async def check_approved(session: AsyncSession, step: Step) -> None:
    """The payer said yes, or was shown what needs none. Raises NotAnswered."""
    latest = await _latest(session, step)
    if latest is None or not latest.is_agreed:
        raise NotAnswered(number=step.order.number, wanted=QuotationState.APPROVED.value)


async def check_refused(session: AsyncSession, step: Step) -> None:
    """The payer said no, said nothing in time, or need say nothing any more. Raises NotAnswered."""
    if await _latest(session, step) not in _UNANSWERABLE:
        raise NotAnswered(number=step.order.number, wanted=QuotationState.REJECTED.value)


async def _latest(session: AsyncSession, step: Step) -> QuotationState | None:
    found = await repository.quotations(session, step.order.id)
    return QuotationState(found[0].state) if found else None
