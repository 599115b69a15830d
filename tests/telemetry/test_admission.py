import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from building.quality import Quality
from building.reading import Reading, ReadingBatch
from catalog.directory import Directory
from kit.clock import to_ms
from telemetry.admission import Admission, RefusalReason, admit, admit_all
from tests.telemetry.site import DIRECTORY, RUNNING, SMOKE, TEMP

NOW_MS = to_ms(datetime(2026, 11, 22, 6, tzinfo=UTC))
DAY_MS = 86_400_000


def admitted(*readings: Reading) -> Admission:
    return admit(ReadingBatch.of(readings), DIRECTORY, NOW_MS)


def reasons(admission: Admission) -> dict[RefusalReason, int]:
    return {refused.reason: len(refused.readings) for refused in admission.refused}


def test_good_readings_go_on_as_they_came() -> None:
    admission = admitted(
        Reading(TEMP, NOW_MS, 60.0), Reading(RUNNING, NOW_MS - 5, 0.0), Reading(TEMP, NOW_MS - 9, 61.0)
    )
    assert [(r.point_no, r.ts_ms, r.value) for r in admission.batch] == [
        (TEMP, NOW_MS, 60.0), (RUNNING, NOW_MS - 5, 0.0), (TEMP, NOW_MS - 9, 61.0),
    ]  # fmt: skip
    assert admission.refused == ()


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        (Reading(999, NOW_MS, 1.0), RefusalReason.UNKNOWN_POINT),
        (Reading(2**31 - 1, NOW_MS, 1.0), RefusalReason.UNKNOWN_POINT),
        (Reading(0, NOW_MS, 1.0), RefusalReason.UNKNOWN_POINT),
        (Reading(TEMP, NOW_MS, math.nan), RefusalReason.NOT_A_NUMBER),
        (Reading(TEMP, NOW_MS, math.inf), RefusalReason.NOT_A_NUMBER),
        (Reading(TEMP, NOW_MS, 180.1), RefusalReason.IMPLAUSIBLE),
        (Reading(TEMP, NOW_MS, -41.0, Quality.STALE), RefusalReason.IMPLAUSIBLE),
        (Reading(TEMP, NOW_MS + DAY_MS + 1, 60.0), RefusalReason.TIME_AHEAD),
        (Reading(TEMP, 2**62, 60.0), RefusalReason.TIME_AHEAD),
        (Reading(TEMP, 1000, 60.0), RefusalReason.TIME_LOST),
        (Reading(TEMP, -(2**62), 60.0), RefusalReason.TIME_LOST),
        (Reading(SMOKE, NOW_MS, math.nan), RefusalReason.NOT_A_NUMBER),
    ],
)
def test_a_bad_reading_is_refused_with_its_reason_and_harms_no_other(reading: Reading, reason: RefusalReason) -> None:
    good = Reading(RUNNING, NOW_MS, 1.0)
    admission = admitted(good, reading, good)
    assert reasons(admission) == {reason: 1}
    assert list(admission.batch) == [good, good]
    (refused,) = admission.refused
    assert (refused.readings.point_no[0], refused.readings.ts_ms[0]) == (reading.point_no, reading.ts_ms)


def test_the_ends_of_the_range_and_of_the_day_ahead_are_still_good() -> None:
    edges = [Reading(TEMP, NOW_MS, -40.0), Reading(TEMP, NOW_MS + DAY_MS, 180.0)]
    assert list(admitted(*edges).batch) == edges


@pytest.mark.parametrize("ts_ms", [NOW_MS + DAY_MS + 1, 2**62, 1000, -5])
def test_a_life_safety_reading_with_an_impossible_time_is_stamped_and_goes_on(ts_ms: int) -> None:
    (reading,) = admitted(Reading(SMOKE, ts_ms, 1.0)).batch
    assert (reading.ts_ms, reading.value) == (NOW_MS, 1.0)


def test_a_life_safety_reading_keeps_a_time_that_is_possible_however_late() -> None:
    (reading,) = admitted(Reading(SMOKE, NOW_MS - 9 * DAY_MS, 1.0)).batch
    assert reading.ts_ms == NOW_MS - 9 * DAY_MS


