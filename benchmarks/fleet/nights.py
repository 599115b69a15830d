"""Every night of the months: what the drift of days says, what is left, and what the policy of orders makes of it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.fleet.months import Failure, Group
from building.equipment import EquipmentKind
from predictive.detectors.contract import Integers
from predictive.drift.days import Days, FeatureKind, days_of, features_of
from predictive.drift.watch import LEARNS_DAYS, Drift, confidence_at, judged
from predictive.predictions.policy import costs_of, decide
from predictive.remaining_life.modes import load_modes
from predictive.remaining_life.wear import forecasts


def ordered(group: Group) -> NDArray[np.bool_]:
    """Whether an order stands at the end of each day: bool[E, D]. A repaired equipment is learnt anew from then on."""
    first = int(np.searchsorted(group.window.ts_ms[0], group.edges_ms[LEARNS_DAYS]))
    every = features_of(group.window.between(start=0, stop=first))
    # Frames of the line have no counters: their days have no rates either.
    features = [feature for feature in every if feature.kind is not FeatureKind.RATE]
    days = days_of(group.window, features, edges_ms=group.edges_ms)
    repaired = np.array([_repaired_on(each, group.edges_ms) for each in group.failures])
    before = _orders(days, judged(days), group)
    if not (repaired >= 0).any():
        return before
    after = _orders(days, judged(days, fresh_from=np.maximum(repaired, 0)), group)
    is_after = (repaired[:, None] >= 0) & (np.arange(before.shape[1]) >= repaired[:, None])
    return np.where(is_after, after, before)


def _repaired_on(failures: Sequence[Failure], edges_ms: Integers) -> int:
    """The first whole day after the repair, -1: nothing was repaired."""
    return int(np.searchsorted(edges_ms, failures[-1].ends_ms)) if failures else -1


def _orders(days: Days, drift: Drift, group: Group) -> NDArray[np.bool_]:
    orders = np.zeros(drift.is_drifting.shape, dtype=np.bool_)
    kind, modes = EquipmentKind(group.kind), load_modes().modes
    for day in np.flatnonzero(drift.is_drifting.any(axis=0)).tolist():
        told = forecasts(*_until(days, drift, day + 1), kind=kind, point_keys=group.keys, modes=modes)
        for row in np.flatnonzero(drift.is_drifting[:, day]).tolist():
            decision = decide(
                confidence=confidence_at(float(drift.score[row, day])), costs=costs_of(kind),
                days_left=told[row][0].days_left() if told[row] else None,
            )  # fmt: skip
            orders[row, day] = decision.orders
    return orders


def _until(days: Days, drift: Drift, day: int) -> tuple[Days, Drift]:
    """What was known on the evening before `day`: every day is judged by those before it only."""
    known = Drift(
        drift.score[:, :day], drift.is_drifting[:, :day], drift.is_judged[:, :day], drift.shares[:, :day],
        drift.moved[:, :day], drift.usual,
    )  # fmt: skip
    return Days(days.begins_ms[:day], days.values[:, :day], days.features), known
