"""The arithmetic of deadlines, pure. Instants are aware UTC."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ticketing.targets import Clock


@dataclass(frozen=True)
class Deadlines:
    """Until when somebody must have accepted, and until when the work must be done."""

    response_due_at: datetime
    resolution_due_at: datetime

    @classmethod
    def starting(cls, at: datetime, clock: Clock) -> "Deadlines":
        return cls(
            response_due_at=at + timedelta(minutes=clock.response_min),
            resolution_due_at=at + timedelta(minutes=clock.resolution_min),
        )

    def tightened(self, other: "Deadlines") -> "Deadlines":
        """The earlier of both: an order that became more urgent never gains time."""
        return Deadlines(
            response_due_at=min(self.response_due_at, other.response_due_at),
            resolution_due_at=min(self.resolution_due_at, other.resolution_due_at),
        )

    def after_hold(self, *, held_since: datetime, now: datetime) -> "Deadlines":
        """A hold moves the resolution by its length; who had to answer has answered before it."""
        return replace(self, resolution_due_at=self.resolution_due_at + max(now - held_since, timedelta(0)))


def is_late(*, due_at: datetime, stopped_at: datetime | None, now: datetime) -> bool:
    """Whether a clock runs past its time: nothing has stopped it and it is due."""
    return stopped_at is None and due_at < now
