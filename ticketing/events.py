"""What happened to a work order. Consumers: open screens; `ticketing.telling`, which tells the people concerned."""

from datetime import datetime
from uuid import UUID

from kit.events import Event


class WorkOrderOpened(Event, frozen=True, kw_only=True):
    work_order_id: UUID
    equipment_id: UUID | None = None
    report_id: UUID | None = None


class WorkOrderJoined(Event, frozen=True, kw_only=True):
    """A further report or alarm joined an open order."""

    work_order_id: UUID
    report_id: UUID | None = None
    alarm_id: UUID | None = None


class WorkOrderMoved(Event, frozen=True, kw_only=True):
    """A transition of the state machine. `version` is the order's after it, `at` when it happened.

    `assignee_id` is the assignee after it, `previous_id` whoever had the order before.
    """

    work_order_id: UUID
    action: str
    before: str
    after: str
    version: int
    at: datetime
    actor_id: UUID | None = None
    assignee_id: UUID | None = None
    previous_id: UUID | None = None


class WorkOrderChanged(Event, frozen=True, kw_only=True):
    """Something about an order changed that is no transition: a comment, a photo, a fact. For open screens."""

    work_order_id: UUID


class WorkOrderEscalated(Event, frozen=True, kw_only=True):
    """A target was missed, or nobody could be found. `reason` is an `ticketing.escalation.…` text key's last part.

    `person_ids` are told; None: whoever is the duty manager. Each step of a chain is an event of its own. `occasion`
    tells apart what has the same reason and is yet to be told each time.
    """

    work_order_id: UUID
    reason: str
    due_at: datetime | None = None
    task_id: UUID | None = None
    person_ids: tuple[UUID, ...] | None = None
    occasion: UUID | None = None


class TargetWarned(Event, frozen=True, kw_only=True):
    """A target will soon be missed, a hold has lasted as long as it was said to, or the work is worse than it was.
    `person_ids` are told."""

    work_order_id: UUID
    reason: str
    due_at: datetime
    person_ids: tuple[UUID, ...]


class CalendarYearUnknown(Event, frozen=True, kw_only=True):
    """Nobody has published, as far as the hub knows, or entered the public holidays of a year."""

    year: int
    person_ids: tuple[UUID, ...]


class TaskMoved(Event, frozen=True, kw_only=True):
    """A parallel task of an order (intercom, guard, contractor, confirmation …) changed state or hands."""

    work_order_id: UUID
    task_id: UUID
    kind: str
    state: str
    assignee_id: UUID | None = None
    actor_id: UUID | None = None


class OutageConfirmed(Event, frozen=True, kw_only=True):
    """A person confirmed that an elevator stands still: now residents may be told."""

    work_order_id: UUID
    equipment_id: UUID
    at: datetime


class FireConfirmed(Event, frozen=True, kw_only=True):
    """The person sent to look found a real fire."""

    work_order_id: UUID
    at: datetime


class PicturesErased(Event, frozen=True, kw_only=True):
    """Rows of pictures and videos were emptied: their files go, now that it is certain. `files`: (id, suffix)."""

    files: tuple[tuple[UUID, str], ...]
