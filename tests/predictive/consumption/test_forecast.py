"""What a meter will count: right in the middle, wide enough, better than last week, never from too little."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictive.consumption.backtest import backtest, persisted
from predictive.consumption.day_types import DayType
from predictive.consumption.days import Days, first_midnight_ms, standard_offset
from predictive.consumption.fleet import FEWEST_METERS, shape_of
from predictive.consumption.forecast import DAYS_AHEAD, DAYS_NEEDED, Weather, forecast
from predictive.consumption.level import level_of
from predictive.consumption.quantiles import HIGH, LOW, MEDIAN, pinball, weighted_quantiles
from predictive.consumption.register import Floats
from tests.predictive.consumption.homes import day_after, homes, plant, some_days

LONG = 84
HOMES = [some_days(use) for use in homes(12, LONG, seed=7)]
PLANT = some_days(plant(LONG, seed=3), typical_h=9, step=0.01)


def test_quantiles_rise_and_nothing_is_below_none() -> None:
    made = forecast(HOMES[2], shape=shape_of(HOMES))
    assert made is not None
    assert made.days.shape == (DAYS_AHEAD, 7)
    assert made.hours.shape == (DAYS_AHEAD, 24, 7)
    for quantiles in (made.days, made.hours):
        assert (np.diff(quantiles, axis=-1) >= 0).all()
        assert (quantiles >= 0).all()


@settings(max_examples=10, deadline=None)
@given(scale=st.sampled_from([1e-3, 0.02, 7.0, 1e5]))
def test_the_unit_does_not_matter(scale: float) -> None:
    scaled = replace(HOMES[1], totals=HOMES[1].totals * scale, hours=HOMES[1].hours * scale)
    one, other = forecast(HOMES[1]), forecast(scaled)
    assert one is not None
    assert other is not None
    assert np.allclose(one.days * scale, other.days)
    assert np.allclose(one.hours * scale, other.hours)


@settings(max_examples=10, deadline=None)
@given(cut=st.integers(DAYS_NEEDED, LONG - 1), wild=st.floats(0, 1e6))
def test_what_comes_later_changes_nothing(cut: int, wild: float) -> None:
    later = replace(PLANT, totals=PLANT.totals.copy(), hours=PLANT.hours.copy())
    later.totals[cut:], later.hours[cut:] = wild, wild
    one, other = forecast(PLANT.before(cut)), forecast(later.before(cut))
    assert one is not None
    assert other is not None
    assert np.array_equal(one.hours, other.hours)


def test_plants_are_forecast_within_their_intervals_and_better_than_last_week() -> None:
    found = [backtest(some_days(plant(LONG, seed=seed), typical_h=9, step=0.01), most=5) for seed in range(4)]
    days = [one.days for one in found if one]
    hours = [one.hours for one in found if one and one.hours]
    assert sum(one.loss for one in days) < sum(one.floor_loss for one in days)
    assert sum(one.loss for one in hours) < 0.8 * sum(one.floor_loss for one in hours)
    assert 0.7 < np.mean([one.covered for one in hours]) < 0.93
    assert 0.6 < np.mean([one.covered for one in days]) < 0.95


def test_homes_are_forecast_better_than_last_week() -> None:
    shape = shape_of(HOMES)
    found = [score for days in HOMES[:6] if (score := backtest(days, shape=shape, most=4)) and score.hours]
    losses = sum(score.hours.loss for score in found if score.hours)
    floors = sum(score.hours.floor_loss for score in found if score.hours)
    assert losses < 0.85 * floors
    assert 0.7 < np.mean([score.hours.covered for score in found if score.hours]) < 0.97


def test_a_feast_is_unlike_a_working_day_and_a_worked_saturday_is_one() -> None:
    """The last day known is 2026-09-24; the 25th to 27th are free for the Mid-Autumn Festival, 10 October is worked."""
    first = date(2026, 5, 28)
    days = some_days(plant(120, seed=5, first=first), typical_h=9, step=0.01, first=first)
    made = forecast(days, ahead=17)
    assert made is not None
    assert made.first == date(2026, 9, 25)
    assert made.types[:4].tolist() == [DayType.HOLIDAY, DayType.HOLIDAY, DayType.HOLIDAY, DayType.WORKDAY]
    assert made.types[15] == DayType.WORKDAY
    assert made.days[0, HIGH] < made.days[3, LOW]
    assert made.days[15, MEDIAN] == pytest.approx(made.days[3, MEDIAN], rel=0.1)


@pytest.mark.parametrize("known", range(DAYS_NEEDED))
def test_too_little_history_has_no_forecast(known: int) -> None:
    assert forecast(PLANT.before(known)) is None


def test_a_meter_a_week_old_leans_on_its_like() -> None:
    young, shape = HOMES[5].before(DAYS_NEEDED), shape_of(HOMES[6:])
    assert shape is not None
    alone, leaning = forecast(young), forecast(young, shape=shape)
    assert alone is not None
    assert leaning is not None
    assert leaning.fleet == shape.meters
    actual = HOMES[5].hours[DAYS_NEEDED : DAYS_NEEDED + DAYS_AHEAD]
    assert pinball(leaning.hours, actual) < pinball(alone.hours, actual)


def test_too_few_of_its_like_have_no_shape() -> None:
    assert shape_of(HOMES[: FEWEST_METERS - 1]) is None


def test_days_with_gaps_are_forecast_from_the_others() -> None:
    random = np.random.default_rng(1)
    totals, hours = PLANT.totals.copy(), PLANT.hours.copy()
    totals[random.random(LONG) < 0.3] = np.nan
    hours[random.random(hours.shape) < 0.3] = np.nan
    made, whole = forecast(replace(PLANT, totals=totals, hours=hours)), forecast(PLANT)
    assert made is not None
    assert whole is not None
    assert made.days[:, MEDIAN] == pytest.approx(whole.days[:, MEDIAN], rel=0.15)


def test_a_home_that_stands_empty_is_forecast_to_use_nothing() -> None:
    made = forecast(some_days(np.zeros(30 * 24)))
    assert made is not None
    assert (made.days == 0).all()


def test_a_meter_read_once_a_day_has_days_and_no_hours() -> None:
    made = forecast(replace(PLANT, is_hourly=False, hours=np.full_like(PLANT.hours, np.nan)))
    assert made is not None
    assert np.isfinite(made.days).all()
    assert np.isnan(made.hours).all()


def test_heat_is_learnt_and_the_hot_day_to_come_is_higher() -> None:
    random = np.random.default_rng(2)
    temps = np.clip(27 + np.cumsum(random.normal(0, 1.5, LONG)), 20, 36)
    cooled = replace(PLANT, totals=PLANT.totals * (1 + 0.06 * np.maximum(temps - 22, 0)))
    level = level_of(cooled.totals, cooled.types, like=None, temps_c=temps)
    assert level.weather[0] > 0.02
    assert level.weather[1] == 0
    mild, hot = (forecast(cooled, weather=Weather(temps, np.full(DAYS_AHEAD, ahead))) for ahead in (23.0, 36.0))
    assert mild is not None
    assert hot is not None
    assert hot.days[0, MEDIAN] > 1.2 * mild.days[0, MEDIAN]
    assert np.isnan(persisted(np.full(9, np.nan)))


def test_weather_that_explains_nothing_is_left_out() -> None:
    temps = np.random.default_rng(3).uniform(10, 36, LONG)
    assert (level_of(PLANT.totals, PLANT.types, like=None, temps_c=temps).weather < 0.01).all()


def test_growth_is_followed_and_dies_down() -> None:
    grown = replace(PLANT, totals=PLANT.totals * 1.006 ** np.arange(LONG))
    level = level_of(grown.totals, grown.types, like=None, temps_c=None)
    assert 0.001 < level.growth <= 0.01
    assert level.ahead(60)[-1] < level.now * 1.15


@pytest.mark.parametrize("samples", [np.array([[1.0], [2.0], [3.0]]), np.array([[3.0], [np.nan], [2.0], [1.0]])])
def test_a_quantile_of_even_weights_is_that_of_the_samples(samples: Floats) -> None:
    assert weighted_quantiles(samples, np.ones_like(samples))[0, MEDIAN] == 2.0


def test_hours_are_those_of_standard_time() -> None:
    """Summer time neither makes a day of 23 hours nor moves seven o'clock."""
    berlin = ZoneInfo("Europe/Berlin")
    summer, winter = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    assert standard_offset(berlin, summer) == standard_offset(berlin, winter) == timedelta(hours=1)
    assert first_midnight_ms(berlin, summer) == int(datetime(2026, 6, 30, 23, tzinfo=UTC).timestamp() * 1000)
    assert isinstance(PLANT, Days)
    assert day_after(PLANT.first, LONG).year == 2026
