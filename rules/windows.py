"""Functions over time, for many equipments at once: from what points had said to the numbers a condition is judged by.

A window is what came in `window` before the instant, that instant with it. Of a periodic point its readings count, each
as much; a point that reports on change holds each value until the next, so that values count as long as they held.
Sums run from the oldest to the newest: they do not depend on who else is looked at in the same go.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rules.history import FAR, History, Past
from rules.program import Frame, NumericProgram, Program, compile_condition, compile_numeric
from rules.program import Rows as FrameRows
from rules.schedules import Schedule, are_within, next_boundary_ms
from rules.tree import Compare, Condition, Function, InSchedule, OverTime, Signal, walk
from rules.units import RATE_MS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# What changes all the while (an average of held values) is looked at so many times in its window, between these bounds.
_LOOKS_A_WINDOW = 60
_SHORTEST_STEP_MS, _LONGEST_STEP_MS = 1_000, 60_000


@dataclass(frozen=True)
class Term:
    """A signal of a rule, ready to be computed. `row` is its point's among the rule's points."""

    signal: Signal
    row: int
    counted: Program | None


@dataclass(frozen=True)
class ScheduleTerm:
    """A schedule of a rule."""

    schedule: Schedule


@dataclass(frozen=True)
class AgeLimit:
    """`age(p) > limit`: turns by itself when the point in `row` is silent for so long."""

    row: int
    limit: NumericProgram


@dataclass(frozen=True)
class View:
    """What is looked at: slots (points, pairs) at instants (pairs); `is_steady` are points that report on change,
    `zones` (pairs) the time zones of their sites."""

    slots: npt.NDArray[np.int32]
    at_ms: Ints
    seen_ms: Ints
    is_steady: Flags
    parameters: Floats
    zones: npt.NDArray[np.str_]


def terms_of(rows: FrameRows, schedules: Mapping[str, Schedule]) -> tuple[Term | ScheduleTerm, ...]:
    """What a frame's signals are computed by. `schedules` of the rule by name."""
    return tuple(_term(each, rows, schedules) for each in rows.signals)


def age_limits_of(conditions: Sequence[Condition], rows: FrameRows) -> tuple[AgeLimit, ...]:
    """Every comparison with an age in these conditions."""
    limits = []
    for compare in (node for condition in conditions for node in walk(condition) if isinstance(node, Compare)):
        for age, other in ((compare.left, compare.right), (compare.right, compare.left)):
            if isinstance(age, Signal) and age.function is Function.AGE:
                limits.append(AgeLimit(rows.points.index(age.point.name), compile_numeric(other, rows)))
    return tuple(limits)


class LookBack:
    """What is looked at, and what of each point came before: every window is looked up once, however often it is
    asked for."""

    def __init__(self, view: View, history: History) -> None:
        self.view = view
        self._history = history
        self._pasts: dict[tuple[int, int], Past] = {}

    def of(self, term: Term) -> Past:
        key = (term.row, term.signal.window_ms)
        found = self._pasts.get(key)
        if found is None:
            found = self._pasts[key] = self._looked_up(*key)
        return found

    def _looked_up(self, row: int, window_ms: int) -> Past:
        slots, at_ms = self.view.slots[row], self.view.at_ms
        if not window_ms:
            return self._history.last_two(slots, at_ms)
        return self._history.past(slots, at_ms, window_ms=window_ms)


def signals(terms: Sequence[Term | ScheduleTerm], back: LookBack) -> Floats:
    """(signals, pairs); NaN where not known."""
    found = np.empty((len(terms), len(back.view.at_ms)))
    for row, term in enumerate(terms):
        found[row] = _signal(term, back) if isinstance(term, Term) else _by_zone(are_within, term.schedule, back.view)
    return found


def next_change_ms(
    terms: Sequence[Term | ScheduleTerm], limits: Sequence[AgeLimit], back: LookBack, frame: Frame
) -> Ints:
    """When, after the view's instants, a condition on these may turn without any reading; FAR: it does not."""
    view = back.view
    soonest = np.full(len(view.at_ms), FAR, np.int64)
    for term in terms:
        if isinstance(term, ScheduleTerm):
            np.minimum(soonest, _by_zone(next_boundary_ms, term.schedule, view), out=soonest)
        elif term.signal.function is not Function.AGE:
            np.minimum(soonest, _next_of_term(term, back), out=soonest)
    for limit in limits:
        np.minimum(soonest, _next_of_age(limit, view, frame), out=soonest)
    return soonest


def _term(each: OverTime, rows: FrameRows, schedules: Mapping[str, Schedule]) -> Term | ScheduleTerm:
    if isinstance(each, InSchedule):
        return ScheduleTerm(schedules[each.name])
    return Term(each, rows.points.index(each.point.name), _counting(each, rows))


def _by_zone(of: Callable[[Schedule, str, Ints], npt.NDArray[Any]], schedule: Schedule, view: View) -> Ints:
    found = np.zeros(len(view.at_ms), np.int64)
    for zone in np.unique(view.zones).tolist():
        here = view.zones == zone
        found[here] = of(schedule, zone, view.at_ms[here])
    return found


def _counting(signal: Signal, rows: FrameRows) -> Program | None:
    if signal.counted is None:
        return None
    inner = FrameRows.of(signal.counted)
    return compile_condition(signal.counted, FrameRows(inner.points, rows.parameters, inner.signals))


