"""Which points of an equipment the detectors look at, and at which step. Pure: training and the line ask the same."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from building.point import PointKind, ReportingMode
from catalog.directory import EquipmentEntry, PointEntry

# Rows are a minute apart unless the points report more slowly; those of life safety may be closer.
SHORTEST_STEP_MS: Final = 60_000
SHORTEST_LIFE_SAFETY_STEP_MS: Final = 10_000
# The steps there are: each divides a day.
STEPS_MS: Final = (10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000)
# More points than these say little more and cost the square of it; sensors come first.
MOST_POINTS: Final = 32
# A periodic value counts a little longer than its interval: devices are not clocks.
PERIODIC_HOLD: Final = 1.5
# An on-change value holds as long as the point says, but a day of silence is silence.
LONGEST_HOLD_MS: Final = 86_400_000
# What is counted up for ever is the matter of consumption and remaining life, not of detectors.
COUNTING_UNITS: Final = frozenset({"kWh", "Wh", "MWh", "kvarh", "GJ", "MJ", "m³", "m3", "L", "h"})
_COUNTS_BEYOND: Final = 1e5

_CONTEXT: Final = frozenset({PointKind.STATUS, PointKind.SETPOINT, PointKind.COMMAND})


@dataclass(frozen=True)
class Shape:
    """The points of one equipment on the axis of points, in the order of their keys.

    `subject` is the same for all equipment whose frames look alike: profile, step, points and their units. A changed
    profile or unit is another subject, and is learnt anew. `averages[p]`: the row's value is the mean of its readings,
    otherwise the last of them. `hold_ms[p]`: how long a reading counts where none follows.
    """

    subject: str
    step_ms: int
    point_keys: tuple[str, ...]
    point_nos: tuple[int, ...]
    averages: tuple[bool, ...]
    hold_ms: tuple[int, ...]

    @property
    def step_s(self) -> float:
        return self.step_ms / 1000

    @cached_property
    def look_back_ms(self) -> int:
        """How far before a window its readings begin to matter."""
        return max(self.hold_ms) + self.step_ms


def shape_of(entry: EquipmentEntry) -> Shape | None:
    """None where there is nothing to judge: no sensor that measures, or out of service."""
    if not entry.in_service:
        return None
    sensors = [point for point in _ordered(entry) if _measures(point)]
    if not sensors:
        return None
    context = [point for point in _ordered(entry) if point.kind in _CONTEXT]
    points = sorted([*sensors, *context][:MOST_POINTS], key=lambda point: point.key)
    step_ms = _step_ms(sensors)
    return Shape(
        subject=_subject(entry.profile_key, step_ms, points),
        step_ms=step_ms,
        point_keys=tuple(point.key for point in points),
        point_nos=tuple(point.point_no for point in points),
        averages=tuple(point.kind is PointKind.SENSOR for point in points),
        hold_ms=tuple(_hold_ms(point) for point in points),
    )


def _ordered(entry: EquipmentEntry) -> list[PointEntry]:
    return [entry.points[key] for key in sorted(entry.points)]


def _measures(point: PointEntry) -> bool:
    counts = point.unit in COUNTING_UNITS or (not point.unit and point.high - point.low > _COUNTS_BEYOND)
    return point.kind is PointKind.SENSOR and not counts


def _step_ms(sensors: Sequence[PointEntry]) -> int:
    """The middle one of the sensors' intervals, as one of the steps there are."""
    intervals = sorted(
        point.reporting.interval_s * 1000 for point in sensors if point.reporting.mode is ReportingMode.PERIODIC
    )
    # A value on change may come at any time.
    wanted = intervals[len(intervals) // 2] if intervals else SHORTEST_STEP_MS
    urgent = any(point.life_safety for point in sensors)
    shortest = SHORTEST_LIFE_SAFETY_STEP_MS if urgent else SHORTEST_STEP_MS
    return next((step for step in STEPS_MS if step >= max(wanted, shortest)), STEPS_MS[-1])


def _hold_ms(point: PointEntry) -> int:
    interval_ms = int(point.reporting.interval_s * 1000)
    if point.reporting.mode is ReportingMode.PERIODIC:
        return min(int(interval_ms * PERIODIC_HOLD), LONGEST_HOLD_MS)
    return min(interval_ms, LONGEST_HOLD_MS)


def _subject(profile_key: str, step_ms: int, points: Sequence[PointEntry]) -> str:
    looks = "\n".join(f"{point.key} {point.unit} {point.kind.value}" for point in points)
    digest = hashlib.sha256(looks.encode()).hexdigest()[:8]
    return f"{profile_key}/{step_ms // 1000}s/{digest}"
