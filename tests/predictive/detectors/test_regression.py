"""One inverse for all points says what a regression of each point on the others would say."""

import numpy as np

from predictive.detectors.regression import design, fitted, learnt, residuals


def test_residual_and_leverage_are_those_of_each_points_own_regression() -> None:
    rng = np.random.default_rng(5)
    joined = rng.normal(size=(1, 202, 4)) @ rng.normal(size=(4, 4))
    columns = design(joined, lags=2, squares=None)[0]
    scatter, ridge = columns.T @ columns / len(columns), 1e-3
    found, leverage = residuals(learnt(scatter, points=4, ridge=ridge), columns[None])
    for point in range(4):
        others = [0, *(place for place in range(1, 13) if (place - 1) % 4 != point)]
        inverse = np.linalg.inv(scatter[np.ix_(others, others)] + ridge * np.eye(len(others)))
        weights = inverse @ scatter[others, 1 + point]
        np.testing.assert_allclose(found[0, :, point], columns[:, 1 + point] - columns[:, others] @ weights, atol=1e-9)
        expected = np.einsum("ti,ij,tj->t", columns[:, others], inverse, columns[:, others])
        np.testing.assert_allclose(leverage[0, :, point], expected, rtol=1e-6)


def test_residuals_out_of_sample_are_larger_than_those_of_the_rows_learnt_from() -> None:
    rng = np.random.default_rng(6)
    columns = design(rng.normal(size=(1, 62, 6)), lags=2, squares=None)[0]
    model, strays, _ = fitted(columns, points=6, ridge=1e-3)
    inside, _ = residuals(model, columns[None])
    assert (strays**2).mean() > 1.3 * (inside**2).mean()
