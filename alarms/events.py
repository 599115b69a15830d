"""What happened to an alarm. Consumers: ticketing (orders, recovery evidence), open screens."""

from datetime import datetime
from uuid import UUID

from building.severity import Severity
from kit.events import Event


class AlarmRaised(Event, frozen=True, kw_only=True):
    """A condition began. `onset_at` is the onset of this episode: the same alarm raised again has another one."""

    alarm_id: UUID
    equipment_id: UUID
    source: str
    source_id: str
    fault_mode: str
    severity: Severity
    onset_at: datetime
    order_kind: str | None = None
    order_priority: int | None = None
    root_id: UUID | None = None
    is_test: bool = False


class AlarmReturned(Event, frozen=True, kw_only=True):
    """The condition is gone (RTN); the alarm may still want acknowledging."""

    alarm_id: UUID
    equipment_id: UUID
    fault_mode: str
    returned_at: datetime
    order_kind: str | None = None


class AlarmAcknowledged(Event, frozen=True, kw_only=True):
    alarm_id: UUID
    equipment_id: UUID
    person_id: UUID | None
    fault_mode: str = ""
    order_kind: str | None = None


class AlarmCleared(Event, frozen=True, kw_only=True):
    """Back to NORMAL: returned and acknowledged."""

    alarm_id: UUID
    equipment_id: UUID
    fault_mode: str


class AlarmSuppressed(Event, frozen=True, kw_only=True):
    """A muted alarm was recorded: for screens; nobody is told and nothing becomes work."""

    alarm_id: UUID
    equipment_id: UUID
