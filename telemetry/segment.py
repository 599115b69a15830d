"""A segment: one file of readings sorted by point and time, each once; beside it the hours of its day, rolled up.

Encodings were chosen on the demo fleet: plain columns in one page a row group let zstd see that the points of one
device share their times and sequences: 1.9 bytes a reading, where dictionaries and small pages took 3.7.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kit.crash_points import CrashPoint, crash_here
from kit.disk import sync_to_disk
from telemetry.buckets import HOUR_MS
from telemetry.columns import SequencedReadings
from telemetry.pieces import begins, fold

# A chart asks for one point of one day: small row groups keep what it must unpack small.
ROW_GROUP_ROWS = 65_536
_HOUR_GROUP_ROWS = 32_768

READINGS = pa.schema(
    [
        pa.field("point_no", pa.int32(), nullable=False),
        pa.field("ts_ms", pa.int64(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("quality", pa.uint8(), nullable=False),
        pa.field("seq", pa.int64(), nullable=False),
    ]
)
HOURS = pa.schema(
    [
        pa.field("point_no", pa.int32(), nullable=False),
        pa.field("start_ms", pa.int64(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
        pa.field("bad", pa.int64(), nullable=False),
        pa.field("total", pa.float64(), nullable=False),
        pa.field("low", pa.float64(), nullable=False),
        pa.field("high", pa.float64(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Written:
    """A finished file."""

    file: str
    rows: int


class SortedFile:
    """Rows of a schema into one Parquet file, which survives a power cut once `finish` returns."""

    def __init__(self, path: Path, schema: pa.Schema, *, group_rows: int) -> None:
        self._path = path
        self._schema = schema
        self._group_rows = group_rows
        self._writer: Any = None
        self._rows = 0

    def __enter__(self) -> Self:
        self._writer = pq.ParquetWriter(
            self._path, self._schema, compression="zstd", compression_level=3, use_dictionary=["point_no", "quality"],
            data_page_size=64 << 20, max_rows_per_page=1 << 20,
        )  # fmt: skip
        return self

    def __exit__(self, *exc: object) -> None:
        self._writer.close()

    def write(self, columns: Sequence[Any]) -> None:
        """Rows that follow those before in the file's order."""
        self._writer.write_table(arrow_table(columns, self._schema), row_group_size=self._group_rows)
        self._rows += len(columns[0])

    def finish(self) -> Written:
        self._writer.close()
        sync_to_disk(self._path, self._path.parent)
        crash_here(CrashPoint.STORE_SEGMENT_WRITTEN)
        return Written(self._path.name, self._rows)


def readings_file(path: Path) -> SortedFile:
    return SortedFile(path, READINGS, group_rows=ROW_GROUP_ROWS)


def hours_file(path: Path) -> SortedFile:
    return SortedFile(path, HOURS, group_rows=_HOUR_GROUP_ROWS)


def columns_of(readings: SequencedReadings) -> list[Any]:
    return [readings.point_no, readings.ts_ms, readings.value, readings.quality, readings.seq]


def arrow_table(columns: Sequence[Any], schema: pa.Schema) -> pa.Table:
    """Columns of equal length, nothing missing, as a table of the schema, uncopied where they have its types.

    `pa.table` would ask of each column whether it is one of pandas, and load it to ask: 35 MB where it is installed.
    """
    arrays = []
    for column, field in zip(columns, schema, strict=True):
        values = np.ascontiguousarray(column, field.type.to_pandas_dtype())
        arrays.append(pa.Array.from_buffers(field.type, len(values), [None, pa.py_buffer(values)]))
    return pa.Table.from_arrays(arrays, schema=schema)


def hours_of(readings: SequencedReadings) -> list[Any]:
    """The columns of HOURS for readings that hold their points' hours whole, sorted by point and time."""
    start_ms = readings.ts_ms - readings.ts_ms % HOUR_MS
    starts = begins(readings.point_no, start_ms)
    if not len(starts):
        return [np.zeros(0, field.type.to_pandas_dtype()) for field in HOURS]
    return [readings.point_no[starts], start_ms[starts], *fold(starts, readings.value, readings.quality)]
