"""A sign of wear and its limit: what grows is followed, what does not grow is left alone, and nothing breaks it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictive.remaining_life.degradation import UNKNOWN_FLEET, DailySign, FleetPrior, Limit, RemainingLife, forecast

DAYS = np.arange(90.0)


def sign(path: str, *, begins: float = 45.0, fails: float = 110.0, noise: float = 0.1, seed: int = 1) -> DailySign:
    """Usually 2, failed at 7: the way there as a part of the life, in one of several shapes."""
    used = np.clip((DAYS - begins) / (fails - begins), 0, 1)
    worn = {
        "line": used,
        "power": used**2.0,
        "early": used**0.7,
        "exponential": np.expm1(3 * used) / np.expm1(3),
        "none": 0 * used,
        "step": np.where(begins < DAYS, 0.3, 0.0),
    }[path]
    return DailySign(DAYS, 2 + 5 * worn + np.random.default_rng(seed).normal(scale=noise, size=len(DAYS)))


def told(sign: DailySign, limit: Limit, prior: FleetPrior = UNKNOWN_FLEET) -> RemainingLife:
    life = forecast(sign, limit, prior)
    assert life is not None, "nothing grows"
    return life


@pytest.mark.parametrize("path", ["line", "power", "early", "exponential"])
def test_growth_of_any_shape_is_followed_to_its_limit(path: str) -> None:
    life = told(sign(path), Limit(7.0, 0.5))
    assert life.confidence > 0.9
    assert life.days_low <= 21 <= life.days_high
    assert 7 <= life.days_mid <= 45
    assert life.usual == pytest.approx(2, abs=0.3)
    assert life.growth is not None
    assert life.growth > 0.3


@pytest.mark.parametrize("path", ["none", "step"])
def test_what_does_not_grow_has_no_end(path: str) -> None:
    confident = [forecast(sign(path, seed=seed), Limit(7.0, 0.5)) for seed in range(12)]
    assert sum(1 for life in confident if life is not None and life.confidence > 0.5) <= 1


def test_a_sign_that_falls_is_its_mirror() -> None:
    rising = sign("power")
    falling = DailySign(rising.days, 10 - rising.values)
    up, down = told(rising, Limit(7.0, 0.5)), told(falling, Limit(3.0, 0.5, rises=False))
    assert (down.days_low, down.days_mid, down.days_high) == pytest.approx((up.days_low, up.days_mid, up.days_high))
    assert down.value == pytest.approx(10 - up.value)
    assert down.speed_a_day == pytest.approx(-up.speed_a_day)


@given(scale=st.floats(1e-3, 1e4), offset=st.floats(-1e3, 1e3), began=st.integers(0, 20_000))
@settings(max_examples=25, deadline=None)
def test_units_and_the_calendar_change_nothing(scale: float, offset: float, began: int) -> None:
    plain, whole = sign("line"), told(sign("line"), Limit(7.0, 0.5))
    turned = DailySign(plain.days + began, plain.values * scale + offset * scale)
    other = told(turned, Limit((7.0 + offset) * scale, 0.5 * scale))
    assert other.days_mid == pytest.approx(whole.days_mid, rel=1e-3, abs=0.05)
    assert other.confidence == pytest.approx(whole.confidence, abs=1e-3)


def test_nearer_to_failure_less_is_left() -> None:
    whole = sign("line", fails=95.0)
    left = [told(DailySign(DAYS[:day], whole.values[:day]), Limit(7.0, 0.5)).days_mid for day in (65, 75, 85)]
    assert left == sorted(left, reverse=True)


def test_lives_of_the_fleet_pull_what_little_is_known() -> None:
    early = DailySign(DAYS[:55], sign("line").values[:55])
    short, long = (told(early, Limit(7.0, 0.5), FleetPrior(median, 0.3, 8)) for median in (25.0, 200.0))
    assert short.days_mid < long.days_mid / 2


def test_wild_days_and_days_without_a_reading_are_borne() -> None:
    whole = sign("line")
    values = whole.values.copy()
    values[[5, 30, 60]] = 40.0, -30.0, np.inf
    values[70:76] = np.nan
    clean, wild = told(whole, Limit(7.0, 0.5)), told(DailySign(DAYS, values), Limit(7.0, 0.5))
    assert wild.days_mid == pytest.approx(clean.days_mid, rel=0.5)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(0), np.array([1.0, 2.0]), np.full(60, 3.0), np.full(60, np.nan), np.full(60, np.inf),
        np.r_[np.full(59, 3.0), 9.0], np.tile([1.0, 5.0], 30),
    ],
)  # fmt: skip
def test_what_says_nothing_gives_nothing(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    life = forecast(DailySign(np.arange(float(len(values))), values), Limit(7.0, 0.5))
    assert life is None or life.confidence < 0.5


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_series_gives_an_interval_in_order_or_nothing(values: list[float]) -> None:
    life = forecast(DailySign(np.arange(float(len(values))), np.array(values)), Limit(7.0, 0.5))
    if life is not None:
        assert 0 <= life.days_low <= life.days_mid <= life.days_high
        assert 0 <= life.confidence <= 1
