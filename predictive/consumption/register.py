"""From what a meter shows to what was used in each hour: over gaps, rollovers, replacements and slips. Pure.

A meter shows a register that only grows. What is known of it at the edges of hours is kept as a line in pieces: a
difference inside a piece is exact, also over a gap; between pieces nothing is known. Source: docs/predictive.md,
"Consumption".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

HOUR_MS: Final = 3_600_000
# Between two readings further apart than this nobody knows which hour it was (unless the register stood still).
LONGEST_BRIDGE_H: Final = 3.0
# No home uses in an hour twenty times what it uses in its busiest one of a hundred.
_BEYOND_ITS_BUSIEST: Final = 20.0
_FULL_ENOUGH: Final = 0.9  # a register that rolls over was nearly full
# Factors between units that meters and collectors are set to (m³ and L, kWh and Wh, MWh; kWh and MJ; MWh and GJ).
_UNIT_FACTORS: Final = np.array([1000.0, 100.0, 10.0, 3.6, 277.78])
_UNIT_TOLERANCE: Final = 0.01
_REVERSED_STEPS: Final = 6
_FEWEST_READINGS: Final = 4


class RegisterEvent(StrEnum):
    """Why a register did not simply grow."""

    ROLLOVER = "rollover"
    REPLACED = "replaced"
    RATIO_CHANGED = "ratio_changed"
    UNIT_CHANGED = "unit_changed"
    JUMP = "jump"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Happening:
    """`at_ms` is the reading after it; `before` and `after` are what the register showed."""

    event: RegisterEvent
    at_ms: int
    before: float
    after: float


@dataclass(frozen=True, slots=True, eq=False)
class Register:
    """A meter's count at the edges of hours, from `start_ms` (the beginning of an hour) on.

    count: float64[H + 1], grows inside a piece, NaN where unknown. piece: int64[H + 1]. step_h: the usual time between
    readings, None when there are too few. resolution: the smallest step seen, 0.0 when it never moved.
    still_since_ms: since when the register has stood still, None while it moves. last_ms: the last reading.
    """

    start_ms: int
    count: Floats
    piece: Integers
    step_h: float | None
    resolution: float
    happenings: tuple[Happening, ...]
    still_since_ms: int | None
    last_ms: int | None

    @property
    def use(self) -> Floats:
        """float64[H]: what was used in each hour, NaN where unknown."""
        return self.used(1)

    def used(self, hours: int) -> Floats:
        """float64[H + 1 - hours]: what was used in `hours` hours from each edge on, NaN where unknown."""
        used = self.count[hours:] - self.count[:-hours]
        return np.where(self.piece[hours:] == self.piece[:-hours], used, np.nan)


def read_register(
    ts_ms: Integers, value: Floats, *, start_ms: int, hours: int, ratio_changes_ms: Sequence[int] = ()
) -> Register:
    """The register over `hours` hours from `start_ms` on. Readings may be unsorted, repeated, missing or infinite.

    `ratio_changes_ms`: when the transformers' ratio was set anew.
    """
    ts, shown = _cleaned(ts_ms, value)
    nothing = Register(
        start_ms=start_ms, count=np.full(hours + 1, np.nan), piece=np.zeros(hours + 1, np.int64), step_h=None,
        resolution=0.0, happenings=(), still_since_ms=None, last_ms=int(ts[-1]) if len(ts) else None,
    )  # fmt: skip
    if len(ts) < _FEWEST_READINGS:
        return nothing
    steps, happenings, is_break = _steps(ts, shown, np.asarray(ratio_changes_ms, np.int64))
    grown = np.concatenate([[0.0], np.cumsum(np.where(is_break, 0.0, steps))])
    pieces = np.concatenate([[0], np.cumsum(is_break)])
    step_h = float(np.median(np.diff(ts))) / HOUR_MS
    edges = start_ms + HOUR_MS * np.arange(hours + 1, dtype=np.int64)
    count, piece = _at_edges(edges, ts, grown, pieces, bridge_ms=max(LONGEST_BRIDGE_H, 2.0 * step_h) * HOUR_MS)
    moved = np.flatnonzero(steps > 0)
    moving = steps[~is_break & (steps > 0)]
    last_move = int(moved[-1]) + 1 if len(moved) else 0
    return Register(
        start_ms=start_ms, count=count, piece=piece, step_h=step_h,
        resolution=_resolution(moving, shown), happenings=tuple(happenings),
        still_since_ms=int(ts[last_move]) if last_move < len(ts) - 1 else None, last_ms=int(ts[-1]),
    )  # fmt: skip


def _cleaned(ts_ms: Integers, value: Floats) -> tuple[Integers, Floats]:
    """Finite readings by time, of equal times the last; single readings that stick out of the line are left out."""
    is_good = np.isfinite(value)
    ts, shown = ts_ms[is_good], value[is_good].astype(np.float64)
    order = np.argsort(ts, kind="stable")
    ts, shown = ts[order], shown[order]
    is_last = np.ones(len(ts), np.bool_)
    is_last[:-1] = ts[1:] != ts[:-1]
    ts, shown = ts[is_last], shown[is_last]
    is_slip = _slips(shown)
    return ts[~is_slip], shown[~is_slip]


def _slips(shown: Floats) -> Flags:
    """A reading that falls below both its neighbours, or rises above both, while the line goes on without it."""
    is_slip = np.zeros(len(shown), np.bool_)
    if len(shown) < _FEWEST_READINGS:
        return is_slip
    left, here, right = shown[:-2], shown[1:-1], shown[2:]
    goes_on = (right >= left) & (np.abs(right - left) < 0.5 * np.minimum(np.abs(here - left), np.abs(here - right)))
    is_slip[1:-1] = goes_on & ((here < left) | (here > right))
    return is_slip


def _steps(ts: Integers, shown: Floats, ratio_changes: Integers) -> tuple[Floats, list[Happening], Flags]:
    """What was used between readings, what happened, and between which readings nothing is known."""
    steps = np.diff(shown)
    gap_h = np.maximum(np.diff(ts) / HOUR_MS, 1.0)
    limit = _limit_per_h(steps, gap_h)
    is_break = np.zeros(len(steps), np.bool_)
    happenings: list[Happening] = []
    reversed_from = _reversed_from(steps, limit)
    if reversed_from is not None:
        is_break[reversed_from:] = True
        happenings.append(_happening(RegisterEvent.REVERSED, reversed_from, ts, shown))
    is_odd = ((steps < 0) | (steps > limit * gap_h)) & ~is_break
    for at in np.flatnonzero(is_odd):
        wrapped = _wrapped(float(shown[at]), float(shown[at + 1]))
        event = _event_of(int(at), ts, shown, steps, ratio_changes=ratio_changes)
        if wrapped is not None and wrapped <= limit * gap_h[at]:
            steps[at], event = wrapped, RegisterEvent.ROLLOVER
        is_break[at] = event is not RegisterEvent.ROLLOVER
        happenings.append(_happening(event, int(at), ts, shown))
    return steps, happenings, is_break


def _happening(event: RegisterEvent, at: int, ts: Integers, shown: Floats) -> Happening:
    return Happening(event, int(ts[at + 1]), float(shown[at]), float(shown[at + 1]))


def _limit_per_h(steps: Floats, gap_h: Floats) -> float:
    """More than this an hour no meter of this use counts; infinite for one that has hardly counted yet."""
    rates = steps[steps > 0] / gap_h[steps > 0]
    if len(rates) < _FEWEST_READINGS * 2:
        return np.inf
    # Of what is above zero the median is safe from slips, the 99th of a hundred shows how busy it gets.
    return _BEYOND_ITS_BUSIEST * float(max(np.median(rates), np.quantile(rates, 0.99, method="lower")))


def _reversed_from(steps: Floats, limit: float) -> int | None:
    """The first step of a register that runs backwards by now: most of its last moves are down, each a usual size."""
    moves = np.flatnonzero(steps != 0)
    is_down = (steps[moves] < 0) & (-steps[moves] <= limit)
    last = is_down[-_REVERSED_STEPS:]
    if len(last) < _REVERSED_STEPS or last.mean() < 0.8:
        return None
    ups = np.flatnonzero(~is_down[:-_REVERSED_STEPS])
    return int(moves[ups[-1] + 1]) if len(ups) else int(moves[0])


def _wrapped(before: float, after: float) -> float | None:
    """What was used if the register rolled over, None if it cannot have: it was not nearly full."""
    if before <= 0 or after < 0 or after >= before:
        return None
    full = 10.0 ** np.ceil(np.log10(before + 1e-9))
    return float(full - before + after) if before >= _FULL_ENOUGH * full else None


def _event_of(
    at: int, ts: Integers, shown: Floats, steps: Floats, *, ratio_changes: Integers
) -> RegisterEvent:  # fmt: skip
    if np.any((ratio_changes > ts[at]) & (ratio_changes <= ts[at + 1])):
        return RegisterEvent.RATIO_CHANGED
    if _is_other_unit(at, shown, steps):
        return RegisterEvent.UNIT_CHANGED
    return RegisterEvent.REPLACED if steps[at] < 0 else RegisterEvent.JUMP


def _is_other_unit(at: int, shown: Floats, steps: Floats) -> bool:
    """Whether the register and its steps changed by one and the same factor of units."""
    before, after = float(shown[at]), float(shown[at + 1])
    if before <= 0 or after <= 0:
        return False
    factor = after / before
    size = max(factor, 1 / factor)
    if not np.any(np.abs(_UNIT_FACTORS / size - 1) < _UNIT_TOLERANCE):
        return False
    earlier, later = steps[:at][steps[:at] > 0], steps[at + 1 :][steps[at + 1 :] > 0]
    if len(earlier) < _FEWEST_READINGS or len(later) < _FEWEST_READINGS:
        return True  # too new to know better: what came before is left out until its own days are enough
    return bool(1 / 3 < float(np.median(later) / np.median(earlier)) / factor < 3)


def _at_edges(
    edges: Integers, ts: Integers, grown: Floats, pieces: Integers, *, bridge_ms: float
) -> tuple[Floats, Integers]:
    """The count at each edge, between the readings around it: of one piece, and near each other or equal."""
    after = np.searchsorted(ts, edges, side="left")
    is_inside = (after < len(ts)) & ((after > 0) | (ts[np.minimum(after, len(ts) - 1)] == edges))
    right = np.clip(after, 0, len(ts) - 1)
    left = np.where(ts[right] == edges, right, np.maximum(right - 1, 0))
    gap = (ts[right] - ts[left]).astype(np.float64)
    share = np.divide(edges - ts[left], gap, out=np.zeros(len(edges)), where=gap > 0)
    rise = grown[right] - grown[left]
    is_known = is_inside & (pieces[left] == pieces[right]) & ((gap <= bridge_ms) | (rise == 0))
    return np.where(is_known, grown[left] + share * rise, np.nan), np.where(is_known, pieces[left], -1)


def _resolution(moving: Floats, shown: Floats) -> float:
    """The step of the last digit: about the smallest there is."""
    if not len(moving):
        return 0.0
    # Rounding of the numbers themselves is no step.
    noise = float(np.max(np.abs(shown))) * 1e-12
    real = moving[moving > noise]
    return float(np.quantile(real, 0.005, method="lower")) if len(real) else 0.0
