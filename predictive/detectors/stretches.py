"""Stretches of rows that followed one another: what is missing is held, across a gap nothing is compared."""

import numpy as np

from predictive.detectors.contract import Bools, Floats, Integers, State, Window

# A jump in time over more steps than this is a gap: what came before is another stretch.
GAP_STEPS = 10


def no_stretch(equipment: int) -> State:
    """The state of `rows_since_gap` before the first row."""
    return {"rows": np.zeros(equipment, dtype=np.int64), "last_ms": np.zeros(equipment, dtype=np.int64)}


def rows_since_gap(state: State, block: Window) -> Integers:
    """How many rows int64[E, T] followed one another, this one included; `state` goes along."""
    if not block.rows:
        return np.zeros((block.equipment, 0), dtype=np.int64)
    times = np.concatenate([state["last_ms"][:, None], block.ts_ms], axis=1)
    steps = np.diff(times, axis=1)
    jumps = (steps < 0) | (steps > GAP_STEPS * 1000.0 * block.step_s if block.step_s else False)
    # The very first row follows nothing, which is no jump.
    jumps[:, 0] &= state["rows"] > 0
    rows = np.arange(block.rows)
    last_jump = np.maximum.accumulate(np.where(jumps, rows, -1), axis=1)
    since: Integers = np.where(last_jump < 0, state["rows"][:, None] + rows + 1, rows - last_jump + 1)
    state["rows"], state["last_ms"] = since[:, -1].copy(), block.ts_ms[:, -1].copy()
    return since


def nothing_held(*, equipment: int, points: int) -> State:
    """The state of `held` before the first row."""
    return {"held": np.zeros((equipment, points))}


def held(state: State, values: Floats) -> tuple[Floats, Bools]:
    """Missing values float64[E, T, P] replaced by the last one read (0 before the first), `state` goes along;
    and in which rows bool[E, T] anything was read."""
    missing = np.isnan(values)
    read: Bools = np.logical_not(missing.all(axis=2))
    if not values.shape[1]:
        return values, read
    rows = np.arange(values.shape[1])[None, :, None]
    last = np.maximum.accumulate(np.where(missing, -1, rows), axis=1)
    filled = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    filled = np.where(last < 0, state["held"][:, None], filled)
    state["held"] = filled[:, -1].copy()
    return filled, read