def _signal(term: Term, back: LookBack) -> Floats:
    signal, view = term.signal, back.view
    if signal.function is Function.AGE:
        seen_ms = view.seen_ms[term.row]
        return np.where(seen_ms > -FAR, (view.at_ms - seen_ms) / 1000, np.nan)
    past = back.of(term)
    if not signal.window_ms:
        return _of_last_two(signal.function, past)
    if term.counted is not None:
        found = _count(term.counted, past, view.parameters)
    else:
        found = _of_window(signal, past, view.at_ms, view.is_steady[term.row])
    return np.where(past.known, found, np.nan)


def _of_last_two(function: Function, past: Past) -> Floats:
    before, last = past.value[:, 0], past.value[:, 1]
    found = before if function is Function.PREVIOUS else (before != last).astype(np.float64)
    return np.where(past.known, found, np.nan)


def _of_window(signal: Signal, past: Past, at_ms: Ints, is_steady: Flags) -> Floats:
    last = past.value[:, -1]
    match signal.function:
        case Function.DELTA:
            return last - past.value[:, 0]
        case Function.RATE:
            return (last - past.value[:, 0]) / (signal.window_ms / RATE_MS)
        case Function.CHANGED:
            changed: Flags = (past.value != past.value[:, :1]).any(axis=1)
            return changed.astype(np.float64)
        case Function.MIN:
            return _extreme(past, is_steady, np.fmin, np.inf)
        case Function.MAX:
            return _extreme(past, is_steady, np.fmax, -np.inf)
        case _:
            weights = _weights(past, at_ms, is_steady, window_ms=signal.window_ms)
            mean = _weighted(past.value, weights)
            if signal.function is Function.AVG:
                return mean
            return np.sqrt(_weighted((past.value - mean[:, None]) ** 2, weights))


def _extreme(past: Past, is_steady: Flags, pick: np.ufunc, nothing: float) -> Floats:
    counts = past.inside.copy()
    counts[:, 0] |= is_steady
    found: Floats = pick.reduce(np.where(counts, past.value, nothing), axis=1)
    return np.where(counts.any(axis=1), found, np.nan)


def _weights(past: Past, at_ms: Ints, is_steady: Flags, *, window_ms: int) -> Floats:
    """How much each value counts: a reading of a periodic point once, a held value as long as it held."""
    weights = past.inside.astype(np.float64)
    if is_steady.any():
        begins_ms = np.maximum(past.ts_ms[is_steady], (at_ms[is_steady] - window_ms)[:, None])
        ends_ms = np.concatenate([begins_ms[:, 1:], at_ms[is_steady][:, None]], axis=1)
        weights[is_steady] = ends_ms - begins_ms
    return weights


def _weighted(value: Floats, weights: Floats) -> Floats:
    """The mean, summed up in order of time; NaN without any weight."""
    total = np.add.accumulate(np.where(weights > 0, value * weights, 0.0), axis=1)[:, -1]
    # Weights are whole numbers: their sum is exact in any order.
    mean: Floats = total / np.add.reduce(weights, axis=1)
    return mean


_INSIDE_COUNT: dict[Function, Callable[[Floats, Floats], Floats]] = {
    Function.PREVIOUS: lambda value, before: before,
    Function.CHANGED: lambda value, before: (value != before).astype(np.float64),
}


def _count(counted: Program, past: Past, parameters: Floats) -> Floats:
    """How many readings of the window meet the condition."""
    before = np.empty_like(past.value)
    before[:, 0], before[:, 1:] = np.nan, past.value[:, :-1]
    shape, flat = past.value.shape, past.value.reshape(1, -1)
    inner = [
        _INSIDE_COUNT[each.function](past.value, before).reshape(-1)
        for each in counted.signals
        if isinstance(each, Signal)
    ]
    frame = Frame(
        np.repeat(flat, len(counted.points), axis=0),
        np.repeat(parameters, shape[1], axis=1),
        np.array(inner, np.float64).reshape(len(inner), flat.shape[1]),
    )
    yes = np.broadcast_to(counted.run(frame).yes, flat.shape[1:]).reshape(shape)
    found: Ints = (yes & past.inside).sum(axis=1)
    return found.astype(np.float64)


def _next_of_term(term: Term, back: LookBack) -> Ints:
    view, window_ms, past = back.view, term.signal.window_ms, back.of(term)
    if not window_ms:
        return past.expires_ms
    leaves_ms = past.leaves_ms
    change_ms = np.minimum(leaves_ms, past.expires_ms)
    if term.signal.function not in (Function.AVG, Function.STD) or not view.is_steady[term.row].any():
        return change_ms
    step_ms = min(max(window_ms // _LOOKS_A_WINDOW, _SHORTEST_STEP_MS), _LONGEST_STEP_MS)
    # Once the last value has held through all of the window, nothing glides any more.
    glides = view.is_steady[term.row] & (leaves_ms < FAR)
    next_step_ms = (view.at_ms // step_ms + 1) * step_ms
    return np.where(glides, np.minimum(change_ms, next_step_ms), change_ms)


def _next_of_age(limit: AgeLimit, view: View, frame: Frame) -> Ints:
    """The two instants around the one at which the age is the limit: before, at, and after it differ."""
    seen_ms = view.seen_ms[limit.row]
    wanted_s = np.broadcast_to(limit.limit(frame), seen_ms.shape)
    is_known = (seen_ms > -FAR) & (np.abs(wanted_s) < 1e12)
    turns_ms = seen_ms + np.floor(np.where(is_known, wanted_s, 0.0) * 1000).astype(np.int64)
    after = np.where(turns_ms > view.at_ms, turns_ms, turns_ms + 1)
    return np.where(is_known & (after > view.at_ms), after, FAR)
