"""How long wear lasts in this fleet, from the wear it has seen to its end. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

from predictive.remaining_life.degradation import UNKNOWN_FLEET, FleetPrior

# What is known of fleets anywhere weighs as much as so many lives of one's own.
WORTH_LIVES = 3.0
NARROWEST = 0.3


@dataclass(frozen=True, slots=True)
class WearLife:
    """Wear that was real. days: from its beginning to the last that was heard of it; days_left: what was then told to
    be left; has_failed: it failed, else somebody came before."""

    mode: str
    kind: str
    days: float
    days_left: float | None
    has_failed: bool

    @property
    def whole_days(self) -> float:
        """What was repaired in time would have lasted longer: for as long as was told."""
        left = 0.0 if self.has_failed or self.days_left is None else self.days_left
        return max(self.days + left, 1.0)


def priors_of(lives: Sequence[WearLife], *, kind: str) -> dict[str, FleetPrior]:
    """By mode, of one kind of equipment; modes nobody has lived through are left out."""
    by_mode: dict[str, list[float]] = {}
    for life in lives:
        if life.kind == kind:
            by_mode.setdefault(life.mode, []).append(log(life.whole_days))
    return {mode: _prior(logs) for mode, logs in by_mode.items()}


def _prior(logs: Sequence[float]) -> FleetPrior:
    """Normal in the logarithm: what is known anywhere and one's own lives, weighed by their number."""
    usual = log(UNKNOWN_FLEET.median_days)
    weight = WORTH_LIVES + len(logs)
    middle = (WORTH_LIVES * usual + sum(logs)) / weight
    squares = WORTH_LIVES * UNKNOWN_FLEET.spread**2 + sum((each - middle) ** 2 for each in logs)
    return FleetPrior(exp(middle), max(NARROWEST, sqrt(squares / weight)), len(logs))
