"""Who is told of an approval: those asked and whoever stands in for them; at the end, who asked."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from kit.i18n import Language, TextKey
from notify.service import Notice, NotifyService, Urgency
from ticketing.approvals.deciding import Delegation, Pending, answers_for
from ticketing.approvals.models import Approval
from ticketing.definitions.book import Definitions
from ticketing.models import WorkOrder


class ApprovalTelling:
    def __init__(self, notify: NotifyService, definitions: Definitions, clock: Clock) -> None:
        self._notify = notify
        self._definitions = definitions
        self._clock = clock

    async def asked(
        self, session: AsyncSession, order: WorkOrder, approval: Approval, standing: Pending,
        delegations: Sequence[Delegation],
    ) -> None:  # fmt: skip
        """The same step, the same turn and the same person are told once."""
        now = self._clock.now()
        facts = {
            "number": order.number,
            "place": order.place,
            "matter": await self._matter(session, order, approval.action),
            "due": standing.due_at.isoformat() if standing.due_at else "",
        }
        # Each reminder comes with a due time of its own; an escalated step has none.
        turn = int(standing.due_at.timestamp()) if standing.due_at else int(standing.is_escalated)
        key = f"approval/{approval.id}/{standing.step}/{turn}"
        for person_id in _concerned(standing.waits_for, delegations, asker=approval.asked_by, at=now):
            await self._tell(session, order, key, person_id, "staff.approval_wanted", facts)

    async def ended(self, session: AsyncSession, order: WorkOrder, approval: Approval) -> None:
        if approval.asked_by is None:
            return
        facts = {
            "number": order.number,
            "matter": await self._matter(session, order, approval.action),
            "result": f"text:ticketing.approval.state.{approval.state}",
        }
        key = f"approval/{approval.id}/ended"
        await self._tell(session, order, key, approval.asked_by, "staff.approval_ended", facts)

    async def _matter(self, session: AsyncSession, order: WorkOrder, action: str) -> str:
        """What is to be approved: a text of ours in the reader's language, or the flow's own word."""
        wording = (await self._definitions.flow_of(session, order)).wording(action)
        return f"text:{wording}" if isinstance(wording, TextKey) else wording[Language.ZH.value]

    async def _tell(
        self, session: AsyncSession, order: WorkOrder, key: str, person_id: UUID, template: str, facts: dict[str, str]
    ) -> None:
        notice = Notice(
            key=key, person_id=person_id, template=template, facts=facts, site_id=order.site_id,
            urgency=Urgency.ORDINARY, link=f"/work-orders/{order.id}",
        )  # fmt: skip
        await self._notify.tell(session, notice)


def _concerned(
    waits_for: Iterable[UUID], delegations: Sequence[Delegation], *, asker: UUID | None, at: datetime
) -> list[UUID]:
    wanted = set(waits_for)
    deputies = {
        each.to_id for each in delegations if answers_for(delegations, each.to_id, asker=asker, at=at) & wanted
    }  # fmt: skip
    return sorted(wanted | deputies)
