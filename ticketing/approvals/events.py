"""What happened to approvals. Consumers: `ticketing.approvals.following`, which lets the order go on; open screens."""

from uuid import UUID

from kit.events import Event


class ApprovalEnded(Event, frozen=True, kw_only=True):
    """`action`: what was to be approved; `is_granted` whether it was."""

    approval_id: UUID
    work_order_id: UUID
    action: str
    is_granted: bool
    attempt: int
