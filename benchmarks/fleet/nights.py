"""Every night of the months: what the drift of days says, and what the policy of orders makes of it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.fleet.months import Failure, Group
from building.equipment import EquipmentKind
from predictive.detectors.contract import Integers
from predictive.drift.days import days_of, features_of
from predictive.drift.watch import LEARNS_DAYS, Drift, confidence_at, judged
from predictive.predictions.policy import costs_of, decide


def ordered(group: Group) -> NDArray[np.bool_]:
    """Whether an order stands at the end of each day: bool[E, D]. A repaired equipment is learnt anew from then on."""
    first = int(np.searchsorted(group.window.ts_ms[0], group.edges_ms[LEARNS_DAYS]))
    features = features_of(group.window.between(start=0, stop=first))
    days = days_of(group.window, features, edges_ms=group.edges_ms)
    repaired = np.array([_repaired_on(each, group.edges_ms) for each in group.failures])
    before = _orders(judged(days), group.kind)
    if not (repaired >= 0).any():
        return before
    after = _orders(judged(days, fresh_from=np.maximum(repaired, 0)), group.kind)
    is_after = (repaired[:, None] >= 0) & (np.arange(before.shape[1]) >= repaired[:, None])
    return np.where(is_after, after, before)


def _repaired_on(failures: Sequence[Failure], edges_ms: Integers) -> int:
    """The first whole day after the repair, -1: nothing was repaired."""
    return int(np.searchsorted(edges_ms, failures[-1].ends_ms)) if failures else -1


def _orders(drift: Drift, kind: str) -> NDArray[np.bool_]:
    orders = np.zeros(drift.is_drifting.shape, dtype=np.bool_)
    costs = costs_of(EquipmentKind(kind))
    for row, day in np.argwhere(drift.is_drifting):
        confidence = confidence_at(float(drift.score[row, day]))
        orders[row, day] = decide(confidence=confidence, days_left=None, costs=costs).orders
    return orders
