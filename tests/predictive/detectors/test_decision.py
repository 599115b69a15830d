"""When an alarm begins, ends, and becomes another."""

import numpy as np
import pytest

from predictive.detectors.decision import SHORTEST_STAGE, decided, undecided


@pytest.mark.parametrize(
    ("score", "change", "expected"),
    [
        ([0.9, 1.0, 0.8, 0.7, 0.69, 0.9], [0] * 6, [0, 1, 1, 1, 0, 0]),
        ([0.5, 0.8, 0.6, 0.2], [1.5, 0, 0, 0], [1, 1, 0, 0]),
        ([0.4, 0.4], [9.0, 9.0], [0, 0]),
        ([0.9, 0.9], [1.4, 1.4], [0, 0]),
        ([1.0, 1.2, 1.2, 1.2, 1.2], [0, 0, 1.0, 1.0, 0], [1, 1, 0, 1, 1]),
    ],
    ids=["hysteresis", "change and half the evidence", "change alone", "weak change", "a stage ends"],
)
def test_each_row_is_decided(score: list[float], change: list[float], expected: list[int]) -> None:
    assert decided(undecided(1), np.array([score]), np.array([change]))[0].astype(int).tolist() == expected


def test_a_stage_lasts_a_while_however_much_moves() -> None:
    rows = 3 * SHORTEST_STAGE
    flags = decided(undecided(1), np.full((1, rows), 2.0), np.full((1, rows), 3.0))[0]
    out = np.flatnonzero(~flags)
    assert len(out) > 1
    assert np.diff(out).min() >= SHORTEST_STAGE
