"""How rare a value is among all that came before: the share of earlier values that were as large.

No distribution is assumed, so that one threshold serves signals of any kind. The largest values are remembered one by
one, the bulk in ever coarser groups: memory is bounded and ranks in the tail, where decisions fall, stay exact.
Source: conformal anomaly detection, Laxhammar and Falkman (2014); the anomaly likelihood of Lavin and Ahmad (2015)
is the same thought with a normal distribution in the place of ranks.
"""

import numpy as np
from numpy.typing import NDArray

from predictive.detectors.contract import Floats, State

# Values remembered of each signal, how many of them one by one, and rows that gather before they are sorted in.
KEPT, EXACT, GATHERED = 256, 128, 64
# A group of the others spans ranks so far apart, as a logarithm.
GROUP = 0.05
# Beyond so many rows what was counts half: an equipment's habits change.
LONGEST_MEMORY = 20_000
# With fewer rows behind it nothing is rare.
FEWEST_BEFORE = 30
# Instead of nothing, where there is nothing to divide by.
TINY = 1e-12


def nothing_seen(*, equipment: int, signals: int) -> State:
    """The memory before the first row; -1 is no value, for values are ≥ 0."""
    return {
        "kept": np.full((equipment, signals, KEPT), -1.0),
        "weights": np.zeros((equipment, signals, KEPT)),
        "gathered": np.full((equipment, signals, GATHERED), -1.0),
        "filled": np.zeros(equipment, dtype=np.int64),
        "seen": np.zeros(equipment),
    }


def room_left(state: State) -> int:
    """How many rows can be gathered at once, 1 at least."""
    return int(GATHERED - state["filled"].max(initial=0))


def tail_shares(state: State, values: Floats, *, signals: slice, read: NDArray[np.bool_]) -> Floats:
    """(Earlier values as large + 1) / (earlier values + 1), float64[E, R, T], for values float64[E, R, T] ≥ 0.

    `signals` are the places of the R signals in the memory. A row that was not read, or has fewer than FEWEST_BEFORE
    before it, is 1. Nothing is remembered yet: `remember` does.
    """
    kept, weights, gathered = (state[key][:, signals] for key in ("kept", "weights", "gathered"))
    now = values[..., None]
    as_large = (np.where(kept[:, :, None] >= now, weights[:, :, None], 0.0)).sum(axis=3)
    as_large += (gathered[:, :, None] >= now).sum(axis=3)
    earlier = np.tril(np.ones((values.shape[2], values.shape[2]), dtype=np.bool_), -1) & read[:, None, None, :]
    as_large += ((values[:, :, None] >= now) & earlier).sum(axis=3)
    before = state["seen"][:, None] + np.cumsum(read, axis=1) - read
    judged = read & (before >= FEWEST_BEFORE)
    shares: Floats = np.where(judged[:, None], (as_large + 1.0) / (before[:, None] + 1.0), 1.0)
    return np.minimum(shares, 1.0)


def remember(state: State, values: Floats, *, read: NDArray[np.bool_]) -> None:
    """Adds rows float64[E, all signals, T], T ≤ room_left, to the memory."""
    rows = values.shape[2]
    places = state["filled"][:, None, None] + np.arange(rows)
    np.put_along_axis(
        state["gathered"],
        np.broadcast_to(places, values.shape),
        np.where(read[:, None], values, -1.0),
        axis=2,
    )
    state["filled"] = state["filled"] + rows
    state["seen"] = state["seen"] + read.sum(axis=1)
    full = np.flatnonzero(state["filled"] == GATHERED)
    if len(full):
        _sort_in(state, full)


def _sort_in(state: State, full: NDArray[np.int64]) -> None:
    """Sorts what was gathered of the equipment `full` into what is kept: the largest one by one, the others in groups
    that hold a like share of the values as large as theirs."""
    gathered = state["gathered"][full]
    values = np.concatenate([state["kept"][full], gathered], axis=2)
    weights = np.concatenate([state["weights"][full], (gathered >= 0).astype(np.float64)], axis=2)
    order = np.argsort(-values, axis=2, kind="stable")
    values, weights = np.take_along_axis(values, order, axis=2), np.take_along_axis(weights, order, axis=2)
    places = _places(weights)
    # One count for all signals of all equipment: each has KEPT places of its own.
    own = KEPT * np.arange(places[:, :, 0].size).reshape(*places.shape[:2], 1)
    summed = np.bincount((own + places).ravel(), weights.ravel(), minlength=state["kept"][full].size)
    middle = np.bincount((own + places).ravel(), (weights * values).ravel(), minlength=summed.size)
    kept = np.where(summed > 0, middle / np.maximum(summed, TINY), -1.0).reshape(*places.shape[:2], KEPT)
    old = state["seen"][full] > LONGEST_MEMORY
    state["kept"][full] = kept
    state["weights"][full] = np.where(old[:, None, None], 0.5, 1.0) * summed.reshape(kept.shape)
    state["seen"][full] = np.where(old, state["seen"][full] / 2, state["seen"][full])
    state["gathered"][full] = -1.0
    state["filled"][full] = 0


def _places(weights: Floats) -> NDArray[np.int64]:
    """Where each of the values sorted from the largest down, float64[E, R, N], goes: its own place, or its group's."""
    as_large = np.maximum(np.cumsum(weights, axis=2), TINY)
    beyond = np.log(as_large / as_large[:, :, EXACT - 1 : EXACT])
    groups = np.minimum(EXACT + (beyond / GROUP).astype(np.int64), KEPT - 1)
    places: NDArray[np.int64] = np.where(np.arange(weights.shape[2]) < EXACT, np.arange(weights.shape[2]), groups)
    return places
