"""What a part of the bench is: it measures something into plain data, and reads figures with their aims out of that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

Details = dict[str, Any]
"""What was measured, as JSON holds it. Two runs are joined by joining these, so figures are made from them alone."""


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What a figure should be: at most, or at least, so much."""

    at_most: float | None = None
    at_least: float | None = None

    def is_met_by(self, value: float) -> bool:
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)

    def __str__(self) -> str:
        bounds = (("≤", self.at_most), ("≥", self.at_least))
        return " and ".join(f"{sign} {bound:,g}" for sign, bound in bounds if bound is not None)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number. `name` is stable and dotted; `value` None: not measured, and `note` says why.

    Figures of equal `words` and different `column` stand in one row of a table, side by side.
    """

    name: str
    words: str
    value: float | None
    column: str = ""
    unit: str = ""
    aim: Aim | None = None
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """None without an aim or a value."""
        return None if self.aim is None or self.value is None else self.aim.is_met_by(self.value)


@dataclass(frozen=True)
class Context:
    """Given to a part: an empty folder of its own, whether to be quick and rough, where to say what happens."""

    folder: Path
    is_quick: bool
    console: Console

    def say(self, words: str) -> None:
        self.console.print(f"· {words}", style="dim", markup=False, highlight=False, soft_wrap=True)


class Part(Protocol):
    """One row of `benchmarks.parts.PARTS`, and a command `hub bench <name>`."""

    @property
    def name(self) -> str: ...

    @property
    def words(self) -> str:
        """What it measures, in one line."""
        ...

    def measure(self, context: Context) -> Details:
        """Runs for as long as it needs; starts servers of its own in the context's folder and stops them.

        Raises PartUnavailable when something it needs is not here, CutShort when it failed half-way.
        """
        ...

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        """Pure: what `measure` returned (perhaps days ago, from a file, joined with other runs) as figures."""
        ...


class PartUnavailable(RuntimeError):
    """Something that the part needs is not on this machine. The message says what, and how to get it."""


class CutShort(RuntimeError):
    """A part failed after it had measured something, which is in `measured` and still worth reading."""

    def __init__(self, reason: str, *, measured: Details) -> None:
        super().__init__(reason)
        self.measured = measured
