"""Moves closed days from the recent table into sorted Parquet segments, each reading once.

The heavy part (`write_segment`) reads a snapshot and may run beside appends; `switch` is one short transaction. What
arrives for a day in between stays in the recent table, where the next compaction finds it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from kit.crash_points import CrashPoint, crash_here
from kit.ids import new_id
from telemetry.buckets import DAY_MS
from telemetry.duckdb_file import DuckDbFile, quoted, sync_to_disk

# A chart asks for one point of one day: small row groups keep what it must unpack small.
_ROW_GROUP_ROWS = 65_536


@dataclass(frozen=True)
class WrittenSegment:
    day: int
    file: str
    rows: int
    cut: int


def closed_days(file: DuckDbFile, cursor: Any, *, now_ms: int, cut: int) -> list[int]:
    """UTC days before today's that have readings in the recent table, oldest first."""
    found = cursor.execute(
        "SELECT DISTINCT ts_ms // ? AS day FROM recent WHERE ts_ms < ? AND arrival <= ? ORDER BY day",
        [DAY_MS, now_ms - now_ms % DAY_MS, cut],
    ).fetchall()
    return [day for (day,) in found]


def write_segment(file: DuckDbFile, cursor: Any, *, day: int, cut: int, slice_rows: int) -> WrittenSegment:
    """Writes the day's segment anew, from its present segment and what the recent table has up to append `cut`."""
    source = _source(file, cursor, day=day, cut=cut)
    name = f"{day}-{new_id().hex}.parquet"
    path = file.segments_folder / name
    rows, writer = 0, None
    for low, high in _slices(cursor, source, slice_rows):
        table = cursor.sql(f"""
            SELECT point_no, ts_ms, arg_max(value, seq) AS value, arg_max(quality, seq) AS quality, max(seq) AS seq
            FROM ({source}) WHERE point_no BETWEEN {low} AND {high}
            GROUP BY point_no, ts_ms ORDER BY point_no, ts_ms""").to_arrow_table()  # noqa: S608
        if writer is None:
            writer = pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=_ROW_GROUP_ROWS)
        rows += table.num_rows
    assert writer is not None
    writer.close()
    sync_to_disk(path)
    crash_here(CrashPoint.STORE_SEGMENT_WRITTEN)
    return WrittenSegment(day, name, rows, cut)


def switch(file: DuckDbFile, segment: WrittenSegment) -> None:
    """Lists the segment and drops from the recent table what is in it, at once."""
    path = quoted(file.segment_path(segment.file))
    first_ms = segment.day * DAY_MS
    with file.writing() as connection:
        connection.execute("INSERT OR REPLACE INTO segment VALUES (?, ?, ?)", [segment.day, segment.file, segment.rows])
        connection.execute(f"""
            INSERT INTO newest
            SELECT point_no, max(ts_ms), arg_max(value, ts_ms), arg_max(quality, ts_ms), arg_max(seq, ts_ms)
            FROM read_parquet('{path}') GROUP BY point_no
            ON CONFLICT (point_no) DO UPDATE
            SET ts_ms = excluded.ts_ms, value = excluded.value, quality = excluded.quality, seq = excluded.seq
            WHERE (excluded.ts_ms, excluded.seq) > (newest.ts_ms, newest.seq)""")  # noqa: S608
        connection.execute(
            "DELETE FROM recent WHERE ts_ms >= ? AND ts_ms < ? AND arrival <= ?",
            [first_ms, first_ms + DAY_MS, segment.cut],
        )


def drop_days_before(file: DuckDbFile, ts_ms: int) -> int:
    """Forgets whole days before `ts_ms`; the first instant that is kept."""
    first_kept_ms = ts_ms - ts_ms % DAY_MS
    with file.writing() as connection:
        connection.execute("DELETE FROM recent WHERE ts_ms < ?", [first_kept_ms])
        connection.execute("DELETE FROM newest WHERE ts_ms < ?", [first_kept_ms])
        connection.execute("DELETE FROM segment WHERE day < ?", [first_kept_ms // DAY_MS])
    return first_kept_ms


def _source(file: DuckDbFile, cursor: Any, *, day: int, cut: int) -> str:
    columns = "point_no, ts_ms, value, quality, seq"
    sql = f"""SELECT {columns} FROM recent
        WHERE ts_ms >= {day * DAY_MS} AND ts_ms < {(day + 1) * DAY_MS} AND arrival <= {cut}"""  # noqa: S608
    present = cursor.execute("SELECT file FROM segment WHERE day = ?", [day]).fetchone()
    if present is None:
        return sql
    path = quoted(file.segment_path(present[0]))
    return f"{sql} UNION ALL SELECT {columns} FROM read_parquet('{path}')"  # noqa: S608


def _slices(cursor: Any, source: str, slice_rows: int) -> Iterator[tuple[int, int]]:
    """Ranges of points of about `slice_rows` rows, so that memory does not grow with the day."""
    counted = cursor.execute(
        f"SELECT point_no, count(*) FROM ({source}) GROUP BY point_no ORDER BY point_no"  # noqa: S608
    ).fetchall()
    low, rows = counted[0][0], 0
    for (point, count), following in zip(counted, [*counted[1:], None], strict=True):
        rows += count
        if following is None or rows + following[1] > slice_rows:
            yield low, point
            low, rows = (following[0] if following else point), 0