def test_a_life_safety_reading_is_never_refused_for_its_range() -> None:
    assert [r.value for r in admitted(Reading(SMOKE, NOW_MS, 7.0)).batch] == [7.0]


def test_stamped_readings_of_one_point_stay_two_and_in_order() -> None:
    admission = admitted(Reading(SMOKE, 2**61, 1.0), Reading(TEMP, NOW_MS, 20.0), Reading(SMOKE, 2**61 + 1, 0.0))
    stamped = [(r.ts_ms, r.value) for r in admission.batch if r.point_no == SMOKE]
    assert stamped == [(NOW_MS - 1, 1.0), (NOW_MS, 0.0)]


@pytest.mark.parametrize("quality", [Quality.FAULT, Quality.DOWN, Quality.UNKNOWN])
def test_a_reading_whose_quality_has_no_value_goes_on_without_one(quality: Quality) -> None:
    admission = admitted(Reading(TEMP, NOW_MS, 9999.0, quality), Reading(TEMP, NOW_MS, math.nan, quality))
    assert np.isnan(admission.batch.value).all()
    assert set(admission.batch.quality.tolist()) == {quality}
    assert admission.refused == ()


def test_a_reading_with_two_faults_is_refused_once() -> None:
    assert reasons(admitted(Reading(TEMP, 2**62, math.nan))) == {RefusalReason.NOT_A_NUMBER: 1}


def test_an_empty_directory_refuses_everything_and_an_empty_batch_nothing() -> None:
    nothing = Directory.of(1, [])
    assert len(admit(ReadingBatch.of([Reading(TEMP, NOW_MS, 1.0)]), nothing, NOW_MS).batch) == 0
    assert admit(ReadingBatch.empty(), DIRECTORY, NOW_MS).refused == ()


readings = st.builds(
    Reading,
    point_no=st.sampled_from([TEMP, RUNNING, SMOKE, 5, 999]),
    ts_ms=st.sampled_from([NOW_MS, NOW_MS - 1, 2**62, -(2**62), 0]),
    value=st.floats(width=32),
    quality=st.sampled_from(Quality),
)


@given(st.lists(readings, max_size=30))
def test_every_reading_goes_on_or_is_refused_exactly_once(batch: list[Reading]) -> None:
    admission = admitted(*batch)
    assert len(admission.batch) + sum(reasons(admission).values()) == len(batch)
    has_value = admission.batch.quality <= Quality.STALE
    assert np.isfinite(admission.batch.value[has_value]).all()
    assert (admission.batch.ts_ms <= NOW_MS + DAY_MS).all()


READINGS = st.builds(
    Reading,
    st.sampled_from([TEMP, RUNNING, SMOKE, 999]),
    st.sampled_from([NOW_MS, NOW_MS + DAY_MS + 1_500, 1_000]),
    st.sampled_from([0.0, 1.0, 60.0, 500.0, math.nan, math.inf]),
    st.sampled_from(Quality),
)


@given(st.lists(st.tuples(st.lists(READINGS, max_size=4), st.integers(0, 2_000)), min_size=1, max_size=4))
def test_batches_looked_at_together_go_on_as_each_would_by_itself(given: list[tuple[list[Reading], int]]) -> None:
    batches, arrivals = [ReadingBatch.of(readings) for readings, _ in given], [NOW_MS + later for _, later in given]
    alone = [admit(batch, DIRECTORY, arrived) for batch, arrived in zip(batches, arrivals, strict=True)]
    together = admit_all(batches, DIRECTORY, arrivals)
    if together is None:
        assert any(
            one.refused or (one.batch.ts_ms != batch.ts_ms).any() or bool(np.isin(SMOKE, batch.point_no))
            for one, batch in zip(alone, batches, strict=True)
        )
        return
    for one, batch in zip(alone, together, strict=True):
        assert one.refused == ()
        assert [repr(reading) for reading in one.batch] == [repr(reading) for reading in batch]
