import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.physics.tick import BASEMENT, COMING_HOME, LEAVING, LIGHTING, WARMTH, WATER_USE, DailyCurve, Tick
from tests.simulators.days import MIDNIGHT_S, SHANGHAI

CURVES = (LEAVING, COMING_HOME, WATER_USE, LIGHTING, BASEMENT, WARMTH)


def test_the_hour_is_local_and_the_speed_up_is_for_wear_only():
    tick = Tick.at(MIDNIGHT_S + 7.5 * 3600, dt_s=0.5, timezone=SHANGHAI, speed=60)
    assert (tick.hour, tick.dt_s, tick.wear_dt_s) == (7.5, 0.5, 30.0)


@pytest.mark.parametrize("curve", CURVES)
def test_midnight_joins_midnight(curve):
    assert curve.at(23.9999) == pytest.approx(curve.at(0.0), abs=1e-3)


@given(hour=st.floats(0, 24, exclude_max=True))
def test_a_share_of_the_busiest_hour_is_never_below_nothing_nor_above_all(hour):
    assert all(0 <= curve.at(hour) <= 1 for curve in CURVES)


def test_a_curve_goes_straight_between_full_hours():
    assert DailyCurve([0, 1, *([0] * 22)]).at(0.25) == 0.25


def test_a_curve_with_a_missing_hour_is_refused():
    with pytest.raises(ValueError, match="24"):
        DailyCurve([1.0] * 23)
