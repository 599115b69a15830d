"""What is said of a drift: the points that speak, with their values beside the usual ones and the peers'. Pure."""

from collections.abc import Sequence
from typing import Final, assert_never

import numpy as np

from predictive.detectors.contract import Floats
from predictive.drift.days import Days, FeatureKind
from predictive.drift.watch import FEWEST_PEERS, SMOOTHS_DAYS, Drift
from predictive.predictions.finding import Manner, PointEvidence

MOST_POINTS: Final = 3
LEAST_SHARE: Final = 0.05
# A level that has this part of what the loudest feature of its point has is what is said of the point.
ENOUGH: Final = 0.1
# Below this of what it takes the evidence has gone; between, it neither stands nor has it gone.
GONE_BELOW: Final = 0.7


def points_of(days: Days, drift: Drift, machine: int, *, point_keys: Sequence[str]) -> tuple[PointEvidence, ...]:
    """The heaviest first, as of the last day. Values are means of a day in operation, net of what moves all peers."""
    shares = drift.shares[machine, -SMOOTHS_DAYS:].mean(axis=0)
    since_ms = int(days.begins_ms[min(drift.since(machine, day=-1 + len(days.begins_ms)), len(days.begins_ms) - 1)])
    by_point = np.bincount(days.points, weights=shares, minlength=len(point_keys))
    heaviest = np.argsort(-by_point, kind="stable")[:MOST_POINTS]
    return tuple(
        _point(days, drift, machine, _spoke(days, shares, point), key=point_keys[point], since_ms=since_ms,
               share=min(1.0, float(by_point[point])))
        for point in heaviest.tolist()
        if by_point[point] >= LEAST_SHARE
    )  # fmt: skip


def _spoke(days: Days, shares: Floats, point: int) -> int:
    """The feature by which the point spoke most; its level where that says enough, for that is what people read."""
    own = np.where(days.points == point, shares, -1.0)
    is_level = np.array([feature.kind is FeatureKind.LEVEL for feature in days.features])
    level = int(np.where(is_level, own, -1.0).argmax())
    return level if own[level] >= ENOUGH * own.max() > 0 else int(own.argmax())


def _point(
    days: Days, drift: Drift, machine: int, place: int, *, key: str, share: float, since_ms: int
) -> PointEvidence:
    now = drift.usual[:, place] + drift.moved[:, -1, place]
    others = np.delete(now, machine)
    others = others[np.isfinite(others)]
    low, high = np.quantile(others, [0.25, 0.75]).tolist() if len(others) >= FEWEST_PEERS else (None, None)
    return PointEvidence(
        point_key=key, share=share, value=_known(now[machine]), usual=_known(drift.usual[machine, place]),
        since_ms=since_ms, peers_low=low, peers_high=high, manner=_manner(days.features[place].kind),
    )  # fmt: skip


def _manner(kind: FeatureKind) -> Manner:
    match kind:
        case FeatureKind.LEVEL | FeatureKind.RATE:
            return Manner.LEVEL
        case FeatureKind.ROUGHNESS:
            return Manner.UNREST
        case FeatureKind.RELATION:
            return Manner.RELATION
        case FeatureKind.SHARE:
            return Manner.SHARE
        case _:
            assert_never(kind)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
