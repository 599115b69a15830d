"""Columns become a file without help from libraries that nobody asked for."""

import subprocess
import sys

PROGRAM = """
import sys
import numpy as np
from telemetry.columns import SequencedReadings
from telemetry.segment import HOURS, READINGS, arrow_table, columns_of, hours_of

three = np.array([1, 1, 2])
readings = SequencedReadings(
    three.astype(np.int32), three * 3_600_000, np.array([0.0, np.nan, 2.5]), three.astype(np.uint8), three
)
for columns, schema in ((columns_of(readings), READINGS), (hours_of(readings), HOURS)):
    table = arrow_table(columns, schema)
    assert table.schema == schema
    for name, column in zip(schema.names, columns, strict=True):
        assert np.array_equal(table[name].to_pylist(), column, equal_nan=True), name
assert not {"pandas", "scipy", "sklearn"} & set(sys.modules)
"""


def test_a_table_holds_the_columns_it_was_given_and_pandas_stays_away() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)
