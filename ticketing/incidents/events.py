"""What belongs together changed."""

from uuid import UUID

from kit.events import Event


class OrdersMerged(Event, frozen=True, kw_only=True):
    """`source_id` went into `target_id`; `previous_id` is who had the source."""

    source_id: UUID
    target_id: UUID
    previous_id: UUID | None = None
    actor_id: UUID | None = None


class ChildrenReleased(Event, frozen=True, kw_only=True):
    """A root was closed and somebody said what becomes of the orders under it: `fate` close or keep."""

    root_id: UUID
    fate: str
    actor_id: UUID | None
