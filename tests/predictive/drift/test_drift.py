"""Weeks of wear against first days and peers."""

from collections.abc import Callable

import numpy as np
import pytest

from predictive.detectors.contract import Floats, Window
from predictive.drift.days import DAY_MS, Days, Feature, FeatureKind, days_of, features_of
from predictive.drift.saying import points_of
from predictive.drift.watch import LEARNS_DAYS, Drift, judged
from predictive.predictions.finding import Manner

FEATURES = tuple(Feature(FeatureKind.LEVEL, point) for point in range(4))
SPAN = 90


def fleet(*, machines: int = 8, seed: int = 1) -> Floats:
    """Days of healthy machines, [machines, SPAN, 4]: own levels, a load that moves two, a season that moves three."""
    chance = np.random.default_rng(seed)
    own = chance.normal(50, 5, (machines, 1, 4))
    load = chance.normal(0, 2, (machines, SPAN, 1)) * np.array([1.0, 0.8, 0.0, 0.1])
    season = 6 * np.sin(np.arange(SPAN) / 30)[None, :, None] * np.array([0.0, 0.2, 1.0, 0.5])
    values: Floats = own + load + season + chance.normal(0, 0.4, (machines, SPAN, 4))
    return values


def drift_of(values: Floats) -> Drift:
    return judged(Days(np.arange(values.shape[1]) * DAY_MS, values, FEATURES))


def ramp(begins: int, *, to: float) -> Floats:
    rising: Floats = to * np.clip((np.arange(SPAN) - begins) / (SPAN - begins), 0, 1)
    return rising


def test_a_healthy_fleet_drifts_nowhere_whatever_the_season_does() -> None:
    assert not any(drift_of(fleet(seed=seed)).is_drifting.any() for seed in range(5))


@pytest.mark.parametrize("machines", [8, 3, 1])
@pytest.mark.parametrize("way", [12.0, -12.0])
def test_a_machine_that_wears_is_found_weeks_before_its_end_in_the_point_that_shows_it(
    machines: int, way: float
) -> None:
    values = fleet(machines=machines)
    values[0, :, 3] += ramp(30, to=way * (2 if machines > 1 else 4))
    drift = drift_of(values)
    found = np.flatnonzero(drift.is_drifting[0])
    assert found.size
    assert 30 < found[0] < SPAN - 14
    assert drift.shares[0, found[-1]].argmax() == 3
    assert not drift.is_drifting[1:].any()
    assert 20 < drift.since(0, day=SPAN - 1) <= found[0]
    assert np.sign(drift.moved[0, -1, 3]) == np.sign(way)


def test_one_jump_is_a_repair_and_a_second_one_is_not() -> None:
    values = fleet()
    values[0, 45:, 3] += 14.0
    assert drift_of(values).score[0, -10:].min() > 1.0
    assert not drift_of(values).is_drifting[0].any()
    values[0, 65:, 3] += 14.0
    assert np.flatnonzero(drift_of(values).is_drifting[0])[0] >= 65


def test_a_load_that_changes_for_good_moves_as_loads_do_and_is_no_wear() -> None:
    values = fleet()
    values[0, 40:] += 5.0 * np.array([1.0, 0.8, 0.0, 0.1])
    assert not drift_of(values).is_drifting.any()


def test_cutting_the_future_changes_nothing() -> None:
    values = fleet()
    values[2, :, 1] += ramp(30, to=20)
    whole, cut = drift_of(values), drift_of(values[:, :70])
    np.testing.assert_allclose(whole.score[:, :70], cut.score, rtol=1e-9)
    assert np.array_equal(whole.is_drifting[:, :70], cut.is_drifting)


def test_scale_offset_and_order_of_points_change_nothing() -> None:
    values = fleet()
    values[2, :, 1] += ramp(30, to=20)
    other = (values * np.array([-1000.0, 0.01, 3.0, 1.0]) + np.array([5.0, 1.0, -7.0, 0.0]))[:, :, [3, 1, 0, 2]]
    np.testing.assert_allclose(drift_of(values).score, drift_of(other).score, rtol=1e-6, atol=1e-9)


def test_it_says_nothing_while_it_learns_and_nothing_wrong_of_what_is_missing_or_constant() -> None:
    values = fleet()
    values[:, :, 0] = 7.0
    values[0] = np.nan
    values[1, :, 2] = np.nan
    values[3, 40:60] = np.nan
    drift = drift_of(values)
    assert np.isfinite(drift.score).all()
    assert np.isfinite(drift.shares).all()
    assert not drift.is_judged[:, :LEARNS_DAYS].any()
    assert not drift.is_judged[0].any()
    assert not drift.is_judged[3, 50:58].any()
    assert drift.is_judged[3, 65:].all()
    assert not drift.is_drifting.any()


