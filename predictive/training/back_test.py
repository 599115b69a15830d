"""Judges history by models that had seen only what came before it. Pure: arrays in, counts out."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from predictive.detectors.contract import Window
from predictive.detectors.ensemble import Ensemble
from predictive.training.figures import Failure, Span, Tally, spans_of, tally
from predictive.training.splits import Split

# Anomalies closer than this are one finding: a person would be told once.
JOIN_MS: Final = 6 * 3_600_000
# What comes right before the judged stretch runs through without being counted, so that smoothing has begun.
_WARM_UP_MS: Final = 86_400_000
_ROWS_AT_ONCE: Final = 2_880


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """All rows of one equipment, E = 1; `is_normal` bool[T] says which of them may be learnt from."""

    window: Window
    is_normal: NDArray[np.bool_]
    failures: Sequence[Failure] = field(default=())

    def until(self, end_ms: int) -> "History":
        """What was known at that time."""
        rows = int(np.searchsorted(self.window.ts_ms[0], end_ms))
        return replace(self, window=self.window.between(start=0, stop=rows), is_normal=self.is_normal[:rows])


def judge_split(history: History, split: Split, *, ensemble: Ensemble, horizon_ms: int) -> Tally | None:
    """What a model learnt before the split would have found after it; None where there was nothing to learn from."""
    known = history.until(split.judge_until_ms)
    ts_ms = known.window.ts_ms[0]
    begin, cut = np.searchsorted(ts_ms, [split.learn_from_ms, split.learn_until_ms]).tolist()
    learnt_from = normal_only(known.window.between(start=begin, stop=cut), known.is_normal[begin:cut])
    if cut == len(ts_ms) or not np.isfinite(learnt_from.values).any():
        return None
    start = int(np.searchsorted(ts_ms, split.learn_until_ms - _WARM_UP_MS))
    anomalous = _anomalies(ensemble, learnt_from, known.window.between(start=start, stop=len(ts_ms)))
    found = spans_of(ts_ms[cut:], anomalous[cut - start :], join_ms=JOIN_MS)
    judged = Span(start_ms=split.learn_until_ms, end_ms=split.judge_until_ms)
    return tally(found, history.failures, judged=judged, horizon_ms=horizon_ms)


def normal_only(window: Window, is_normal: NDArray[np.bool_]) -> Window:
    """The same rows, those that are not normal as if they had not been read."""
    values = window.values.copy()
    values[0, ~is_normal] = np.nan
    return Window(ts_ms=window.ts_ms, values=values, step_s=window.step_s)


def _anomalies(ensemble: Ensemble, learnt_from: Window, judged: Window) -> NDArray[np.bool_]:
    """bool[T] of the judged rows, block by block."""
    model = ensemble.calibrate(learnt_from)
    state = ensemble.begin(model)
    blocks = [
        ensemble.judge(model, state, judged.between(start=at, stop=min(at + _ROWS_AT_ONCE, judged.rows))).is_anomaly[0]
        for at in range(0, judged.rows, _ROWS_AT_ONCE)
    ]
    return np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.bool_)
