"""What a register says of hours, whatever happened to it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictive.consumption.register import HOUR_MS, Floats, Integers, Register, RegisterEvent, read_register
from tests.predictive.consumption.homes import homes, shown, start_ms, times

DAYS = 20
HOURS = DAYS * 24
HOME: Floats = homes(8, DAYS, seed=4)[3]


def read(value: Floats, ts: Integers | None = None, **more: list[int]) -> Register:
    ts_ms = times(HOURS)[: len(value)] if ts is None else ts
    return read_register(ts_ms, value, start_ms=start_ms(), hours=HOURS, ratio_changes_ms=more.get("ratio", []))


def test_hours_are_what_was_used_in_them() -> None:
    register = read(shown(HOME))
    assert np.allclose(register.use, np.diff(shown(HOME)), atol=1e-9)
    assert register.resolution == pytest.approx(0.001)
    assert register.step_h == 1.0
    assert not register.happenings


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([1e-3, 0.5, 3.6, 1e4]))
def test_order_repetition_and_scale_change_nothing(seed: int, scale: float) -> None:
    plain = read(shown(HOME))
    random = np.random.default_rng(seed)
    rows = random.permutation(np.concatenate([np.arange(HOURS + 1), random.integers(0, HOURS + 1, 40)]))
    mixed = read(scale * shown(HOME)[rows], times(HOURS)[rows])
    assert np.allclose(mixed.use, scale * plain.use, atol=1e-9 * scale)
    assert mixed.happenings == ()


@settings(max_examples=25, deadline=None)
@given(cut=st.integers(30, HOURS))
def test_what_comes_later_changes_no_hour_before(cut: int) -> None:
    whole, part = read(shown(HOME)), read(shown(HOME)[: cut + 1])
    assert np.array_equal(part.use[:cut], whole.use[:cut], equal_nan=True)
    assert np.isnan(part.use[cut:]).all()


def test_infinite_and_missing_readings_are_left_out() -> None:
    value = shown(HOME)
    value[[5, 77, 300]] = [np.inf, np.nan, -np.inf]
    register = read(value)
    assert np.isfinite(register.use).all()
    assert register.use.sum() == pytest.approx(shown(HOME)[-1] - shown(HOME)[0])


def test_over_a_long_gap_hours_are_unknown_and_the_sum_is_not() -> None:
    value = shown(HOME)
    value[100:130] = np.nan
    register = read(value)
    assert np.isnan(register.use[101:128]).all()
    assert register.count[140] - register.count[90] == pytest.approx(shown(HOME)[140] - shown(HOME)[90])


def test_a_register_that_stood_still_over_a_gap_used_nothing_in_it() -> None:
    use = HOME.copy()
    use[99:131] = 0
    value = shown(use)
    value[100:130] = np.nan
    assert np.array_equal(read(value).use[100:130], np.zeros(30))


def test_a_full_register_rolls_over_and_nothing_is_lost() -> None:
    value = (shown(HOME, begins=99_999.0)) % 100_000
    register = read(value)
    assert [one.event for one in register.happenings] == [RegisterEvent.ROLLOVER]
    assert np.nansum(register.use) == pytest.approx(shown(HOME)[-1] - shown(HOME)[0], abs=1e-6)


def test_a_new_meter_begins_anew_and_only_the_hour_between_is_unknown() -> None:
    value = shown(HOME)
    value[200:] -= value[200] - 0.5
    register = read(value)
    assert [one.event for one in register.happenings] == [RegisterEvent.REPLACED]
    assert np.flatnonzero(np.isnan(register.use)).tolist() == [199]


def test_a_ratio_set_anew_is_no_consumption() -> None:
    value = shown(HOME)
    value[200:] = value[200:] + value[200]
    at = int(times(HOURS)[200])
    register = read(value, ratio=[at])
    assert [one.event for one in register.happenings] == [RegisterEvent.RATIO_CHANGED]
    assert np.nansum(register.use) < shown(HOME)[-1] - shown(HOME)[0] + 1e-9


def test_cubic_metres_that_become_litres_are_seen() -> None:
    value = shown(HOME)
    value[300:] *= 1000
    assert [one.event for one in read(value).happenings] == [RegisterEvent.UNIT_CHANGED]


def test_an_impossible_jump_is_named_and_left_out() -> None:
    value = shown(HOME)
    value[300:] += 4321.7
    register = read(value)
    assert [one.event for one in register.happenings] == [RegisterEvent.JUMP]
    assert np.nanmax(register.use) < 1


def test_a_register_that_runs_backwards_is_named_and_not_believed() -> None:
    value = shown(HOME)
    value[300:] = value[300] - (value[300:] - value[300])
    register = read(value)
    assert [one.event for one in register.happenings] == [RegisterEvent.REVERSED]
    assert np.isnan(register.use[305:]).all()
    assert np.isfinite(register.use[:298]).all()


def test_one_reading_that_sticks_out_is_a_slip() -> None:
    value = shown(HOME)
    value[150] = 0.0
    value[250] = 88_888.0
    register = read(value)
    assert register.happenings == ()
    assert np.nansum(register.use) == pytest.approx(shown(HOME)[-1] - shown(HOME)[0])


def test_since_when_it_stands_still_is_known() -> None:
    use = HOME.copy()
    use[:400] = np.maximum(use[:400], 0.001)
    use[400:] = 0
    register = read(shown(use))
    assert register.still_since_ms == start_ms() + 400 * HOUR_MS


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_readings_say_nothing(count: int) -> None:
    register = read(shown(HOME)[:count])
    assert np.isnan(register.use).all()
    assert register.step_h is None


@pytest.mark.parametrize("value", [np.full(HOURS + 1, np.nan), np.full(HOURS + 1, np.inf)])
def test_only_unreadable_readings_say_nothing(value: Floats) -> None:
    assert np.isnan(read(value).use).all()
