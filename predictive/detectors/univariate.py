"""One point alone: level, spread, time of day, and how rare they are together.

Five signals say how far a reading is from what the point itself did before; each becomes the rarity of its value among
all it ever was (tail_rank.py), the two rarest are joined, and rarity is taken again. An alarm is one row, then quiet:
what begins is told once.
Sees: jumps, changes of level and of rhythm, odd hours, spikes. Blind to: creep over weeks, and to what was usual in its
own first days.
Source: the anomaly likelihood of Lavin and Ahmad, Evaluating real-time anomaly detection algorithms (2015), with ranks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictive.detectors.conditioning import learn_scale
from predictive.detectors.contract import Arrays, Evidence, Floats, Model, State, Window
from predictive.detectors.season import medians, no_days, note, rows_of_a_day, times_of_day, usual_of_day
from predictive.detectors.tail_rank import nothing_seen, remember, room_left, tail_shares

# Rows of a stretch, of a short while, and of what is judged as "now".
LONG, SHORT, NOW = 288, 48, 12
SIGNALS = 5
# What all rows so far say of the level needs so many, medians of a window so many.
FEWEST_FOR_LEVEL, FEWEST_FOR_MEDIANS = 20, 5
# Deviations smaller than this part of the usual range are no news.
GRAIN = 0.02
# Values nearer than this, in spreads of the point, are the same: ranks must not tell rounding apart.
DECIMALS = 7
# Below the score at which an alarm goes on.
HUSHED = 0.69


@dataclass(frozen=True, slots=True)
class Univariate:
    """An alarm when the joint rarity is below `rarity`, and none again for `quiet` rows."""

    rarity: float = 0.006
    quiet: int = 100
    name: str = "univariate"

    def suits(self, *, points: int, step_s: float | None) -> bool:
        return points == 1

    def calibrate(self, normal: Window) -> Model:
        """The scale of the point, and the state that its normal rows leave behind: what was usual in them."""
        scaling = learn_scale(normal.values)
        model: Arrays = {key: scaling[key][:, 0] for key in ("centre", "scale")}
        values = (normal.values[:, :, 0] - model["centre"][:, None]) / model["scale"][:, None]
        model["grain"] = GRAIN * _usual_range(values) + 10.0**-DECIMALS
        state: State = {
            **nothing_seen(equipment=normal.equipment, signals=SIGNALS + 1),
            **no_days(equipment=normal.equipment, times=times_of_day(normal.step_s)),
            "past": np.full((normal.equipment, LONG), np.nan),
            "strays": np.full((normal.equipment, LONG), np.nan),
            "odd_hours": np.full((normal.equipment, NOW), np.nan),
            "sum": np.zeros(normal.equipment),
            "summed": np.zeros(normal.equipment),
        }
        self._rarities(model, state, normal)
        return {**model, **state}

    def begin(self, model: Model) -> State:
        state = {key: array.copy() for key, array in model.items() if key not in ("centre", "scale", "grain")}
        return {**state, "since": np.full(len(model["centre"]), self.quiet, dtype=np.int64)}

    def step(self, model: Model, state: State, block: Window) -> Evidence:
        rarities = self._rarities(model, state, block)
        score = np.log(rarities) / np.log(self.rarity)
        told = self._told(state, score >= 1.0)
        score = np.where(told, score, np.minimum(score, HUSHED))
        return Evidence(score=score, shares=(score > 0)[:, :, None].astype(np.float64))

    def _told(self, state: State, rare: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which rare rows bool[E, T] are alarms: the first after `quiet` rows without one."""
        told = np.zeros(rare.shape, dtype=np.bool_)
        last = -1 - state["since"]
        for row in np.flatnonzero(rare.any(axis=0)):
            told[:, row] = rare[:, row] & (row - last > self.quiet)
            last = np.where(told[:, row], row, last)
        state["since"] = np.minimum(rare.shape[1] - 1 - last, self.quiet)
        return told

    def _rarities(self, model: Model, state: State, block: Window) -> Floats:
        """The joint rarity float64[E, T] in (0, 1] of each row; `state` goes along, stretch by stretch."""
        rarities = np.ones((block.equipment, block.rows))
        start = 0
        while start < block.rows:
            stop = start + min(room_left(state), rows_of_a_day(block.ts_ms[:, start:]))
            part = block.between(start=start, stop=min(stop, block.rows))
            rarities[:, start : start + part.rows] = _stretch(model, state, part)
            start += part.rows
        return rarities


