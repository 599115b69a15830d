"""Turns fresh tables into segments, many segments of a day into one, and closed days into stored hours.

The heavy parts write files from a snapshot and may run beside appends; each `list_…` is one short transaction that
makes a file count and what it replaces count no more. Killed in between, a file that nobody lists is left behind.
"""

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.ids import new_id
from telemetry.buckets import DAY_MS
from telemetry.columns import SequencedReadings
from telemetry.duckdb_file import COLUMNS, DuckDbFile, DuckDbLimits, fresh_numbers, fresh_table, quoted, sequenced
from telemetry.segment import HOURS, READINGS, arrow_table, columns_of, hours_file, hours_of, readings_file

# So many segments a day that is not over may have before the smallest become one: a chart reads them all.
_OPEN_SEGMENTS = 16
_MERGED_AT_ONCE = 8
# Hours of so many days share a file, and so many files wait to be joined: a chart of a year reads some twenty files.
_SPAN_DAYS = 32
_SPAN_FILES = 8


class Stopped(Exception):
    """The store closes; what was being written is left behind unlisted."""


@dataclass(frozen=True)
class NewSegment:
    """A written segment of a day, from all the readings that `replaces` and its source had. `hours_file`: its hours."""

    day: int
    file: str
    rows: int
    hours_file: str | None
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Flushed:
    """What became of a fresh table."""

    number: int
    segments: tuple[NewSegment, ...]
    newest: SequencedReadings


@dataclass(frozen=True)
class JoinedHours:
    """A file that holds the hours of several days."""

    days: tuple[int, ...]
    file: str


