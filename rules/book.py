"""What judges ask of the rules: those in force, how far a line was judged, and what a rule looks at."""

from dataclasses import dataclass
from datetime import datetime

from catalog.directory import PointEntry
from rules.rule import CompiledRule


@dataclass(frozen=True)
class RuleBook:
    """The enabled rules, compiled, as of a revision."""

    revision: int
    rules: tuple[CompiledRule, ...] = ()


@dataclass(frozen=True)
class Position:
    """A bus sequence, and when (hub's time) it was written down."""

    sequence: int
    at: datetime


@dataclass(frozen=True)
class Watch:
    """What a rule looks at on an equipment, by point key, and `elsewhere`, on others. `of_silence`: at whether anything
    comes at all, of these points or, where there are none, of any."""

    points: tuple[str, ...]
    of_silence: bool
    elsewhere: tuple[PointEntry, ...] = ()
