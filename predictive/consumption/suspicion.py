"""What a meter's count may be a sign of, and how sure that is. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from predictive.consumption.days import Days
from predictive.consumption.level import Level, level_of
from predictive.consumption.register import Floats, Register

# A suspicion is told when chance brings forth its like at most once in so many meter-nights.
CHANCE: Final = 1e-4
FEWEST_PEERS: Final = 20


class MeterMode(StrEnum):
    """Stable keys: predictions, words and figures hang on them."""

    NIGHT_LEAK = "night_leak"
    CONSUMPTION_DROP = "consumption_drop"
    THEFT = "theft"
    BALANCE_LOSS = "balance_loss"
    METER_STUCK = "meter_stuck"
    METER_REVERSED = "meter_reversed"
    METER_JUMP = "meter_jump"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """`value` and `usual` in the meter's unit, in `per_h` hours. peers_low, peers_high: the middle of what its
    like have. score: 1.0 = as sure as is told at all. since_ms: UTC."""

    mode: MeterMode
    since_ms: int
    confidence: float
    score: float
    value: float
    usual: float
    per_h: int
    peers_low: float | None = None
    peers_high: float | None = None

    @property
    def wasted_a_day(self) -> float:
        """In the meter's unit."""
        return max(self.value - self.usual, 0.0) * 24 / self.per_h


@dataclass(frozen=True, slots=True, eq=False)
class Meter:
    """A meter's history. All meters of a group have the same days. longest_still_h: the longest time its register has
    stood still, except now. flow: what its own sensor of flow or power has shown since the register last moved (the
    mean), None without such a sensor."""

    register: Register
    days: Days
    longest_still_h: float
    flow: float | None = None

    @classmethod
    def of(cls, register: Register, days: Days, *, flow: float | None = None) -> "Meter":
        return cls(register, days, longest_still_hours(register), flow)

    def slim(self) -> "Meter":
        """Without its hours: whole sites are looked at together, and suspicions need days and nights only."""
        none = np.empty(0)
        register = replace(self.register, count=none, piece=none.astype(np.int64))
        return replace(self, register=register, days=replace(self.days, hours=np.empty((0, 24))))


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Meters that are alike (site, kind, profile), with what is asked of all of them at once.

    nights: float64[M, D]. totals: float64[M, D]. still_h: float64[M], for how long each has stood still now.
    longest_still_h: float64[M], before that. typical_h: what the middle one uses in an hour.
    """

    meters: tuple[Meter, ...]
    levels: tuple[Level, ...]
    nights: Floats
    totals: Floats
    still_h: Floats
    longest_still_h: Floats
    typical_h: float

    @classmethod
    def of(cls, meters: Sequence[Meter], *, like: Floats | None = None) -> "Group":
        """At least one meter."""
        totals = np.stack([meter.days.totals for meter in meters])
        known = totals[:, np.isfinite(totals).any(axis=0)]
        usual = [float(np.nanmean(row)) for row in known if np.isfinite(row).any()]
        return cls(
            meters=tuple(meters),
            levels=tuple(level_of(one.days.totals, one.days.types, like=like, temps_c=None) for one in meters),
            nights=np.stack([meter.days.night for meter in meters]), totals=totals,
            still_h=np.array([still_hours(meter.register) for meter in meters]),
            longest_still_h=np.array([meter.longest_still_h for meter in meters]),
            typical_h=float(np.median(usual)) / 24 if usual else 0.0,
        )  # fmt: skip


def confidence_of(score: float) -> float:
    """0.6 for what is just told, near 0.9 for twice as much: what the trials in docs/predictive.md bear out."""
    return float(np.clip(1 - 0.4 * 0.25 ** (score - 1), 0.0, 0.97))


def score_of(chance: float) -> float:
    """1.0 at CHANCE, 2.0 at its square."""
    return float(np.log(max(chance, 1e-30)) / np.log(CHANCE))


def still_hours(register: Register) -> float:
    if register.still_since_ms is None or register.last_ms is None:
        return 0.0
    return (register.last_ms - register.still_since_ms) / 3_600_000


def longest_still_hours(register: Register) -> float:
    """The longest time it has stood still, except now; what is unknown is taken for standing still."""
    use = register.use
    if register.still_since_ms is not None:
        use = use[: max((register.still_since_ms - register.start_ms) // 3_600_000, 0)]
    known = np.flatnonzero(np.isfinite(use))
    if not len(known):
        return 0.0
    moves = np.concatenate([[-1], np.flatnonzero(use > 0), [len(use)]])
    moves = moves[moves >= known[0] - 1]
    return float(np.max(np.diff(np.concatenate([[known[0] - 1], moves]))) - 1)
