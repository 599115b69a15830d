"""An order offered to somebody: at most one offer of an order is open, and each says why it was made."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from ticketing import repository
from ticketing.dispatch.modes import Choice
from ticketing.dispatch.scoring import Reason
from ticketing.models import DispatchOffer, WorkOrder


class OfferOutcome(StrEnum):
    ACCEPTED = "accepted"
    DECLINED = "declined"
    NO_ANSWER = "no_answer"
    WITHDRAWN = "withdrawn"


def offer(session: AsyncSession, order: WorkOrder, choice: Choice, *, chosen_by: UUID | None, at: datetime) -> None:
    """Records that the order is now offered to somebody. At most one offer of an order is open."""
    session.add(
        DispatchOffer(
            site_id=order.site_id,
            work_order_id=order.id,
            round=order.dispatch_round,
            person_id=choice.person_id,
            chosen_by=chosen_by,
            mode=choice.mode.value,
            score=choice.score,
            reasons=reasons_as_json(choice.reasons),
            offered_at=at,
        )
    )


async def end_offer(session: AsyncSession, order: WorkOrder, outcome: OfferOutcome, *, at: datetime) -> bool:
    """Ends the open offer, if there is one; whether there was."""
    standing = await repository.open_offer(session, order.id)
    if standing is None:
        return False
    standing.outcome, standing.ended_at = outcome.value, at
    # The index allows one open offer: this one must be gone before the next is written.
    await session.flush()
    return True


def reasons_as_json(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    return [{"factor": reason.factor, "points": reason.points, "count": reason.count} for reason in reasons]


def reasons_of_json(raw: Sequence[Any]) -> tuple[Reason, ...]:
    return tuple(Reason(one["factor"], one["points"], one["count"]) for one in raw)