class Compaction:
    """Writes files; lists nothing. `stop` set: raises Stopped at the next slice."""

    def __init__(self, file: DuckDbFile, *, limits: DuckDbLimits, stop: threading.Event) -> None:
        self._file = file
        self._limits = limits
        self._stop = stop

    # --- fresh tables -------------------------------------------------------------------------------------------------

    def settled_tables(self, cursor: Any) -> list[int]:
        """Fresh tables that take no more appends, oldest first."""
        return fresh_numbers(cursor)[:-1]

    def flush(self, cursor: Any, number: int, *, today: int) -> Flushed:
        """The table's readings as segments, one a day; with hours where that is all a closed day has."""
        table = fresh_table(number)
        days = cursor.execute(f"SELECT DISTINCT ts_ms // {DAY_MS} FROM {table} ORDER BY 1").fetchall()  # noqa: S608
        begun = {day for (day,) in cursor.execute("SELECT DISTINCT day FROM listed_segment").fetchall()}
        segments: list[NewSegment] = []
        newest: list[SequencedReadings] = []
        for (day,) in days:
            source = f"SELECT {COLUMNS} FROM {table} WHERE ts_ms >= {day * DAY_MS} AND ts_ms < {(day + 1) * DAY_MS}"  # noqa: S608
            is_all = day < today and day not in begun
            rows = self._limits.flush_slice_rows
            segments.append(self._write(cursor, source, day=day, slice_rows=rows, with_hours=is_all, newest=newest))
        return Flushed(number, tuple(segments), _newest_of(newest))

    # --- days ---------------------------------------------------------------------------------------------------------

    def unfinished_days(self, cursor: Any, *, today: int) -> list[int]:
        """Closed days that are not yet one segment with its hours stored."""
        found = cursor.execute(
            """SELECT day FROM listed_segment WHERE day < ? GROUP BY day
               HAVING count(*) > 1 OR any_value(file) NOT IN (SELECT segment_file FROM rolled) ORDER BY day""",
            [today],
        ).fetchall()
        return [day for (day,) in found]

    def merge_day(self, cursor: Any, day: int) -> NewSegment:
        """All segments of a closed day as one."""
        files = [file for file, _ in self._segments(cursor, day)]
        return self._merge(cursor, files, day=day, with_hours=True)

    def merge_small(self, cursor: Any, day: int) -> NewSegment | None:
        """The smallest segments of a day that is not over as one, when it has many."""
        segments = self._segments(cursor, day)
        if len(segments) < _OPEN_SEGMENTS:
            return None
        return self._merge(cursor, [file for file, _ in segments[:_MERGED_AT_ONCE]], day=day, with_hours=False)

    def _segments(self, cursor: Any, day: int) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = cursor.execute(
            "SELECT file, rows FROM listed_segment WHERE day = ? ORDER BY rows", [day]
        ).fetchall()
        return found

    def _merge(self, cursor: Any, files: Sequence[str], *, day: int, with_hours: bool) -> NewSegment:
        source = f"SELECT {COLUMNS} FROM {parquet([self._file.segment_path(file) for file in files])}"  # noqa: S608
        merged = self._write(cursor, source, day=day, slice_rows=self._limits.slice_rows, with_hours=with_hours)
        return NewSegment(merged.day, merged.file, merged.rows, merged.hours_file, tuple(files))

    # --- hours --------------------------------------------------------------------------------------------------------

    def scattered_spans(self, cursor: Any) -> list[int]:
        """Spans of days whose hours lie in many files."""
        found = cursor.execute(
            f"SELECT day // {_SPAN_DAYS} FROM rolled GROUP BY 1 HAVING count(DISTINCT file) >= {_SPAN_FILES} ORDER BY 1"  # noqa: S608
        ).fetchall()
        return [span for (span,) in found]

    def join_hours(self, cursor: Any, span: int) -> JoinedHours:
        """The hours of a span of days as one file."""
        rows = cursor.execute(f"SELECT file, list(day) FROM rolled WHERE day // {_SPAN_DAYS} = ? GROUP BY file", [span])  # noqa: S608
        kept: list[tuple[str, list[int]]] = rows.fetchall()
        source = " UNION ALL ".join(
            f"SELECT * FROM {parquet([self._file.hours_path(file)])} WHERE start_ms // {DAY_MS} IN ({numbers(days)})"  # noqa: S608
            for file, days in kept
        )
        path = self._file.hours_folder / f"{new_id().hex}.parquet"
        with hours_file(path) as target:
            for low, high in self._slices(cursor, source, rows=self._limits.slice_rows):
                found = cursor.execute(
                    f"SELECT * FROM ({source}) WHERE point_no BETWEEN {low} AND {high} ORDER BY point_no, start_ms"  # noqa: S608
                ).fetchnumpy()
                target.write([found[field.name] for field in HOURS])
            written = target.finish()
        return JoinedHours(tuple(day for _, days in kept for day in days), written.file)

    # --- private ------------------------------------------------------------------------------------------------------

    def _write(
        self, cursor: Any, source: str, *, day: int, slice_rows: int, with_hours: bool,
        newest: list[SequencedReadings] | None = None,
    ) -> NewSegment:  # fmt: skip
        with ExitStack() as stack:
            target = stack.enter_context(readings_file(self._file.segments_folder / f"{day}-{new_id().hex}.parquet"))
            hours = stack.enter_context(hours_file(self._hours_path())) if with_hours else None
            for low, high in self._slices(cursor, source, rows=slice_rows):
                found = cursor.execute(f"SELECT * FROM ({source}) WHERE point_no BETWEEN {low} AND {high}").fetchnumpy()  # noqa: S608
                readings = SequencedReadings.each_once(sequenced(found))
                target.write(columns_of(readings))
                if hours is not None:
                    hours.write(hours_of(readings))
                if newest is not None:
                    newest.append(readings.newest_of_each_point())
            written = target.finish()
            return NewSegment(day, written.file, written.rows, hours.finish().file if hours is not None else None)

    def _hours_path(self) -> Path:
        return self._file.hours_folder / f"{new_id().hex}.parquet"

    def _slices(self, cursor: Any, source: str, *, rows: int) -> Iterator[tuple[int, int]]:
        """Ranges of points of about so many rows, so that memory does not grow with the day."""
        counted = cursor.execute(
            f"SELECT point_no, count(*) FROM ({source}) GROUP BY point_no ORDER BY point_no"  # noqa: S608
        ).fetchall()
        low, gathered = counted[0][0], 0
        for (point, count), following in zip(counted, [*counted[1:], None], strict=True):
            gathered += count
            if following is not None and gathered + following[1] <= rows:
                continue
            if self._stop.is_set():
                raise Stopped
            yield low, point
            low, gathered = (following[0] if following else point), 0


