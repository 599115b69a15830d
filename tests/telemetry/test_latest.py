from hypothesis import given
from hypothesis import strategies as st

from building.reading import Reading, ReadingBatch
from telemetry.columns import SequencedReadings
from telemetry.latest import LatestValues

messages = st.lists(
    st.lists(
        st.builds(
            Reading, st.sampled_from([1, 2, 5, 900_000, 2**31 - 1]), st.integers(0, 4), st.integers(0, 9).map(float)
        ),
        min_size=1,
        max_size=5,
    ),
    max_size=8,
)


@given(messages)
def test_the_newest_by_time_then_by_sequence_is_kept_for_every_point(messages: list[list[Reading]]) -> None:
    values = LatestValues()
    expected: dict[int, tuple[int, int, float]] = {}
    for sequence, message in enumerate(messages, start=1):
        values.note(SequencedReadings.of([(sequence, ReadingBatch.of(message))]))
        for reading in message:
            known = expected.get(reading.point_no, (-1, -1, 0.0))
            if (reading.ts_ms, sequence) >= known[:2]:
                expected[reading.point_no] = (reading.ts_ms, sequence, reading.value)
    points = [2**31 - 1, 5, 1, 77, 900_000, 2]
    found = {reading.point_no: (reading.ts_ms, reading.value) for reading in values.of(points)}
    assert found == {point: (ts_ms, value) for point, (ts_ms, _, value) in expected.items()}
    assert len(values) == len(expected)


def test_what_is_older_than_retention_is_forgotten() -> None:
    values = LatestValues()
    values.note(SequencedReadings.of([(1, ReadingBatch.of([Reading(1, 10, 1.0), Reading(2, 20, 2.0)]))]))
    values.forget_before(20)
    assert [reading.point_no for reading in values.of([1, 2])] == [2]