def test_after_a_repair_it_learns_anew() -> None:
    values = fleet()
    values[0, :, 3] += ramp(20, to=30) * (np.arange(SPAN) < 50)
    values[0, 50:, 3] += 6.0  # the new part's own level
    fresh = np.array([50, 0, 0, 0, 0, 0, 0, 0])
    drift = judged(Days(np.arange(SPAN) * DAY_MS, values, FEATURES), fresh_from=fresh)
    assert not drift.is_judged[0, : 50 + LEARNS_DAYS].any()
    assert drift.is_judged[0, 50 + LEARNS_DAYS :].all()
    assert not drift.is_drifting[0].any()


def rows(*, days: int = 30) -> Window:
    """Two pumps: running or not, heat that follows, a counter, a code, a battery that falls now and then."""
    chance = np.random.default_rng(2)
    count = days * 48
    runs = (chance.random((2, count)) < 0.4).astype(np.float64)
    heat = 20 + runs * (15 + chance.normal(0, 1, (2, count))) + chance.normal(0, 0.1, (2, count))
    counter = 1000 + np.cumsum(runs, axis=1)
    code = chance.integers(0, 3, (2, count)).astype(np.float64)
    battery = np.floor(95 - np.arange(count) / 70 + np.array([[0.0], [3.5]]))
    ts_ms = np.broadcast_to(np.arange(count) * (DAY_MS // 48), (2, count))
    return Window(ts_ms, np.stack([runs, heat, counter, code, battery], axis=2), 1800.0)


def test_features_are_levels_while_it_runs_rates_of_counters_and_nothing_of_codes() -> None:
    features = features_of(rows())
    assert [(one.kind, one.point, one.runs_by, one.runs_at) for one in features] == [
        (FeatureKind.LEVEL, 1, 0, 1.0), (FeatureKind.ROUGHNESS, 1, 0, 1.0), (FeatureKind.RATE, 2, -1, 0.0),
        (FeatureKind.LEVEL, 4, -1, 0.0), (FeatureKind.ROUGHNESS, 4, -1, 0.0),
        (FeatureKind.RELATION, 1, 0, 1.0), (FeatureKind.RELATION, 4, -1, 0.0), (FeatureKind.SHARE, 0, -1, 1.0),
    ]  # fmt: skip


def test_a_sensor_that_showed_two_values_so_far_is_no_state() -> None:
    first = rows().between(start=0, stop=48 * 2)
    values = first.values.copy()
    values[:, :, 4] = np.where(np.arange(96) < 60, 90.0, 89.0)
    features = features_of(Window(first.ts_ms, values, first.step_s), measures=[False, True, False, False, True])
    assert 4 not in {one.runs_by for one in features}
    assert [one.point for one in features if one.kind is FeatureKind.SHARE] == [0]
    assert {one.point for one in features if one.kind is FeatureKind.LEVEL} == {1, 4}


def test_days_hold_what_was_read_within_them() -> None:
    window = rows()
    values = window.values.copy()
    values[1, 48 * 3 : 48 * 5] = np.nan
    window = Window(window.ts_ms, values, window.step_s)
    features = features_of(window)
    days = days_of(window, features, edges_ms=np.arange(2, 11) * DAY_MS)
    assert days.values.shape == (2, 8, 8)
    day = slice(48 * 6, 48 * 7)
    runs = values[0, day, 0] == 1.0
    heat = values[0, day, 1]
    assert days.values[0, 4, 0] == pytest.approx(heat[runs].mean())
    assert days.values[0, 4, 2] == runs.sum()
    left = values[0, day][runs] @ np.array(features[5].weights)
    assert days.values[0, 4, 5] == pytest.approx(left.std())
    assert days.values[0, 4, 7] == pytest.approx(runs.mean())
    rough = np.sqrt((np.diff(values[0, day, 4]) ** 2).mean())
    assert days.values[0, 4, 4] == pytest.approx(rough, abs=0.1)  # the first step comes from the day before
    assert np.isnan(days.values[1, 1:3]).all()
    counted = values[1, 48 * 6 - 1, 2] - values[1, 48 * 3 - 1, 2]
    assert days.values[1, 3, 2] == pytest.approx(counted / 3)


def machines(*, seed: int = 4, days: int = 80) -> Window:
    """Eight machines by the half hour: a state, a load, heat that follows the load, and a slow one beside them."""
    chance = np.random.default_rng(seed)
    count = days * 48
    load = 50 + 10 * np.sin(np.arange(count) / 48 * 2 * np.pi) + chance.normal(0, 3, (8, count))
    heat = 20 + 0.5 * load + chance.normal(0, 0.5, (8, count)) + chance.normal(0, 2, (8, 1))
    beside = 7 + np.cumsum(chance.normal(0, 0.02, (8, count)), axis=1) * 0.1 + chance.normal(0, 0.1, (8, count))
    state = (chance.random((8, count)) < 0.2).astype(np.float64)
    ts_ms = np.broadcast_to(np.arange(count) * (DAY_MS // 48), (8, count))
    return Window(ts_ms, np.stack([state, load, heat, beside], axis=2), 1800.0)


def step_and_creep(heat: Floats, worn: Floats, chance: np.random.Generator) -> Floats:
    return heat + 4.0 * (0.4 * (worn > 0) + 0.6 * worn)


def unrest(heat: Floats, worn: Floats, chance: np.random.Generator) -> Floats:
    return heat + chance.normal(0, 5.0, len(heat)) * worn


def spikes(heat: Floats, worn: Floats, chance: np.random.Generator) -> Floats:
    """Ever more often, each as large as the first."""
    spiked: Floats = heat + 15.0 * (chance.random(len(heat)) < 0.1 * worn)
    return spiked


def hunting(heat: Floats, worn: Floats, chance: np.random.Generator) -> Floats:
    swung: Floats = heat + 8.0 * worn * np.sin(np.arange(len(heat)) * 1.3)
    return swung


def loosened(heat: Floats, worn: Floats, chance: np.random.Generator) -> Floats:
    """Ever more often as it was at the same hour of another day: each value usual, and nothing like the load's."""
    other = heat[np.maximum(0, np.arange(len(heat)) - 48 * chance.integers(1, 6, len(heat)))]
    loose: Floats = np.where(chance.random(len(heat)) < worn, other, heat)
    return loose


@pytest.mark.parametrize(
    ("way", "manner"),
    [
        (step_and_creep, Manner.LEVEL), (unrest, Manner.UNREST), (spikes, Manner.UNREST), (hunting, Manner.UNREST),
        (loosened, Manner.RELATION),
    ],
)  # fmt: skip
def test_wear_is_found_in_whatever_way_a_point_shows_it(
    way: Callable[[Floats, Floats, np.random.Generator], Floats], manner: Manner
) -> None:
    window = machines()
    values = window.values.copy()
    worn = np.clip((np.arange(values.shape[1]) / 48 - 35) / 45, 0, 1)
    values[2, :, 2] = way(values[2, :, 2], worn, np.random.default_rng(5))
    drift = drift_by_the_day(Window(window.ts_ms, values, window.step_s))
    found = np.flatnonzero(drift.is_drifting[2])
    assert found.size
    assert 35 < found[0] <= 72
    assert not np.delete(drift.is_drifting, 2, axis=0).any()
    days = days_of(window, features_of(window), edges_ms=np.arange(81) * DAY_MS)
    said = points_of(days, drift, 2, point_keys=("state", "load", "heat", "beside"))[0]
    assert (said.point_key, said.manner) == ("heat", manner)


def test_a_state_that_stands_ever_longer_is_wear_too() -> None:
    window = machines()
    values = window.values.copy()
    worn = np.clip((np.arange(values.shape[1]) / 48 - 35) / 45, 0, 1)
    values[2, :, 0] = np.maximum(values[2, :, 0], np.random.default_rng(5).random(values.shape[1]) < 0.5 * worn)
    drift = drift_by_the_day(Window(window.ts_ms, values, window.step_s))
    assert 35 < np.flatnonzero(drift.is_drifting[2])[0] <= 72
    assert not np.delete(drift.is_drifting, 2, axis=0).any()


def drift_by_the_day(window: Window) -> Drift:
    features = features_of(window.between(start=0, stop=21 * 48))
    return judged(days_of(window, features, edges_ms=np.arange(81) * DAY_MS))


def test_nothing_at_all_has_no_features_and_no_drift() -> None:
    window = Window(np.zeros((2, 0), np.int64), np.zeros((2, 0, 3)), None)
    assert features_of(window) == ()
    days = days_of(window, (), edges_ms=np.arange(4) * DAY_MS)
    assert not judged(days).is_drifting.any()
