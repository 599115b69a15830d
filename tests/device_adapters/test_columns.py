"""Growing columns."""

import math

from building.quality import Quality
from building.reading import Reading, ReadingBatch
from device_adapters.columns import Columns


def test_readings_come_out_as_they_went_in() -> None:
    readings = [Reading(1, 10, 1.5), Reading(2, 10, math.nan, Quality.DOWN), Reading(1, 11, -2.0, Quality.STALE)]
    columns = Columns()
    columns.add(readings[:1])
    columns.add(readings[1:])
    [batch] = columns.batches(most=10)
    assert batch.point_no.tolist() == [1, 2, 1]
    assert batch.ts_ms.tolist() == [10, 10, 11]
    assert batch.quality.tolist() == [Quality.OK, Quality.DOWN, Quality.STALE]
    assert [str(value) for value in batch.value.tolist()] == ["1.5", "nan", "-2.0"]


def test_a_batch_joins_readings_that_came_one_by_one() -> None:
    columns = Columns()
    columns.add([Reading(1, 10, 1.5)])
    columns.add_batch(ReadingBatch.of([Reading(2, 11, 2.5), Reading(3, 12, math.nan, Quality.FAULT)]))
    columns.add([Reading(4, 13, 4.5)])
    [batch] = columns.batches(most=10)
    assert batch.point_no.tolist() == [1, 2, 3, 4]
    assert batch.ts_ms.tolist() == [10, 11, 12, 13]
    assert batch.quality.tolist() == [Quality.OK, Quality.OK, Quality.FAULT, Quality.OK]


def test_too_many_for_one_are_cut() -> None:
    columns = Columns()
    columns.add([Reading(number, number, float(number)) for number in range(25)])
    batches = columns.batches(most=10)
    assert [batch.value.tolist() for batch in batches] == [
        [float(number) for number in range(start, min(start + 10, 25))] for start in (0, 10, 20)
    ]
