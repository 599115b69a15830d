"""What is promised about an order: the targets, in whose hours they count, and who hears when they are missed. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any


class Target(StrEnum):
    """Somebody said yes; somebody is there; the work is done."""

    RESPONSE = "response"
    ARRIVAL = "arrival"
    RESOLUTION = "resolution"


class CountedIn(StrEnum):
    """Whether a clock runs day and night, or while the site's calendar is open."""

    ALWAYS = "always"
    BUSINESS = "business"


class Rung(StrEnum):
    """Who is told at a step of the chain; whoever fills it at that moment."""

    ASSIGNEE = "assignee"
    DISPATCHER = "dispatcher"
    DUTY_MANAGER = "duty_manager"
    MANAGER = "manager"
    ADMIN = "admin"


@dataclass(frozen=True)
class ChainStep:
    """`after_min` counts from the deadline, in the hours of the order's clocks."""

    who: Rung
    after_min: float


@dataclass(frozen=True)
class Levels:
    """Targets in minutes (`arrival_min` None: nobody has to come; `appointment_min`: how late one may come to an
    appointment). `warn_pct`: at how much of a target's time the assignee is warned, 100: never. `chain` is in order of
    time and not empty."""

    response_min: float
    arrival_min: float | None
    resolution_min: float
    counted_in: CountedIn
    warn_pct: float
    chain: tuple[ChainStep, ...]
    appointment_min: float


LONGEST_CHAIN = 10
LONGEST_MIN = 366 * 24 * 60.0
# What of a level a policy or a setting may say by itself; the rest is what would hold without it.
LEVEL_FIELDS = (
    "response_min", "arrival_min", "resolution_min", "counted_in", "warn_pct", "chain", "appointment_min",
)  # fmt: skip


class BadLevel(ValueError):
    """A level that cannot be meant. `field` names the part, `allowed` what would do."""

    def __init__(self, field: str, allowed: str) -> None:
        super().__init__(f"{field}: {allowed}")
        self.field = field
        self.allowed = allowed


def check_minutes(field: str, value: Any) -> float:
    """Raises BadLevel."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= LONGEST_MIN:
        raise BadLevel(field, f"0 < … ≤ {LONGEST_MIN:.0f}")
    return float(value)


def check_percent(field: str, value: Any) -> float:
    """Raises BadLevel."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= 100:
        raise BadLevel(field, "0 < … ≤ 100")
    return float(value)


def check_counted_in(field: str, value: Any) -> CountedIn:
    """Raises BadLevel."""
    if value not in list(CountedIn):
        raise BadLevel(field, " | ".join(CountedIn))
    return CountedIn(value)


def check_chain(field: str, value: Any) -> tuple[ChainStep, ...]:
    """A chain from its JSON form, in order of time. Raises BadLevel."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not 0 < len(value) <= LONGEST_CHAIN:
        raise BadLevel(field, f"1 … {LONGEST_CHAIN} × {{who, after_min}}")
    steps = [_chain_step(field, one) for one in value]
    if any(later.after_min < earlier.after_min for earlier, later in pairwise(steps)):
        raise BadLevel(field, "after_min: … ≤ … ≤ …")
    if len({step.who for step in steps}) < len(steps):
        raise BadLevel(field, "who: ≠")
    return tuple(steps)


def check_order_of(values: Mapping[str, Any]) -> None:
    """Nobody finishes before they answered or came. Raises BadLevel; only looks at what is given together."""
    resolution_min = values.get("resolution_min")
    for field in ("response_min", "arrival_min"):
        first = values.get(field)
        if first is not None and resolution_min is not None and first > resolution_min:
            raise BadLevel(field, f"≤ resolution_min ({resolution_min:g})")


def chain_as_json(chain: Iterable[ChainStep]) -> list[dict[str, Any]]:
    return [{"who": step.who.value, "after_min": step.after_min} for step in chain]


def chain_of(*steps: tuple[Rung, float]) -> tuple[ChainStep, ...]:
    return tuple(ChainStep(who, after_min) for who, after_min in steps)


def _chain_step(field: str, given: Any) -> ChainStep:
    is_pair = isinstance(given, Mapping) and set(given) == {"who", "after_min"}
    if not is_pair or given["who"] not in list(Rung):
        raise BadLevel(field, f"who: {' | '.join(Rung)}")
    after_min = given["after_min"]
    if after_min != 0:
        after_min = check_minutes(f"{field}.after_min", after_min)
    return ChainStep(Rung(given["who"]), float(after_min))
