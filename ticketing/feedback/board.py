"""What the desk sees of what owners said. Changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from ticketing import repository as orders
from ticketing.actor import Actor
from ticketing.errors import WorkOrderNotFound
from ticketing.feedback import repository
from ticketing.feedback.models import OrderRating, OwnerVerdict
from ticketing.flow import Hat


@dataclass(frozen=True)
class OrderFeedback:
    """`about`: whom a complaint is about, for managers; empty for others."""

    verdicts: Sequence[OwnerVerdict]
    ratings: Sequence[OrderRating]
    about: frozenset[UUID]


class FeedbackBoard:
    async def of_order(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, actor: Actor
    ) -> OrderFeedback:
        """Raises WorkOrderNotFound, also to whom the complaint is about."""
        order = await orders.order(session, scope, work_order_id)
        about = await repository.subjects(session, work_order_id)
        if order is None or actor.person_id in about:
            raise WorkOrderNotFound(work_order_id)
        is_manager = Hat.MANAGER in actor.hats(site_id=order.site_id, assignee_id=None)
        return OrderFeedback(
            verdicts=await repository.verdicts(session, order.id),
            ratings=await repository.ratings_of(session, order.id),
            about=frozenset(about) if is_manager else frozenset(),
        )
