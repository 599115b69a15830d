"""What rules and models say: "abnormal" or "normal again". Alarms decide what becomes of it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from building.severity import Severity

# A condition on an equipment (equipment, source, source id), and one stretch of it (with its onset).
ConditionKey = tuple[UUID, str, str]
EpisodeKey = tuple[UUID, str, str, int]


class AlarmSource(StrEnum):
    RULE = "rule"
    PREDICTION = "prediction"
    LINK = "link"  # a device or gateway stopped answering
    DEVICE = "device"  # the device raised it by itself
    HUB = "hub"  # the hub about itself: it cannot keep what it is told


class OrderJoining(StrEnum):
    """Which open order an alarm joins rather than opening one of its own.

    FAULT: that of the same fault of the same equipment. EQUIPMENT: whichever is open on the equipment. BUILDING: that
    of the same fault anywhere in the building, for what strikes many at once.
    """

    FAULT = "fault"
    EQUIPMENT = "equipment"
    BUILDING = "building"


@dataclass(frozen=True)
class OrderPolicy:
    """Whether a detection is work. `kind` names a work-order flow: "repair", "entrapment" or "smoke"; priority 1…4."""

    kind: str
    priority: int
    joins: OrderJoining = OrderJoining.FAULT


@dataclass(frozen=True)
class Detection:
    """An abnormality that began (`active=True`) or ended.

    Identity of an episode: (source, source_id, equipment_id, onset_ms). `onset_ms` is event time, UTC. `values` are
    the point values that decided, by point key. `message` has both languages: `{"zh-CN": …, "en": …}`. `rule_version`
    is that of the rule which says so, None where no rule does.

    One that `revises` corrects what was told before, because readings came that belong before it: the episode goes on
    although it was ended, or ended at another time; an end at its own onset says that it never was.
    """

    source: AlarmSource
    source_id: str
    equipment_id: UUID
    site_id: UUID
    active: bool
    onset_ms: int
    at_ms: int
    severity: Severity
    fault_mode: str
    life_safety: bool
    message: dict[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    order: OrderPolicy | None = None
    revises: bool = False
    rule_version: int | None = None

    @classmethod
    def end_of(
        cls, *, source: AlarmSource, source_id: str, equipment_id: UUID, site_id: UUID, onset_ms: int, at_ms: int
    ) -> Self:
        """The end of an episode of which only the identity is known any more (its rule is gone)."""
        return cls(
            source=source,
            source_id=source_id,
            equipment_id=equipment_id,
            site_id=site_id,
            active=False,
            onset_ms=onset_ms,
            at_ms=max(at_ms, onset_ms),
            severity=Severity.WARNING,
            fault_mode="",
            life_safety=False,
            message={},
        )


def condition_of(detection: Detection) -> ConditionKey:
    return detection.equipment_id, detection.source.value, detection.source_id


def episode_of(detection: Detection) -> EpisodeKey:
    return *condition_of(detection), detection.onset_ms
