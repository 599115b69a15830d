"""What happened to a work order. Consumers: open screens; the people concerned are told by `ticketing.telling`."""

from uuid import UUID

from kit.events import Event


class WorkOrderOpened(Event, frozen=True, kw_only=True):
    work_order_id: UUID
    equipment_id: UUID | None = None


class WorkOrderJoined(Event, frozen=True, kw_only=True):
    """A further report or alarm joined an open order."""

    work_order_id: UUID
    report_id: UUID | None = None
    alarm_id: UUID | None = None


class WorkOrderMoved(Event, frozen=True, kw_only=True):
    """A transition of the state machine."""

    work_order_id: UUID
    action: str
    before: str
    after: str
    actor_id: UUID | None = None


class TaskMoved(Event, frozen=True, kw_only=True):
    """A parallel task of an order (intercom, guard, contractor, confirmation …) changed state."""

    work_order_id: UUID
    task_id: UUID
    kind: str
    state: str
