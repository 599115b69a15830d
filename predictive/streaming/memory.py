"""What the line remembers of each equipment beside its detectors' state: what was read, what is usual, what stands out.

Arrays only, leading axis E, as a detector's state: they are kept and restored with it. Row after row, so that a cut
into blocks changes nothing. Pure.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from predictive.detectors.contract import Arrays, Floats, Integers, Window
from predictive.streaming.frames import NEVER_MS, nothing_held

Flags: TypeAlias = NDArray[np.bool_]

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
# What stands out must do so for some rows: a mean over about so many of them has to reach STANDS, and fall below GONE.
HORIZON_ROWS: Final = 10
STANDS: Final = 0.3
GONE: Final = 0.05
# An anomaly that has just begun is worth at most half of its detectors' confidence; a day of standing makes it 3/4.
LASTING_MS: Final = DAY_MS
# Said again so often while it stands, and at once when it has become so much more certain.
REPEAT_MS: Final = HOUR_MS
MUCH_MORE: Final = 0.1
# A point's usual value is a mean over about a day of quiet rows.
USUAL_MS: Final = DAY_MS


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What the detectors make of a block: score, confidence float64[E, T]; is_anomaly bool[E, T]; shares [E, T, P]."""

    score: Floats
    confidence: Floats
    is_anomaly: Flags
    shares: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What is to be said of some equipment (`places` on E) as of row `at_ms`: arrays over those places.

    `is_present` False: it is gone. value, usual and shares are [n, P].
    """

    at_ms: int
    places: Integers
    is_present: Flags
    since_ms: Integers
    confidence: Floats
    score: Floats
    shares: Floats
    value: Floats
    usual: Floats


def blank(equipment: int, points: int) -> Arrays:
    """Before the first row."""
    return nothing_held(equipment, points) | {
        "rows_read": np.zeros(equipment, np.int64),
        "read_ms": np.full(equipment, NEVER_MS, np.int64),
        "moved_ms": np.full(equipment, NEVER_MS, np.int64),
        "value": np.full((equipment, points), np.nan),
        "usual": np.full((equipment, points), np.nan),
        "heat": np.zeros(equipment),
        "score": np.zeros(equipment),
        "shares": np.zeros((equipment, points)),
        "since_ms": np.full(equipment, NEVER_MS, np.int64),
        "stands": np.zeros(equipment, np.bool_),
        "told_ms": np.full(equipment, NEVER_MS, np.int64),
        "told_confidence": np.zeros(equipment),
    }


def remember(memory: Arrays, window: Window, judgement: Judgement | None) -> list[Standing]:
    """Takes the rows of a block in; what is to be said. Without a judgement (nothing learnt yet) nothing is."""
    step_ms = int((window.step_s or 60.0) * 1000)
    said: list[Standing] = []
    for row in range(window.rows):
        at_ms = int(window.ts_ms[0, row])
        values = window.values[:, row]
        was_read: Flags = np.asarray(~np.isnan(values).all(axis=1))
        _note_read(memory, values, was_read, at_ms)
        if judgement is None:
            _note_usual(memory, values, was_read, step_ms)
            continue
        is_odd = judgement.is_anomaly[:, row] & was_read
        _note_heat(memory, judgement, row, is_odd=is_odd, was_read=was_read, at_ms=at_ms)
        _note_usual(memory, values, was_read & ~is_odd & ~memory["stands"], step_ms)
        if (standing := _said(memory, at_ms)) is not None:
            said.append(standing)
    return said


def confidence_of(heat: Floats, lasted_ms: Integers) -> Floats:
    """0…1: what the detectors are sure of, worth half at first and all of it when it stands for days."""
    lasted = np.maximum(lasted_ms, 0)
    found: Floats = np.clip(heat, 0.0, 1.0) * (0.5 + 0.5 * lasted / (lasted + LASTING_MS))
    return found


def _note_read(memory: Arrays, values: Floats, was_read: Flags, at_ms: int) -> None:
    before = memory["value"]
    has_value = ~np.isnan(values)
    moved = (has_value & ~np.isnan(before) & (values != before)).any(axis=1)
    # The first value of all counts as a movement: what has just begun is not stuck.
    moved |= was_read & (memory["moved_ms"] == NEVER_MS)
    memory["rows_read"] += was_read
    memory["read_ms"][was_read] = at_ms
    memory["moved_ms"][moved] = at_ms
    before[has_value] = values[has_value]


def _note_usual(memory: Arrays, values: Floats, is_quiet: Flags, step_ms: int) -> None:
    usual = memory["usual"]
    counts = is_quiet[:, None] & ~np.isnan(values)
    first = counts & np.isnan(usual)
    usual[first] = values[first]
    usual += np.where(counts, (values - usual) * min(1.0, step_ms / USUAL_MS), 0.0)


def _note_heat(
    memory: Arrays,
    judgement: Judgement,
    row: int,
    *,
    is_odd: Flags,
    was_read: Flags,
    at_ms: int,
) -> None:
    heat, pace = memory["heat"], 1.0 / HORIZON_ROWS
    begins = is_odd & (memory["since_ms"] == NEVER_MS)
    memory["since_ms"][begins] = at_ms
    heat += np.where(was_read, (np.where(is_odd, judgement.confidence[:, row], 0.0) - heat) * pace, 0.0)
    memory["score"] += np.where(was_read, (judgement.score[:, row] - memory["score"]) * pace, 0.0)
    shares = memory["shares"]
    shares += np.where(is_odd[:, None], (judgement.shares[:, row] - shares) * np.where(begins, 1.0, pace)[:, None], 0.0)
    cooled = ~memory["stands"] & ~is_odd & (heat < GONE)
    memory["since_ms"][cooled] = NEVER_MS


def _said(memory: Arrays, at_ms: int) -> Standing | None:
    heat, stood = memory["heat"], memory["stands"]
    stands = np.where(stood, heat >= GONE, heat >= STANDS)
    sure = confidence_of(heat, at_ms - memory["since_ms"])
    due = (at_ms - memory["told_ms"] >= REPEAT_MS) | (sure >= memory["told_confidence"] + MUCH_MORE)
    changed = stands != stood
    places = np.flatnonzero(changed | (stands & due))
    memory["stands"] = stands
    if not len(places):
        return None
    memory["told_ms"][places] = at_ms
    memory["told_confidence"][places] = np.where(stands, sure, 0.0)[places]
    found = Standing(
        at_ms=at_ms, places=places, is_present=stands[places], since_ms=memory["since_ms"][places].copy(),
        confidence=sure[places], score=memory["score"][places].copy(), shares=memory["shares"][places].copy(),
        value=memory["value"][places].copy(), usual=memory["usual"][places].copy(),
    )  # fmt: skip
    memory["since_ms"][places[~stands[places]]] = NEVER_MS
    return found
