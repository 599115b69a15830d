"""How fast things must go: a site's settings with their defaults, read into frozen values, pure.

Settings live under the keys `deadlines`, `entrapment`, `smoke`, `dispatch`, `proof` and `repeat` of a site; anything
left out keeps its default. Source of the defaults: docs/ticketing.md, "Times".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from ticketing.kinds import LOWEST_PRIORITY, Procedure

PRIORITIES = range(1, LOWEST_PRIORITY + 1)
LONGEST_MIN = 366 * 24 * 60


class BadTargets(ValueError):
    """A setting that cannot be meant. The message names its key and what would do."""


@dataclass(frozen=True)
class Clock:
    """Minutes until somebody has accepted, and until the work is done."""

    response_min: float
    resolution_min: float


@dataclass(frozen=True)
class EntrapmentTargets:
    """Minutes for each parallel task of an entrapment. `contractor_min`: 30 in cities, 60 elsewhere."""

    intercom_min: float = 1
    guard_min: float = 5
    contractor_min: float = 30
    hotline_min: float = 5
    hotline_number: str = "96333"


@dataclass(frozen=True)
class SmokeTargets:
    """Minutes until somebody looked, and until 119 is called once it is a real fire."""

    on_site_min: float = 3
    fire_brigade_min: float = 1
    fire_brigade_number: str = "119"


def _default_priorities() -> Mapping[int, Clock]:
    return {1: Clock(5, 240), 2: Clock(15, 480), 3: Clock(60, 1440), 4: Clock(240, 4320)}


def _default_kinds() -> Mapping[Procedure, Clock]:
    return {Procedure.ENTRAPMENT: Clock(1, 60), Procedure.SMOKE: Clock(1, 60)}


def _default_answers() -> Mapping[int, float]:
    return {1: 1, 2: 5, 3: 15, 4: 30}


@dataclass(frozen=True)
class Targets:
    """All times of one site.

    `answer_min`: how long an offer stands before the next candidate is asked, by priority. `proof_window_min`: how
    long telemetry has to agree with "done". `repeat_days`: the same incident within so many days is a repeat.
    """

    by_priority: Mapping[int, Clock] = field(default_factory=_default_priorities)
    by_kind: Mapping[Procedure, Clock] = field(default_factory=_default_kinds)
    entrapment: EntrapmentTargets = EntrapmentTargets()
    smoke: SmokeTargets = SmokeTargets()
    answer_min: Mapping[int, float] = field(default_factory=_default_answers)
    proof_window_min: float = 30
    repeat_days: float = 30

    def clock(self, *, kind: Procedure, priority: int) -> Clock:
        """The kind's own clock where it has one, else that of the priority."""
        return self.by_kind.get(kind) or self.by_priority[priority]


T = TypeVar("T", Clock, EntrapmentTargets, SmokeTargets)


def parse_targets(settings: Mapping[str, Any]) -> Targets:
    """The times that a site's settings mean. Raises BadTargets, naming the key."""
    defaults = Targets()
    deadlines = _table(settings, "deadlines")
    dispatch = _table(settings, "dispatch")
    return Targets(
        by_priority={
            priority: _clock(deadlines, f"priority_{priority}", defaults.by_priority[priority])
            for priority in PRIORITIES
        },
        by_kind={
            kind: _clock(deadlines, kind.value, default) for kind, default in defaults.by_kind.items()
        },
        entrapment=_filled(defaults.entrapment, _table(settings, "entrapment"), where="entrapment"),
        smoke=_filled(defaults.smoke, _table(settings, "smoke"), where="smoke"),
        answer_min={
            priority: _minutes(dispatch, f"answer_min_{priority}", default, where="dispatch")
            for priority, default in defaults.answer_min.items()
        },
        proof_window_min=_minutes(_table(settings, "proof"), "window_min", defaults.proof_window_min, where="proof"),
        repeat_days=_minutes(_table(settings, "repeat"), "within_days", defaults.repeat_days, where="repeat"),
    )  # fmt: skip


def _clock(deadlines: Mapping[str, Any], key: str, default: Clock) -> Clock:
    return _filled(default, _table(deadlines, key), where=f"deadlines.{key}")


def _table(settings: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = settings.get(key, {})
    if not isinstance(found, Mapping):
        raise BadTargets(f"{key} must be a table")
    return found


def _filled(default: T, given: Mapping[str, Any], *, where: str) -> T:
    """`default` with what `given` says instead."""
    changes: dict[str, Any] = {}
    for one in fields(default):
        standing = getattr(default, one.name)
        if isinstance(standing, str):
            changes[one.name] = _number_to_call(given, one.name, standing, where=where)
        else:
            changes[one.name] = _minutes(given, one.name, standing, where=where)
    return replace(default, **changes)


def _minutes(given: Mapping[str, Any], key: str, default: float, *, where: str) -> float:
    value = given.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_MIN:
        raise BadTargets(f"{where}.{key} must be a number above 0 and at most {LONGEST_MIN}")
    return float(value)


def _number_to_call(given: Mapping[str, Any], key: str, default: str, *, where: str) -> str:
    value = str(given.get(key, default))
    if not value.isdigit() or not 3 <= len(value) <= 12:
        raise BadTargets(f"{where}.{key} must be a telephone number of 3 to 12 digits")
    return value
