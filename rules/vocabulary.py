"""What the text of a rule may name: points, parameters, schedules, and the points of other equipment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from building.point import Reporting, ReportingMode
from rules import errors
from rules.durations import LONGEST_MS
from rules.tree import Another, Point

# Readings of a point that a window may hold: 16 bytes each, kept for every equipment.
MAX_WINDOW_READINGS = 5_000


class Surroundings(Protocol):
    """Which other equipment a text may name."""

    def words_of(self, another: Another, *, column: int) -> "Vocabulary":
        """The points of that equipment. Raises a DomainError, with the column if it has one, where there is none."""
        ...


@dataclass(frozen=True)
class Vocabulary:
    """What a text may name. `foreign` are points of the other line (life safety or not), known but not to be used.

    `units` of points and parameters and `reporting` of points, by name; what is not there is not checked. `around`
    None: there is no other equipment.
    """

    points: frozenset[str]
    parameters: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    life_safety: bool = False
    units: Mapping[str, str] = field(default_factory=dict)
    reporting: Mapping[str, Reporting] = field(default_factory=dict)
    schedules: frozenset[str] = frozenset()
    around: Surroundings | None = None

    @property
    def known(self) -> str:
        return ", ".join(sorted(self.points | self.parameters))

    def of(self, another: Another | None, *, column: int) -> "Vocabulary":
        """That of another equipment; None: this one. Raises what `Surroundings.words_of` does."""
        if another is None:
            return self
        if self.around is not None:
            return self.around.words_of(another, column=column)
        if another.code is None:
            raise errors.NoParent(column)
        raise errors.UnknownOther(column, other=another.code, known="")


def check_window(window_ms: int, point: Point, vocabulary: Vocabulary, *, column: int) -> None:
    """Raises WindowTooShort and WindowTooLong for a window over a point that reports too rarely or too often for it."""
    reporting = vocabulary.of(point.of, column=column).reporting.get(point.key)
    if reporting is None or reporting.mode is not ReportingMode.PERIODIC:
        return
    interval_ms = int(reporting.interval_s * 1000)
    if window_ms < interval_ms:
        raise errors.WindowTooShort(column, point=point.name, shortest_s=interval_ms // 1000)
    longest_ms = min(interval_ms * MAX_WINDOW_READINGS, LONGEST_MS)
    if window_ms > longest_ms:
        raise errors.WindowTooLong(column, point=point.name, longest_s=longest_ms // 1000)
