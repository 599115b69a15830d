"""A deviation counts for what the normal time behind it can bear."""

import numpy as np
import pytest

from predictive.detectors.calibration import (
    CHANCE,
    LogScale,
    effective_count,
    normal_scale,
    tail_factor,
    unusual,
    usual_count,
)


@pytest.mark.parametrize(("memory", "expected"), [(0.0, 6000.0), (0.9, 6000 / 19), (0.98, 6000 / 99)])
def test_looks_are_counted_by_how_long_readings_remember(memory: float, expected: float) -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=6000)
    values = np.empty(6000)
    values[0] = noise[0]
    for row in range(1, 6000):
        values[row] = memory * values[row - 1] + noise[row]
    assert effective_count(values[:, None])[0] == pytest.approx(expected, rel=0.4)


@pytest.mark.parametrize("rows", [8192, 8193, 20_000])
def test_a_long_history_is_counted_in_stretches_as_in_one(rows: int) -> None:
    rng = np.random.default_rng(rows)
    values = np.convolve(rng.normal(size=rows), np.exp(-np.arange(600) / 150.0))[:rows]
    centred = values - values.mean()
    products = np.array([centred[lag:] @ centred[: rows - lag] for lag in range(1500)])
    correlations = products[1:] / products[0]
    last = int(np.argmax(correlations < CHANCE))
    assert last > 0
    expected = rows / (1 + 2 * correlations[:last].sum())
    assert effective_count(values[:, None])[0] == pytest.approx(expected, rel=1e-9)


def test_the_usual_count_is_that_of_live_points() -> None:
    rng = np.random.default_rng(9)
    values = np.stack([rng.normal(size=500), np.zeros(500), np.sin(np.arange(500) / 80)], axis=1)
    counts = effective_count(values)
    assert usual_count(values, np.array([True, False, True])) == pytest.approx((counts[0] + counts[2]) / 2)
    assert usual_count(values, np.zeros(3, dtype=np.bool_)) == 1.0


def test_a_constant_has_a_count_and_no_warning() -> None:
    assert np.isfinite(effective_count(np.ones((50, 2)))).all()


def test_few_looks_ask_for_more_and_many_are_taken_at_their_word() -> None:
    deviations = np.array([3.0, 3.0, 3.0])
    few, some, many = normal_scale(deviations, np.array([2.0, 20.0, 1e6]))
    assert few < some < many == pytest.approx(3.0, abs=1e-3)
    # The 99.9 % point of Student's t with 10 degrees of freedom is that of the normal distribution at 3.09.
    assert normal_scale(np.array(4.144), np.array(10.0)) == pytest.approx(3.09, abs=0.03)


def test_tails_heavier_than_promised_widen_the_scale_and_lighter_ones_do_not_narrow_it() -> None:
    rng = np.random.default_rng(2)
    assert tail_factor(np.abs(rng.standard_t(2, size=(20_000, 1))))[0] > 2
    assert tail_factor(np.abs(rng.normal(size=(20_000, 1))))[0] == pytest.approx(1.0, abs=0.05)


def test_a_statistic_below_its_usual_size_is_not_unusual() -> None:
    rng = np.random.default_rng(3)
    scale = LogScale.learnt(np.exp(rng.normal(size=2000))).as_array()[None]
    low, usual, high = unusual(np.exp([[-5.0, 0.0, 5.0]]), scale)[0]
    assert low == 0.0
    assert usual < 0.2
    assert high == pytest.approx(5.0, rel=0.1)
