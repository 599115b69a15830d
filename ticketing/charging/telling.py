"""Who is told of quotations: whoever is asked, with a link; and what they said, whoever has the order."""

from typing import assert_never
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from notify.service import Notice, NotifyService
from ticketing.charging import repository
from ticketing.charging.events import QuotationDecided, QuotationMade
from ticketing.charging.kinds import QuotationState
from ticketing.charging.links import QuotationLinks
from ticketing.charging.models import Quotation
from ticketing.holding import seen


class QuotationTelling:
    """Handlers, each in a transaction of its own; keys name the quotation, so that twice is once."""

    def __init__(self, *, notify: NotifyService, links: QuotationLinks) -> None:
        self._notify = notify
        self._links = links

    async def on_made(self, session: AsyncSession, event: QuotationMade) -> None:
        """Who is not known to the hub is asked at the door."""
        row = await self._row(session, event.quotation_id)
        if row.payer_id is None:
            return
        order = await seen(session, Scope.everywhere(), event.work_order_id)
        facts = {"number": order.number, "place": order.place, "total": f"{row.total:.2f}"}
        if event.is_asked:
            facts["until"] = row.expires_at.isoformat()
        await self._notify.tell(
            session,
            Notice(
                key=f"quotation/{row.id}", person_id=row.payer_id, site_id=row.site_id, facts=facts,
                template="quotation.asked" if event.is_asked else "quotation.shown",
                link=self._links.path(row.id, until=row.expires_at),
            ),
        )  # fmt: skip

    async def on_decided(self, session: AsyncSession, event: QuotationDecided) -> None:
        """Whoever has the order goes on, or packs up."""
        order = await seen(session, Scope.everywhere(), event.work_order_id)
        if order.assignee_id is None:
            return
        row = await self._row(session, event.quotation_id)
        facts = {
            "number": order.number, "place": order.place, "total": f"{row.total:.2f}",
            "state": f"text:charging.quotation.{_told(QuotationState(event.state))}",
        }  # fmt: skip
        await self._notify.tell(
            session,
            Notice(
                key=f"quotation/{row.id}/{event.state}", person_id=order.assignee_id, site_id=row.site_id,
                template="staff.quotation", facts=facts, link=f"/work-orders/{order.id}",
            ),
        )  # fmt: skip

    async def _row(self, session: AsyncSession, quotation_id: UUID) -> Quotation:
        row = await repository.quotation(session, quotation_id)
        assert row is not None  # quotations are never deleted
        return row


def _told(state: QuotationState) -> str:
    match state:
        case QuotationState.APPROVED | QuotationState.REJECTED | QuotationState.LAPSED:
            return state.value
        case QuotationState.ASKED | QuotationState.SHOWN | QuotationState.WITHDRAWN:
            raise ValueError(f"{state} is no decision")
        case _:
            assert_never(state)
