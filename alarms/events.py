"""What happened to an alarm. Consumers: ticketing (orders, recovery evidence), open screens."""

from datetime import datetime
from uuid import UUID

from alarms.flood.group import GroupKind
from building.severity import Severity
from kit.events import Event


class AlarmRaised(Event, frozen=True, kw_only=True):
    """A condition began. `onset_at` is the onset of this episode: the same alarm raised again has another one.

    `is_quiet`: it comes and goes, and that was told already. `docs/alarms.md`, "Floods".
    """

    alarm_id: UUID
    equipment_id: UUID
    source: str
    source_id: str
    fault_mode: str
    severity: Severity
    onset_at: datetime
    order_kind: str | None = None
    order_priority: int | None = None
    order_joins: str | None = None
    root_id: UUID | None = None
    group_id: UUID | None = None
    is_test: bool = False
    is_quiet: bool = False

    @property
    def is_told_alone(self) -> bool:
        """Nothing else speaks for it: neither what explains it, nor a group, nor that it is known to flap."""
        return self.root_id is None and self.group_id is None and not self.is_quiet


class AlarmSeverityChanged(Event, frozen=True, kw_only=True):
    """The same alarm is now as bad as `severity`. `is_worse`: it asks for attention again, as if raised; a lesser one
    is for screens. The other fields as of `AlarmRaised`; a worse one may be work where the alarm was none.
    """

    alarm_id: UUID
    equipment_id: UUID
    source: str
    source_id: str
    fault_mode: str
    severity: Severity
    is_worse: bool
    onset_at: datetime
    order_kind: str | None = None
    order_priority: int | None = None
    order_joins: str | None = None
    root_id: UUID | None = None
    group_id: UUID | None = None
    is_test: bool = False
    is_quiet: bool = False

    @property
    def is_told_alone(self) -> bool:
        """As of `AlarmRaised`."""
        return self.root_id is None and self.group_id is None and not self.is_quiet


class AlarmGroupGrew(Event, frozen=True, kw_only=True):
    """Alarms that are told together became more, or worse: `alarms` of them by now, `severity` the worst.

    To be told once a (`group_id`, `telling`), which counts from 1. `building_id` and `equipment_kind` narrow it where
    the group is narrower than the site. What has a `root_id` is explained by that alarm, which was told by itself.
    """

    group_id: UUID
    kind: GroupKind
    root_id: UUID | None
    building_id: UUID | None
    equipment_kind: str | None
    alarms: int
    severity: Severity
    telling: int


class AlarmReturned(Event, frozen=True, kw_only=True):
    """The condition is gone (RTN); the alarm may still want acknowledging."""

    alarm_id: UUID
    equipment_id: UUID
    fault_mode: str
    returned_at: datetime
    order_kind: str | None = None


class AlarmAcknowledged(Event, frozen=True, kw_only=True):
    """`onset_at` is the onset of the episode that was answered: the alarm may have been raised again since."""

    alarm_id: UUID
    equipment_id: UUID
    person_id: UUID | None
    fault_mode: str = ""
    order_kind: str | None = None
    onset_at: datetime | None = None


class AlarmCleared(Event, frozen=True, kw_only=True):
    """Back to NORMAL: returned and acknowledged."""

    alarm_id: UUID
    equipment_id: UUID
    fault_mode: str


class AlarmSuppressed(Event, frozen=True, kw_only=True):
    """A muted alarm was recorded: for screens; nobody is told and nothing becomes work."""

    alarm_id: UUID
    equipment_id: UUID


class AlarmNoted(Event, frozen=True, kw_only=True):
    """Somebody wrote something on it, or its test mark went: for screens, nobody is called."""

    alarm_id: UUID
    equipment_id: UUID


class AlarmAssigned(Event, frozen=True, kw_only=True):
    """It is somebody's to look after (None: nobody's any more). `actor_id` said so."""

    alarm_id: UUID
    equipment_id: UUID
    assignee_id: UUID | None
    actor_id: UUID | None


class AlarmReminded(Event, frozen=True, kw_only=True):
    """Nobody has answered: it asks for the `reminder`th time, 1 being the first after it was announced."""

    alarm_id: UUID
    equipment_id: UUID
    fault_mode: str
    severity: Severity
    onset_at: datetime
    reminder: int
    assignee_id: UUID | None


class TestWindowChanged(Event, frozen=True, kw_only=True):
    """A test of detectors was asked for, begun or ended: for screens. `state` is a TestWindowState."""

    test_window_id: UUID
    state: str


class MaintenanceWindowChanged(Event, frozen=True, kw_only=True):
    """A maintenance window was agreed or ended: for screens."""

    maintenance_window_id: UUID


class LockoutChanged(Event, frozen=True, kw_only=True):
    """Somebody locked an equipment out, or took a lock off: for screens."""

    lockout_id: UUID
    equipment_id: UUID
