"""Grown trees as plain arrays: storable without pickling, and read without scikit-learn in the serving processes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from predictive.detectors.contract import Arrays, Floats, Model


def flattened(trees: Sequence[Any]) -> Arrays:
    """The regression trees that scikit-learn grew (`estimators_`) as arrays, nodes of all trees after one another.

    roots int64[trees]; feature int64[N], −1 for a leaf; threshold, value float64[N]; left, right int64[N], of a leaf
    itself, so that walking one step too far stays there. depth int64[1], of the deepest tree.
    """
    parts = [tree.tree_ for tree in trees]
    roots = np.cumsum([0, *(part.node_count for part in parts)])[:-1].astype(np.int64)
    own = [np.arange(part.node_count) for part in parts]
    left = [np.where(part.children_left < 0, mine, part.children_left) for part, mine in zip(parts, own, strict=True)]
    right = [np.where(part.children_left < 0, mine, part.children_right) for part, mine in zip(parts, own, strict=True)]
    return {
        "roots": roots,
        "feature": np.concatenate([np.where(part.children_left < 0, -1, part.feature) for part in parts]),
        "threshold": np.concatenate([part.threshold for part in parts]),
        "value": np.concatenate([part.value[:, 0, 0] for part in parts]),
        "left": np.concatenate([branch + root for branch, root in zip(left, roots, strict=True)]),
        "right": np.concatenate([branch + root for branch, root in zip(right, roots, strict=True)]),
        "depth": np.array([max(part.max_depth for part in parts)], dtype=np.int64),
    }


def sum_of_trees(trees: Model, features: Floats) -> Floats:
    """What the trees say of each row of float64[T, F], added up: float64[T]."""
    # Trees are grown on single precision; compared in double, a row at a threshold would fall to the other side.
    rows = features.astype(np.float32)
    at = np.broadcast_to(trees["roots"], (len(rows), len(trees["roots"]))).copy()
    numbers = np.arange(len(rows))[:, None]
    for _ in range(int(trees["depth"][0])):
        feature = trees["feature"][at]
        goes_left = rows[numbers, np.maximum(feature, 0)] <= trees["threshold"][at]
        at = np.where(goes_left, trees["left"][at], trees["right"][at])
    total: Floats = trees["value"][at].sum(axis=1)
    return total