# --- short transactions ---------------------------------------------------------------------------------------------


def list_flushed(file: DuckDbFile, flushed: Flushed) -> None:
    """Lists a fresh table's segments and drops the table, at once."""
    with file.writing() as connection:
        for segment in flushed.segments:
            _list(connection, segment)
        _note_newest(connection, flushed.newest)
        connection.execute("DELETE FROM fresh WHERE number = ?", [flushed.number])
        connection.execute(f"DROP TABLE {fresh_table(flushed.number)}")


def list_merged(file: DuckDbFile, segment: NewSegment) -> None:
    """Lists a segment in place of those it was made of."""
    with file.writing() as connection:
        for replaced in segment.replaces:
            connection.execute("DELETE FROM listed_segment WHERE file = ?", [replaced])
        _list(connection, segment)


def list_joined(file: DuckDbFile, joined: JoinedHours) -> None:
    """Points the days of a joined file to it."""
    with file.writing() as connection:
        connection.execute(f"UPDATE rolled SET file = ? WHERE day IN ({numbers(joined.days)})", [joined.file])  # noqa: S608


def drop_days_before(file: DuckDbFile, ts_ms: int) -> int:
    """Forgets whole days before `ts_ms`; the first instant that is kept."""
    first_kept_ms = ts_ms - ts_ms % DAY_MS
    with file.writing() as connection:
        for number in fresh_numbers(connection):
            connection.execute(f"DELETE FROM {fresh_table(number)} WHERE ts_ms < ?", [first_kept_ms])  # noqa: S608
        connection.execute("DELETE FROM newest WHERE ts_ms < ?", [first_kept_ms])
        for table in ("listed_segment", "rolled"):
            connection.execute(f"DELETE FROM {table} WHERE day < ?", [first_kept_ms // DAY_MS])  # noqa: S608
    return first_kept_ms


def _list(connection: Any, segment: NewSegment) -> None:
    row = [segment.file, segment.day, segment.rows]
    connection.execute("INSERT INTO listed_segment VALUES (?, ?, ?)", row)
    if segment.hours_file is not None:
        connection.execute("DELETE FROM rolled WHERE day = ?", [segment.day])
        connection.execute("INSERT INTO rolled VALUES (?, ?, ?)", [segment.day, segment.file, segment.hours_file])


def _note_newest(connection: Any, newest: SequencedReadings) -> None:
    connection.register("newer", arrow_table(columns_of(newest), READINGS))
    try:
        connection.execute(f"""
            INSERT INTO newest SELECT {COLUMNS} FROM newer
            ON CONFLICT (point_no) DO UPDATE
            SET ts_ms = excluded.ts_ms, value = excluded.value, quality = excluded.quality, seq = excluded.seq
            WHERE (excluded.ts_ms, excluded.seq) > (newest.ts_ms, newest.seq)""")  # noqa: S608
    finally:
        connection.unregister("newer")


def _newest_of(parts: Sequence[SequencedReadings]) -> SequencedReadings:
    return SequencedReadings.each_once(SequencedReadings.concat(parts)).newest_of_each_point()


def parquet(paths: Sequence[str]) -> str:
    """A table function over these files."""
    listed = ", ".join(f"'{quoted(path)}'" for path in paths)
    return f"read_parquet([{listed}])"


def numbers(values: Collection[int]) -> str:
    return ", ".join(str(int(value)) for value in values)
