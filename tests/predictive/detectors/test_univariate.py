"""One point alone: what is unlike all that it ever did is told once, and its habits are no news."""

import numpy as np
import pytest

from predictive.detectors.contract import Floats, Integers, Window
from predictive.detectors.season import DAY_MS
from predictive.detectors.univariate import Univariate

STEP_S = 600.0
A_DAY = 144
DAYS, LEARNT_DAYS = 16, 4
ROWS = DAYS * A_DAY


def times() -> Integers:
    return (np.arange(ROWS, dtype=np.int64) * int(STEP_S * 1000))[None]


def rooms() -> Floats:
    """float64[T]: a building that is busy by day and quiet by night, as every day."""
    hours = times()[0] % DAY_MS / 3_600_000
    busy = np.clip(np.sin((hours - 6) / 12 * np.pi), 0.0, None)
    noise = np.random.default_rng(8).normal(size=ROWS)
    values: Floats = 20.0 + 30.0 * busy + (0.3 + busy) * noise
    return values


def alarms(values: Floats, ts_ms: Integers | None = None) -> list[int]:
    window = Window(ts_ms=times() if ts_ms is None else ts_ms, values=values[None, :, None], step_s=STEP_S)
    detector = Univariate()
    learnt = LEARNT_DAYS * A_DAY
    model = detector.calibrate(window.between(start=0, stop=learnt))
    score = detector.step(model, detector.begin(model), window.between(start=learnt, stop=ROWS)).score[0]
    assert np.isfinite(score).all()
    assert (score >= 0).all()
    return [int(row) + learnt for row in np.flatnonzero(score >= 1.0)]


def test_a_building_that_lives_as_ever_is_hardly_news() -> None:
    assert len(alarms(rooms())) <= 2


def test_a_jump_out_of_all_that_was_is_told_within_the_hour_and_once() -> None:
    values = rooms()
    values[1_500:1_560] += 90.0
    (told,) = [row for row in alarms(values) if 1_500 <= row < 1_600]
    assert told < 1_506


def test_a_night_that_is_a_day_is_told_though_every_value_was_seen_before() -> None:
    values = rooms()
    midnight = 12 * A_DAY
    values[midnight : midnight + 30] = values[midnight - A_DAY + 66 : midnight - A_DAY + 96]
    told = [row for row in alarms(values) if midnight <= row < midnight + 60]
    assert told
    assert values.max() == pytest.approx(rooms().max(), abs=1e-9)


def test_missing_rows_are_not_judged_and_the_rest_is() -> None:
    values = rooms()
    values[700:900] = np.nan
    values[1_500:1_560] += 90.0
    told = alarms(values)
    assert not [row for row in told if 700 <= row < 900]
    assert [row for row in told if 1_500 <= row < 1_510]


@pytest.mark.parametrize("value", [0.0, 7.5, np.nan])
def test_a_point_that_never_moves_or_never_speaks_is_never_news(value: float) -> None:
    assert alarms(np.full(ROWS, value)) == []


def test_the_first_movement_of_a_point_that_never_moved_is_news() -> None:
    values = np.zeros(ROWS)
    values[1_500:] = 1.0
    assert alarms(values)[:1] == [1_500]
