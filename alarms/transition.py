"""One change of an alarm, as it is handed to panels and other systems."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

import msgspec

from alarms.models import Alarm, TransitionRecord


class TransitionKind(StrEnum):
    RAISED = "raised"
    RETURNED = "returned"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    REVISED = "revised"
    OUT_OF_SERVICE = "out_of_service"
    IN_SERVICE = "in_service"
    LOCKED_OUT = "locked_out"
    LOCKS_OFF = "locks_off"
    COMMENTED = "commented"
    ASSIGNED = "assigned"
    REMINDED = "reminded"
    REALARMED = "realarmed"
    REAL_FIRE = "real_fire"
    TEST_OVER = "test_over"
    ESCALATED = "escalated"
    DOWNGRADED = "downgraded"


class AlarmMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON on `site/{site}/alarms`, one message a transition, QoS 1.

    `id` is the transition's: a message seen twice (after a crash) has the same one. `no` grows with every transition
    of the installation, so that a reader can tell the newer of two. `transition` is a TransitionKind, `state` the
    ISA-18.2 state after it. `rule` is the rule's key (or the model's, or "link"); `equipment` the code a person reads.
    `episode_onset` is the onset of its latest episode, to be sent back with an answer (`docs/alarms.md`).
    `value` holds the point values that decided, by point key. `event_time` and `recorded_at` are ISO 8601, UTC: when
    it happened at the device, and when the hub wrote it down. `suppressed` alarms are for the record only; `test` ones
    come from a device on test and are shown as such. `via` is the panel at which somebody did it, where it was one.
    """

    id: UUID
    no: int
    alarm_id: UUID
    transition: str
    state: str
    source: str
    rule: str
    fault_mode: str
    equipment: str
    equipment_id: UUID
    severity: str
    life_safety: bool
    suppressed: bool
    test: bool
    via: str
    message: dict[str, Any]
    value: dict[str, Any]
    onset: datetime
    episode_onset: datetime
    event_time: datetime
    recorded_at: datetime


@dataclass(frozen=True)
class AlarmTransition:
    """A committed transition and where to say it."""

    id: UUID
    topic: str
    message: AlarmMessage

    @classmethod
    def of(cls, alarm: Alarm, record: TransitionRecord) -> Self:
        message = AlarmMessage(
            id=record.id,
            no=record.no,
            alarm_id=alarm.id,
            transition=record.kind,
            state=record.after,
            source=alarm.source,
            rule=alarm.source_id,
            fault_mode=alarm.fault_mode,
            equipment=alarm.equipment_code,
            equipment_id=alarm.equipment_id,
            severity=record.severity or alarm.severity,
            life_safety=alarm.life_safety,
            suppressed=alarm.suppressed_by is not None,
            test=alarm.is_test,
            via=record.via,
            message=alarm.message,
            value=record.values,
            onset=alarm.onset_at.astimezone(UTC),
            episode_onset=alarm.episode_onset_at.astimezone(UTC),
            event_time=record.at.astimezone(UTC),
            recorded_at=record.recorded_at.astimezone(UTC),
        )
        return cls(record.id, f"site/{alarm.site_code}/alarms", message)

    @property
    def payload(self) -> bytes:
        return msgspec.json.encode(self.message)
