"""Which threshold would have kept every real alarm and dropped the most false ones: pure decisions over trials."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

# Fewer labelled alarms than that say nothing about the next ones.
FEWEST_LABELLED: Final = 10
FEWEST_REAL: Final = 3
# A parameter is tried in steps of 2 % of what it is, up to half of it more and less.
_STEP: Final = 0.02
_STEPS: Final = 25
_DIGITS: Final = 3


@dataclass(frozen=True)
class Trial:
    """Another value of a parameter, and which of the labelled alarms (by place) it would have raised too."""

    value: float
    raised: frozenset[int]


@dataclass(frozen=True)
class Proposal:
    """`value` None: no value does better than the present one."""

    value: float | None
    false_dropped: int


def values_to_try(now: float) -> list[float]:
    """Around the present value, rounded to three digits; none around 0, which has no steps."""
    steps = (step for step in range(-_STEPS, _STEPS + 1) if step)
    found = {_rounded(now * (1 + step * _STEP)) for step in steps} if now else set()
    return sorted(found - {now})


def propose(trials: Sequence[Trial], *, now: float, real: Collection[int], false: Collection[int]) -> Proposal:
    """Of the values that raise every real alarm, the one that raises the fewest false ones; of those that raise as few,
    the one nearest to the present."""
    keeping = [one for one in trials if one.raised.issuperset(real)]
    if not keeping:
        return Proposal(None, 0)
    dropped = {one.value: len(set(false) - one.raised) for one in keeping}
    best = min(keeping, key=lambda one: (-dropped[one.value], abs(one.value - now)))
    if not dropped[best.value]:
        return Proposal(None, 0)
    return Proposal(best.value, dropped[best.value])


def refusal(*, labelled: int, real: int, parameters: int) -> str | None:
    """Why nothing may be proposed on so little; None: something may."""
    if not parameters:
        return "no_parameters"
    if labelled < FEWEST_LABELLED:
        return "too_few_labels"
    if real < FEWEST_REAL:
        return "too_few_real"
    return "no_false_alarms" if real == labelled else None


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