def _stretch(model: Model, state: State, part: Window) -> Floats:
    """The joint rarity of rows of one day that fit in what the memory of ranks can gather."""
    values = (part.values[:, :, 0] - model["centre"][:, None]) / model["scale"][:, None]
    read: NDArray[np.bool_] = np.isfinite(values)
    signals = np.stack([*_levels(model, state, values), *_odd_hours(state, part, values)], axis=1)
    signals = np.round(np.nan_to_num(signals), DECIMALS)
    each = -np.log(tail_shares(state, signals, signals=slice(0, SIGNALS), read=read))
    joint = np.round(np.sort(each, axis=1)[:, -2:].sum(axis=1, keepdims=True), DECIMALS)
    rarity = tail_shares(state, joint, signals=slice(SIGNALS, SIGNALS + 1), read=read)
    remember(state, np.concatenate([signals, joint], axis=1), read=read)
    return rarity[:, 0]


def _levels(model: Model, state: State, values: Floats) -> tuple[Floats, Floats, Floats]:
    """How far now is from all that was, a short while from the while before, a reading from the stretch before."""
    rows = values.shape[1]
    joined = np.concatenate([state["past"], values], axis=1)
    before = _windows(joined[:, :-1], rows=rows, length=LONG)
    usual = medians(before, fewest=FEWEST_FOR_MEDIANS)
    lately = medians(before[:, :, LONG - SHORT :], fewest=FEWEST_FOR_MEDIANS)
    strays = np.abs(values - usual)
    all_strays = np.concatenate([state["strays"], strays], axis=1)
    spread = medians(_windows(all_strays[:, :-1], rows=rows, length=LONG), fewest=FEWEST_FOR_MEDIANS)
    level = _means(joined, rows=rows, length=NOW)
    shift = np.abs(level - _mean_so_far(state, joined[:, LONG - NOW : LONG - NOW + rows]))
    state["past"], state["strays"] = joined[:, rows:].copy(), all_strays[:, rows:].copy()
    return shift, np.abs(_means(joined, rows=rows, length=5) - lately), strays / (spread + model["grain"][:, None])


def _mean_so_far(state: State, older: Floats) -> Floats:
    """The mean float64[E, T] of everything up to and with each row of `older`; NaN before there is enough."""
    read = np.isfinite(older)
    # One after the other, from the sum so far: blocks cut elsewhere add up in the same order.
    sums = np.cumsum(np.concatenate([state["sum"][:, None], np.where(read, older, 0.0)], axis=1), axis=1)[:, 1:]
    counts = state["summed"][:, None] + np.cumsum(read, axis=1)
    state["sum"], state["summed"] = sums[:, -1].copy(), counts[:, -1].copy()
    mean: Floats = np.where(counts >= FEWEST_FOR_LEVEL, sums / np.maximum(counts, 1.0), np.nan)
    return mean


def _odd_hours(state: State, part: Window, values: Floats) -> tuple[Floats, Floats]:
    """How far now is from other days at this time, and how far it has been for a while; 0 where no day is known."""
    rows = part.rows
    if not state["today"].shape[1]:
        return np.zeros(values.shape), np.zeros(values.shape)
    # `past` has gone along already: its end is this stretch.
    now = _means(state["past"], rows=rows, length=3)
    odd = np.nan_to_num(np.abs(now - usual_of_day(state, part.ts_ms)))
    note(state, part.ts_ms, values)
    all_odd = np.concatenate([state["odd_hours"], odd], axis=1)
    state["odd_hours"] = all_odd[:, rows:].copy()
    return odd, _means(all_odd, rows=rows, length=NOW)


def _windows(joined: Floats, *, rows: int, length: int) -> Floats:
    """The `length` values float64[E, rows, length] that end at each of the last `rows` of `joined`."""
    views = np.lib.stride_tricks.sliding_window_view(joined, length, axis=1)
    last: Floats = views[:, views.shape[1] - rows :]
    return last


def _means(joined: Floats, *, rows: int, length: int) -> Floats:
    """Means of what is not NaN over windows, float64[E, rows]; NaN where nothing is."""
    windows = _windows(joined, rows=rows, length=length)
    counts = np.isfinite(windows).sum(axis=2)
    sums = np.nan_to_num(windows).sum(axis=2)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _usual_range(values: Floats) -> Floats:
    """From the 5th to the 95th percentile float64[E] of what was read; 0 where nothing was."""
    ordered = np.sort(values, axis=1)
    counts = np.isfinite(values).sum(axis=1)
    if not values.shape[1]:
        return np.zeros(len(values))
    last = np.maximum(counts - 1, 0)
    # As many from below as from above: a point turned upside down has the same range.
    place = (0.05 * last).astype(np.int64)
    low = np.take_along_axis(ordered, place[:, None], axis=1)[:, 0]
    high = np.take_along_axis(ordered, (last - place)[:, None], axis=1)[:, 0]
    return np.where(counts > 0, high - low, 0.0)
