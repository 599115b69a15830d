"""Whoever was on the way to an order that went into another hears of it."""

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from notify.service import Notice, NotifyService, Urgency
from ticketing import repository
from ticketing.feedback import repository as feedback_repository
from ticketing.incidents.events import OrdersMerged


class MergeTelling:
    def __init__(self, notify: NotifyService) -> None:
        self._notify = notify

    async def on_merged(self, session: AsyncSession, event: OrdersMerged) -> None:
        source = await repository.order(session, Scope.everywhere(), event.source_id)
        target = await repository.order(session, Scope.everywhere(), event.target_id)
        if source is None or target is None or event.previous_id in (None, event.actor_id, target.assignee_id):
            return
        # To whom the complaint is about that theirs went into, that one does not exist.
        kept_off = event.previous_id in await feedback_repository.subjects(session, target.id)
        shown = source if kept_off else target
        notice = Notice(
            key=f"work_order/{source.id}/merged/{target.id}", person_id=event.previous_id, template="staff.withdrawn",
            facts={"number": source.number, "place": source.place, "reason": "text:ticketing.withdrawn.merged"},
            site_id=source.site_id, urgency=Urgency.URGENT, link=f"/work-orders/{shown.id}",
        )  # fmt: skip
        await self._notify.tell(session, notice)
