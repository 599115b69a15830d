"""The DuckDB engine's answers: readings and series, from fresh tables, segments and stored hours."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from building.reading import ReadingBatch
from telemetry.buckets import DAY_MS, HOUR_MS
from telemetry.columns import SequencedReadings
from telemetry.duckdb_compaction import numbers, parquet
from telemetry.duckdb_file import COLUMNS, DuckDbFile, fresh_numbers, fresh_table, sequenced
from telemetry.pieces import Pieces, pieces_of, series_of
from telemetry.store import Series, SeriesQuery

# Readings of so many days are held at a time: 7 M of a point that speaks ten times a second.
_DAYS_AT_ONCE = 8
# Numbers in the text let DuckDB skip what a file says it has not; thousands of them cost 40 MB and ten times the
# query's work to be read and planned, where a list costs nothing.
_NUMBERS_IN_TEXT = 100

Segments = Mapping[int, Sequence[str]]


def series(file: DuckDbFile, cursor: Any, query: SeriesQuery) -> Series:
    """Whole hours of closed days come from what is stored where that is all there is, the rest from readings."""
    with file.reading(cursor):
        fresh = _fresh(cursor, query)
        segments = _segments(cursor, query)
        fresh_days = set(np.unique(fresh.ts_ms // DAY_MS).tolist())
        rolled = _rolled_days(cursor, query, segments, fresh_days)
        pieces = [_stored_hours(file, cursor, query, rolled)]
        days = sorted((segments.keys() - rolled.keys()) | fresh_days)
        pieces += [
            pieces_of(readings.ts_ms, readings.value, readings.quality, bucket_ms=query.bucket_ms)
            for readings in _readings(file, cursor, query, days=days, segments=segments, fresh=fresh)
        ]
    return series_of(query, Pieces.joined(pieces))


def raw(
    file: DuckDbFile, cursor: Any, point_nos: Sequence[int], start_ms: int, end_ms: int, limit: int
) -> ReadingBatch:
    """As `TelemetryQueries.raw`."""
    is_few = len(point_nos) <= _NUMBERS_IN_TEXT
    points = numbers(point_nos) if is_few else "SELECT unnest($points::INTEGER[])"
    wanted = f"point_no IN ({points}) AND ts_ms >= $start AND ts_ms < $end"
    asked: dict[str, Any] = {"start": start_ms, "end": end_ms, "limit": limit}
    if not is_few:
        asked["points"] = [int(number) for number in point_nos]
    with file.reading(cursor):
        found = cursor.execute(
            "SELECT file FROM listed_segment WHERE day >= ? AND day < ? ORDER BY day",
            [start_ms // DAY_MS, -(-end_ms // DAY_MS)],
        ).fetchall()
        sources = [fresh_table(number) for number in fresh_numbers(cursor)]
        if found:
            sources.append(parquet([file.segment_path(name) for (name,) in found]))
        readings = " UNION ALL ".join(f"SELECT {COLUMNS} FROM {source} WHERE {wanted}" for source in sources)  # noqa: S608
        # To resolve and sort here takes a fifth of the time, once it is known that what there is will not be too much.
        plain = cursor.execute(f"SELECT * FROM ({readings}) LIMIT $limit", asked | {"limit": limit + 1})  # noqa: S608
        every = sequenced(plain.fetchnumpy())
        if len(every) <= limit:
            return _by_time(SequencedReadings.each_once(every))
        answer = cursor.execute(
            f"""SELECT point_no, ts_ms, arg_max(value, seq) AS value, arg_max(quality, seq) AS quality
            FROM ({readings}) GROUP BY point_no, ts_ms ORDER BY ts_ms, point_no LIMIT $limit""",  # noqa: S608
            asked,
        ).fetchnumpy()
    return ReadingBatch(
        answer["point_no"].astype(np.int32), answer["ts_ms"].astype(np.int64),
        np.asarray(answer["value"], np.float64), answer["quality"].astype(np.uint8),
    )  # fmt: skip


def _by_time(readings: SequencedReadings) -> ReadingBatch:
    """Oldest first, then by point; they come by point and time."""
    order = np.argsort(readings.ts_ms, kind="stable")
    return ReadingBatch(readings.point_no[order], readings.ts_ms[order], readings.value[order], readings.quality[order])


def _fresh(cursor: Any, query: SeriesQuery) -> SequencedReadings:
    tables = [fresh_table(number) for number in fresh_numbers(cursor)]
    return _rows(cursor, query, tables, start_ms=query.start_ms, end_ms=query.end_ms)


def _segments(cursor: Any, query: SeriesQuery) -> Segments:
    """Files by day."""
    rows = cursor.execute(
        "SELECT day, list(file) FROM listed_segment WHERE day >= ? AND day < ? GROUP BY day",
        [query.start_ms // DAY_MS, -(-query.end_ms // DAY_MS)],
    )
    return dict(rows.fetchall())


def _rolled_days(cursor: Any, query: SeriesQuery, segments: Segments, fresh_days: set[int]) -> Mapping[int, str]:
    """Days whose stored hours say all there is to say, and the files that hold them."""
    if query.bucket_ms % HOUR_MS:
        return {}
    # A query that begins or ends within an hour must look at that day's readings.
    first = -(-query.start_ms // DAY_MS) if query.start_ms % HOUR_MS else query.start_ms // DAY_MS
    last = query.end_ms // DAY_MS if query.end_ms % HOUR_MS else -(-query.end_ms // DAY_MS)
    rows = cursor.execute("SELECT day, segment_file, file FROM rolled WHERE day >= ? AND day < ?", [first, last])
    return {
        day: file
        for day, segment_file, file in rows.fetchall()
        if segments.get(day) == [segment_file] and day not in fresh_days
    }


def _stored_hours(file: DuckDbFile, cursor: Any, query: SeriesQuery, rolled: Mapping[int, str]) -> Pieces:
    if not rolled:
        return Pieces.none()
    found = cursor.execute(
        f"""SELECT start_ms, count, bad, total, low, high
        FROM {parquet([file.hours_path(name) for name in sorted(set(rolled.values()))])}
        WHERE point_no = ? AND start_ms >= ? AND start_ms < ?""",  # noqa: S608
        [query.point_no, query.start_ms, query.end_ms],
    ).fetchnumpy()
    start_ms = found["start_ms"]
    is_whole = np.isin(start_ms // DAY_MS, np.fromiter(rolled, np.int64, len(rolled)))
    return Pieces(*(np.asarray(column) for column in found.values())).where(is_whole)


def _readings(
    file: DuckDbFile,
    cursor: Any,
    query: SeriesQuery,
    *,
    days: Sequence[int],
    segments: Segments,
    fresh: SequencedReadings,
) -> Iterator[SequencedReadings]:
    """The point's readings of these days, some days at a time, oldest first, each reading once."""
    for at in range(0, len(days), _DAYS_AT_ONCE):
        some = days[at : at + _DAYS_AT_ONCE]
        files = [name for day in some for name in segments.get(day, ())]
        start_ms, end_ms = max(query.start_ms, some[0] * DAY_MS), min(query.end_ms, (some[-1] + 1) * DAY_MS)
        sources = [parquet([file.segment_path(name) for name in files])] if files else []
        kept = _rows(cursor, query, sources, start_ms=start_ms, end_ms=end_ms)
        mine = (fresh.ts_ms >= start_ms) & (fresh.ts_ms < end_ms)
        yield SequencedReadings.each_once(SequencedReadings.concat([kept, fresh.where(mine)]))


def _rows(cursor: Any, query: SeriesQuery, sources: Sequence[str], *, start_ms: int, end_ms: int) -> SequencedReadings:
    """The point's rows in these sources, in any order."""
    if not sources:
        return SequencedReadings.none()
    wanted = f"point_no = {int(query.point_no)} AND ts_ms >= {int(start_ms)} AND ts_ms < {int(end_ms)}"
    rows = " UNION ALL ".join(f"SELECT {COLUMNS} FROM {source} WHERE {wanted}" for source in sources)  # noqa: S608
    return sequenced(cursor.execute(rows).fetchnumpy())
