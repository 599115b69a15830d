"""Frames are the same however their readings came."""

import numpy as np
import pytest

from building.equipment import EquipmentKind
from building.point import PointKind, Reporting, ReportingMode
from building.quality import Quality
from building.reading import Reading, ReadingBatch
from kit.ids import new_id
from predictive.streaming.frames import Layout, nothing_held, rows, window_of
from predictive.streaming.normal_time import AFTER_MS, BEFORE_MS, Busy, normal_days, normal_rows
from predictive.streaming.shape import Shape, shape_of
from tests.predictive.streaming.makers import MINUTE_MS, START_MS, entry, point, readings_of


def test_a_row_is_the_mean_of_a_sensor_and_the_last_of_a_status() -> None:
    shape = shape_of(entry(point(1, "speed"), point(2, "is_on", kind=PointKind.STATUS)))
    assert shape is not None
    batch = ReadingBatch.of(
        [
            Reading(1, START_MS, 10.0),
            Reading(1, START_MS + 30_000, 20.0),
            Reading(2, START_MS, 1.0),
            Reading(2, START_MS + 59_999, 0.0),
            Reading(1, START_MS + MINUTE_MS, 99.0),  # of the next row
        ]
    )
    window = window_of(shape, batch, start_ms=START_MS, end_ms=START_MS + MINUTE_MS)
    assert shape.point_keys == ("is_on", "speed")
    assert window.ts_ms.tolist() == [[START_MS + MINUTE_MS]]
    assert window.values.tolist() == [[[0.0, 15.0]]]


def test_a_gap_of_a_periodic_point_is_a_gap_and_an_on_change_point_holds() -> None:
    slow = Reporting(ReportingMode.ON_CHANGE, 300)
    shape = shape_of(entry(point(1, "a"), point(2, "b", reporting=slow)))
    assert shape is not None
    batch = ReadingBatch.of([Reading(1, START_MS, 5.0), Reading(2, START_MS, 7.0)])
    values = window_of(shape, batch, start_ms=START_MS, end_ms=START_MS + 8 * MINUTE_MS).values[0]
    assert values[:, 0].tolist()[:1] == [5.0]
    assert np.isnan(values[1:, 0]).all()
    assert values[:5, 1].tolist() == [7.0] * 5
    assert np.isnan(values[5:, 1]).all()


def test_a_value_holds_from_before_the_window() -> None:
    shape = shape_of(entry(point(1, "a", reporting=Reporting(ReportingMode.ON_CHANGE, 600))))
    assert shape is not None
    batch = ReadingBatch.of([Reading(1, START_MS - 5 * MINUTE_MS, 3.0)])
    assert window_of(shape, batch, start_ms=START_MS, end_ms=START_MS + MINUTE_MS).values.tolist() == [[[3.0]]]


def test_of_one_instant_the_later_counts_and_what_is_no_value_ends_what_held() -> None:
    shape = shape_of(entry(point(1, "a", reporting=Reporting(ReportingMode.ON_CHANGE, 600))))
    assert shape is not None
    batch = ReadingBatch.of(
        [
            Reading(1, START_MS, 1.0),
            Reading(1, START_MS, 2.0),
            Reading(1, START_MS + MINUTE_MS, float("inf")),
            Reading(1, START_MS + 3 * MINUTE_MS, 4.0),
            Reading(1, START_MS + 4 * MINUTE_MS, float("nan"), Quality.FAULT),
        ]
    )
    values = window_of(shape, batch, start_ms=START_MS, end_ms=START_MS + 5 * MINUTE_MS).values[0, :, 0]
    assert np.array_equal(values, [2.0, np.nan, np.nan, 4.0, np.nan], equal_nan=True)


@pytest.mark.parametrize("cut", [1, 7, 13, 29])
def test_neither_the_order_of_readings_nor_a_cut_into_blocks_changes_a_frame(cut: int) -> None:
    shapes = [_shape(first) for first in (1, 11, 21)]
    batch = readings_of([no for shape in shapes for no in shape.point_nos], minutes=30, seed=cut)
    layout = Layout.of(shapes)
    whole = rows(layout, nothing_held(3, 2), batch, start_ms=START_MS, count=30).values
    shuffled = np.random.default_rng(cut).permutation(len(batch))
    mixed = ReadingBatch(
        batch.point_no[shuffled], batch.ts_ms[shuffled], batch.value[shuffled], batch.quality[shuffled]
    )  # fmt: skip
    held = nothing_held(3, 2)
    first = rows(layout, held, mixed, start_ms=START_MS, count=cut).values
    second = rows(layout, held, mixed, start_ms=START_MS + cut * MINUTE_MS, count=30 - cut).values
    assert np.array_equal(whole, np.concatenate([first, second], axis=1), equal_nan=True)
    alone = window_of(shapes[1], batch, start_ms=START_MS, end_ms=START_MS + 30 * MINUTE_MS).values[0]
    assert np.array_equal(whole[1], alone, equal_nan=True)


def test_equipment_without_anything_that_measures_or_out_of_service_has_no_shape() -> None:
    assert shape_of(entry(point(1, "is_on", kind=PointKind.STATUS))) is None
    assert shape_of(entry(point(1, "energy_kwh", unit="kWh"))) is None
    assert shape_of(entry(point(1, "speed"), in_service=False)) is None


def test_another_unit_is_another_subject_and_another_name_is_not() -> None:
    metres, feet = shape_of(entry(point(1, "level", unit="m"))), shape_of(entry(point(1, "level", unit="ft")))
    other = shape_of(entry(point(5, "level", unit="m")))
    assert metres is not None
    assert feet is not None
    assert other is not None
    assert metres.subject == other.subject != feet.subject


@pytest.mark.parametrize(("interval_s", "step_s"), [(2, 60), (60, 60), (250, 300), (3600, 3600), (86_400, 3600)])
def test_the_step_follows_how_the_sensors_report(interval_s: float, step_s: int) -> None:
    shape = shape_of(entry(point(1, "a", reporting=Reporting(ReportingMode.PERIODIC, interval_s))))
    assert shape is not None
    assert shape.step_s == step_s
    assert 86_400_000 % shape.step_ms == 0


def test_time_of_alarms_and_orders_is_not_normal_nor_what_lies_around_it() -> None:
    shape = _shape(1)
    batch = readings_of(shape.point_nos, minutes=24 * 60, seed=1)
    window = window_of(shape, batch, start_ms=START_MS, end_ms=START_MS + 24 * 60 * MINUTE_MS)
    busy = Busy(START_MS + 6 * 3_600_000, START_MS + 8 * 3_600_000)
    left = normal_rows(window, [busy])
    is_gone = np.isnan(left.values[0]).all(axis=1)
    expected = (window.ts_ms[0] >= busy.start_ms - BEFORE_MS) & (window.ts_ms[0] < START_MS + 8 * 3_600_000 + AFTER_MS)
    assert np.array_equal(is_gone, expected)
    assert normal_days(left) == pytest.approx(normal_days(window) - 5 / 24)
    assert np.isnan(normal_rows(window, [Busy(START_MS, None)]).values).all()


def _shape(first: int) -> Shape:
    shape = shape_of(entry(point(first, "a"), point(first + 1, "b"), kind=EquipmentKind.PUMP, equipment_id=new_id()))
    assert shape is not None
    return shape
