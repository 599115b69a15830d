"""What rules and models say: "abnormal" or "normal again". Alarms decide what becomes of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Any, Self
from uuid import UUID

from building.severity import Severity

# A rule with levels says of each by itself whether it is met: under its key, this, and the level's severity.
LEVEL_MARK = "#"
# A condition on an equipment (equipment, source, source id), and one stretch of it (with its onset). The levels of a
# rule are one condition; each has stretches of its own, by its own source id.
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
    """What an alarm is of: all levels of a rule are one."""
    return detection.equipment_id, detection.source.value, alarm_source_id(detection.source_id)


def episode_of(detection: Detection) -> EpisodeKey:
    return detection.equipment_id, detection.source.value, detection.source_id, detection.onset_ms


def alarm_source_id(source_id: str) -> str:
    """The source id of the alarm that a stretch belongs to: without the level."""
    return source_id.partition(LEVEL_MARK)[0]


def in_order(detections: Iterable[Detection]) -> list[Detection]:
    """By time. What begins at one instant has the worst first and what ends then has it last, so that levels which are
    met together are raised as the worst of them and end as one."""
    ordered: list[Detection] = []
    by_time = sorted(detections, key=lambda each: each.at_ms)
    for (_, active), together in groupby(by_time, key=lambda each: (each.at_ms, each.active)):
        ordered += sorted(together, key=lambda each: each.severity.rank, reverse=not active)
    return ordered
