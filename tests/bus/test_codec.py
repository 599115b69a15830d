"""Batches on the wire."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from building.quality import Quality
from building.reading import Reading, ReadingBatch
from bus.codec import BadBatch, decode, encode

readings = st.builds(
    Reading,
    point_no=st.integers(0, 2**31 - 1),
    ts_ms=st.integers(-(2**63), 2**63 - 1),
    value=st.floats(allow_nan=False),
    quality=st.sampled_from(Quality),
)


@given(st.lists(readings, max_size=50))
def test_what_goes_in_comes_out(rows: list[Reading]) -> None:
    assert list(decode(encode(ReadingBatch.of(rows)))) == rows


def test_a_missing_value_stays_missing() -> None:
    decoded = decode(encode(ReadingBatch.of([Reading(1, 2, float("nan"), Quality.FAULT)])))
    assert np.isnan(decoded.value[0])
    assert decoded.quality[0] == Quality.FAULT


def test_a_reading_takes_21_bytes() -> None:
    rows = [Reading(n, n, float(n)) for n in range(100)]
    assert len(encode(ReadingBatch.of(rows))) == 8 + 2100


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "too few"),
        (b"JSON....", "starts with"),
        (encode(ReadingBatch.of([Reading(1, 2, 3.0)]))[:-1], "need 29 bytes, there are 28"),
        (encode(ReadingBatch.of([Reading(1, 2, 3.0)]))[:-1] + b"\x09", "quality 9"),
    ],
)
def test_what_is_no_batch_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(BadBatch, match=reason):
        decode(data)
