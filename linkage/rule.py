"""What a rule says and when it is meant; what an action goes through; what keeps one from being done. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

import msgspec

from building.equipment import EquipmentKind
from building.severity import Severity
from device_adapters.commands.command import Outcome

MOST_ACTIONS = 10


class RunState(StrEnum):
    AWAITING = "awaiting"  # two persons have to confirm it
    WAITING = "waiting"  # about to be done
    SENDING = "sending"
    DONE = "done"
    DIFFERENT = "different"
    UNCONFIRMED = "unconfirmed"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    BLOCKED = "blocked"  # looked at once more, it may not be done
    LAPSED = "lapsed"  # not confirmed, or not begun, in time
    REJECTED = "rejected"  # a person said no


OPEN = frozenset({RunState.AWAITING, RunState.WAITING, RunState.SENDING})


def state_after(outcome: Outcome) -> RunState:
    return RunState(outcome.value)


class Hindrance(StrEnum):
    """Why an action is not done, or not saved. Each has a sentence in `locales`, under `linkage.hindrance`."""

    UNKNOWN_EQUIPMENT = "unknown_equipment"
    OTHER_SITE = "other_site"
    PROTECTED = "protected"
    NOT_WRITABLE = "not_writable"
    NOT_LISTED = "not_listed"
    OUT_OF_RANGE = "out_of_range"
    SWITCHED_OFF = "switched_off"
    RULE_CHANGED = "rule_changed"
    ALARM_OVER = "alarm_over"
    ALARM_MUTED = "alarm_muted"
    TOO_OFTEN = "too_often"
    TOO_LATE = "too_late"
    LOCKED_OUT = "locked_out"
    INTERRUPTED = "interrupted"


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it must hold; an empty list says nothing. One of the first three must not be empty."""

    fault_modes: tuple[str, ...] = ()
    source_ids: tuple[str, ...] = ()
    equipment_ids: tuple[UUID, ...] = ()
    equipment_kinds: tuple[EquipmentKind, ...] = ()
    least_severity: Severity | None = None

    @property
    def is_narrow(self) -> bool:
        """Names something: a rule that holds for any alarm whatever is nothing that anybody means."""
        return bool(self.fault_modes or self.source_ids or self.equipment_ids)


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value` in the point's unit."""

    equipment_id: UUID
    point: str
    value: float


@dataclass(frozen=True)
class Struck:
    """What an alarm says to a condition."""

    fault_mode: str
    source_id: str
    equipment_id: UUID
    kind: EquipmentKind | None
    severity: Severity


def holds(condition: Condition, alarm: Struck) -> bool:
    return (
        condition.is_narrow
        and (not condition.fault_modes or alarm.fault_mode in condition.fault_modes)
        and (not condition.source_ids or alarm.source_id in condition.source_ids)
        and (not condition.equipment_ids or alarm.equipment_id in condition.equipment_ids)
        and (not condition.equipment_kinds or alarm.kind in condition.equipment_kinds)
        and (condition.least_severity is None or alarm.severity.rank <= condition.least_severity.rank)
    )


@dataclass(frozen=True)
class Listing:
    """What the list of points allows for one."""

    low: float
    high: float

    def allows(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class AlarmNow:
    """What became of the alarm that set an action off."""

    is_present: bool
    is_normal: bool
    is_held_back: bool  # muted, on a shelf or out of service
    is_test: bool
    is_explained: bool  # by another alarm
    life_safety: bool

    @property
    def hindrance(self) -> Hindrance | None:
        if self.is_test or self.is_held_back or (self.is_explained and not self.life_safety):
            return Hindrance.ALARM_MUTED
        # One that was cleared by hand is over, although it may be there. Smoke that drifted away from its detector is
        # over when a person says so.
        is_over = self.is_normal or not (self.is_present or self.life_safety)
        return Hindrance.ALARM_OVER if is_over else None


@dataclass(frozen=True)
class Doing:
    """What is looked at right before an action is done. `alarm` None: there is none any more."""

    is_on: bool  # the installation, and the rule
    is_same_rule: bool  # nobody changed it since, not even to switch it off and on
    alarm: AlarmNow | None
    expires_at: datetime
    done_this_hour: int
    most_an_hour: int

    def hindrance(self, *, now: datetime) -> Hindrance | None:
        if not self.is_on:
            return Hindrance.SWITCHED_OFF
        if not self.is_same_rule:
            return Hindrance.RULE_CHANGED
        if now > self.expires_at:
            return Hindrance.TOO_LATE
        alarm = Hindrance.ALARM_OVER if self.alarm is None else self.alarm.hindrance
        if alarm is not None:
            return alarm
        return Hindrance.TOO_OFTEN if self.done_this_hour >= self.most_an_hour else None


@dataclass(frozen=True)
class Said:
    """A rule as it is stored."""

    condition: Condition
    actions: tuple[Action, ...]

    @classmethod
    def of(cls, *, condition: dict[str, Any], actions: list[Any]) -> Self:
        """Raises msgspec.ValidationError for what another release wrote."""
        return cls(
            msgspec.convert(condition, Condition, strict=False),
            msgspec.convert(actions, tuple[Action, ...], strict=False),
        )
