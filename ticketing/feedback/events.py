"""What owners said. Consumers: open screens, `ticketing.feedback.telling`, figures and rules on orders."""

from uuid import UUID

from kit.events import Event


class OrderRated(Event, frozen=True, kw_only=True):
    """`return_visit_id`: the order that calls the owner back, after few stars."""

    work_order_id: UUID
    report_id: UUID
    speed: int
    attitude: int
    quality: int
    return_visit_id: UUID | None = None


class OrderUrged(Event, frozen=True, kw_only=True):
    work_order_id: UUID
    urge_id: UUID


class VerdictGiven(Event, frozen=True, kw_only=True):
    """`outcome`: accepted, rejected or silent. `went_up`: the rejection made it the manager's."""

    work_order_id: UUID
    report_id: UUID
    outcome: str
    went_up: bool = False
