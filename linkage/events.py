"""What became of actions. Consumers: open screens."""

from uuid import UUID

from kit.events import Event


class LinkageMoved(Event, frozen=True, kw_only=True):
    """An action waits for people, was done, or will not be done."""

    run_id: UUID
    alarm_id: UUID
    equipment_id: UUID
