"""What a device said, as a reading."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from building.quality import Quality
from building.reading import Reading
from device_adapters.values import LIFE_SAFETY_CLOCK_MS, Reason, Refusal, to_number, to_reading
from tests.device_adapters.directories import equipment

LIFT = equipment("gb24476-elevator", "LIFT-06")
FLOOR, TRAPPED = LIFT.points["floor"], LIFT.points["passenger_trapped"]
NOW = 1_763_791_200_000


@pytest.mark.parametrize(
    ("raw", "value"),
    [(0, 0.0), (0.0, 0.0), (False, 0.0), (True, 1.0), (-3, -3.0), (2.5, 2.5), ("12", 12.0), ("up", 1.0), ("none", 0.0)],
)
def test_numbers_bools_words_and_quoted_numbers_are_values(raw: Any, value: float) -> None:
    assert to_number(raw, {"none": 0, "up": 1}) == value


def test_zero_is_a_value_and_null_is_none() -> None:
    assert to_reading(FLOOR, 0, ts_ms=NOW, now_ms=NOW, words={}) == Reading(FLOOR.point_no, NOW, 0.0)
    gone = to_reading(FLOOR, None, ts_ms=NOW, now_ms=NOW, words={})
    assert isinstance(gone, Reading)
    assert gone.quality is Quality.UNKNOWN
    assert math.isnan(gone.value)


@pytest.mark.parametrize("raw", ["", "upwards", "１２", "1_000", [], {}, "9" * 40])
def test_what_is_no_value_is_refused_naming_the_point(raw: Any) -> None:
    refusal = to_reading(FLOOR, raw, ts_ms=NOW, now_ms=NOW, words={})
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.BAD_VALUE
    assert refusal.detail.startswith("floor: ")


@pytest.mark.parametrize("raw", [math.nan, math.inf, -math.inf, "nan", "inf", "1e999", 10**400])
def test_what_is_not_finite_is_refused(raw: Any) -> None:
    refusal = to_reading(FLOOR, raw, ts_ms=NOW, now_ms=NOW, words={})
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.NOT_A_NUMBER
    assert len(refusal.detail) < 100


def test_a_reading_without_a_time_gets_the_hubs() -> None:
    reading = to_reading(FLOOR, 1, ts_ms=None, now_ms=NOW, words={})
    assert isinstance(reading, Reading)
    assert reading.ts_ms == NOW


@pytest.mark.parametrize("off", [LIFE_SAFETY_CLOCK_MS + 1, -LIFE_SAFETY_CLOCK_MS - 1, 10**12, -(10**12)])
def test_a_life_safety_reading_with_a_wild_clock_gets_the_hubs_time(off: int) -> None:
    reading = to_reading(TRAPPED, 1, ts_ms=NOW + off, now_ms=NOW, words={})
    assert reading == Reading(TRAPPED.point_no, NOW, 1.0)
    ordinary = to_reading(FLOOR, 1, ts_ms=NOW + off, now_ms=NOW, words={})
    assert ordinary == Reading(FLOOR.point_no, NOW + off, 1.0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(json_values)
def test_no_json_value_does_anything_else(raw: Any) -> None:
    result = to_reading(FLOOR, raw, ts_ms=NOW, now_ms=NOW, words={"up": 1})
    assert isinstance(result, Refusal) or (math.isfinite(result.value) == (result.quality is Quality.OK))
