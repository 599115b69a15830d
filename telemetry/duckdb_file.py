"""The DuckDB engine's file: its tables, its Parquet segments and the SQL on both. Synchronous; threads are its owner's.

Layout of the folder: `recent.duckdb` (table `recent`: what is not compacted yet), `segments/<day>-<id>.parquet` (one a
UTC day, sorted by point and time, each reading once), `spill/`. Which segments count is said by the table `segment`
alone, so that a crash at any moment leaves either the old picture or the new one.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from building.quality import Quality
from building.reading import ReadingBatch
from kit.logs import logger
from telemetry.buckets import DAY_MS, snap
from telemetry.columns import SequencedReadings
from telemetry.errors import StoreInUse, UnstorableBatch
from telemetry.store import Series, SeriesQuery, StoreStats

log = logger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS recent (
    point_no INTEGER NOT NULL, ts_ms BIGINT NOT NULL, value DOUBLE NOT NULL, quality UTINYINT NOT NULL,
    seq BIGINT NOT NULL,     -- of the bus; the highest wins
    arrival BIGINT NOT NULL  -- counts appends, so that a compaction knows what came after it began
);
CREATE TABLE IF NOT EXISTS segment (
    day BIGINT PRIMARY KEY, file VARCHAR NOT NULL, rows BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS newest (
    point_no INTEGER PRIMARY KEY, ts_ms BIGINT NOT NULL, value DOUBLE NOT NULL, quality UTINYINT NOT NULL,
    seq BIGINT NOT NULL
);
"""
_COLUMNS = "point_no, ts_ms, value, quality, seq"
_VALUED = f"quality <= {Quality.STALE.value}"


@dataclass(frozen=True, kw_only=True)
class DuckDbLimits:
    """What the engine may take of the machine."""

    memory_mb: int = 512
    threads: int = 2
    readers: int = 2
    query_deadline_s: float = 20.0
    slice_rows: int = 1_000_000


class DuckDbFile:
    """One process has it open at a time."""

    def __init__(self, folder: Path, limits: DuckDbLimits) -> None:
        self.segments_folder = folder / "segments"
        self._folder = folder
        self._limits = limits
        self._connection: Any = None
        self._arrival = 0
        self._is_broken = False

    def open(self) -> None:
        """Raises StoreInUse when another process has the file."""
        self._connect()
        (self._arrival,) = self._connection.execute("SELECT coalesce(max(arrival), 0) FROM recent").fetchone()
        self.remove_unlisted_segments()

    def _connect(self) -> None:
        self.segments_folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / "recent.duckdb"
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{self._limits.memory_mb}MB",
            "threads": self._limits.threads,
            "temp_directory": str(self._folder / "spill"),
            "preserve_insertion_order": "false",
        }
        try:
            self._connection = duckdb.connect(str(path), config=config)
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise
            raise StoreInUse(f"{path} is open in another process; only one hub may own it") from error
        self._connection.execute(_SCHEMA)

    def close(self) -> None:
        self._connection.close()

    def cursor(self) -> Any:
        """A connection of its own for one query, with its own transaction and its own `interrupt()`."""
        return self._connection.cursor()

    @property
    def arrival(self) -> int:
        """The number of the last append."""
        return self._arrival

    def append(self, readings: SequencedReadings) -> None:
        """Commits, which reaches the disk. Raises UnstorableBatch for data the table refuses."""
        if self._is_broken:
            self._restart()
        arrived = self._arrival + 1
        table = pa.table(
            {
                "point_no": readings.point_no,
                "ts_ms": readings.ts_ms,
                "value": readings.value,
                "quality": readings.quality,
                "seq": readings.seq,
            }
        )
        self._connection.register("arriving", table)
        try:
            self._connection.execute(f"INSERT INTO recent SELECT {_COLUMNS}, ? FROM arriving", [arrived])  # noqa: S608
        except (duckdb.DataError, duckdb.IntegrityError) as error:
            raise UnstorableBatch(str(error)) from error
        except duckdb.FatalException:
            self._is_broken = True
            raise
        finally:
            self._connection.unregister("arriving")
        self._arrival = arrived

    def _restart(self) -> None:
        """After a fatal error (a disk that was full while DuckDB tidied up) its database answers nothing until it is
        opened anew; what was committed is all there."""
        self._connection.close()
        self._connect()
        self._is_broken = False
        log.warning("telemetry store opened anew after a fatal error", folder=str(self._folder))

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """A transaction on the writing connection."""
        self._connection.execute("BEGIN")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def newest(self) -> SequencedReadings:
        """The newest reading of every point, for the start."""
        found = self._connection.execute(f"""
            SELECT point_no, max(ts_ms) AS ts_ms, arg_max(value, (ts_ms, seq)) AS value,
                   arg_max(quality, (ts_ms, seq)) AS quality, arg_max(seq, (ts_ms, seq)) AS seq
            FROM (SELECT {_COLUMNS} FROM newest UNION ALL SELECT {_COLUMNS} FROM recent)
            GROUP BY point_no ORDER BY point_no""").fetchnumpy()  # noqa: S608
        return SequencedReadings(
            found["point_no"].astype(np.int32), found["ts_ms"].astype(np.int64), found["value"].astype(np.float64),
            found["quality"].astype(np.uint8), found["seq"].astype(np.int64),
        )  # fmt: skip

    def series(self, cursor: Any, query: SeriesQuery) -> Series:
        found = self._query(
            cursor,
            f"""
            SELECT ts_ms - ts_ms % $bucket AS bucket,
                   coalesce(avg(value) FILTER ({_VALUED}), 'nan'::DOUBLE) AS avg,
                   coalesce(min(value) FILTER ({_VALUED}), 'nan'::DOUBLE) AS min,
                   coalesce(max(value) FILTER ({_VALUED}), 'nan'::DOUBLE) AS max,
                   count(*) FILTER ({_VALUED}) AS count,
                   count(*) FILTER (NOT {_VALUED}) AS bad
            FROM ($resolved) GROUP BY bucket ORDER BY bucket""",  # noqa: S608
            points=[query.point_no],
            start_ms=query.start_ms,
            end_ms=query.end_ms,
            parameters={"bucket": query.bucket_ms},
        )
        return Series(
            start_ms=snap(query.start_ms, query.bucket_ms),
            bucket_ms=query.bucket_ms,
            ts_ms=found["bucket"].astype(np.int64),
            avg=np.asarray(found["avg"], np.float64),
            min=np.asarray(found["min"], np.float64),
            max=np.asarray(found["max"], np.float64),
            count=found["count"].astype(np.int64),
            bad=found["bad"].astype(np.int64),
        )

    def raw(self, cursor: Any, point_nos: Sequence[int], start_ms: int, end_ms: int, limit: int) -> ReadingBatch:
        found = self._query(
            cursor,
            "SELECT * FROM ($resolved) ORDER BY ts_ms, point_no LIMIT $limit",
            points=point_nos,
            start_ms=start_ms,
            end_ms=end_ms,
            parameters={"limit": limit},
        )
        return ReadingBatch(
            found["point_no"].astype(np.int32), found["ts_ms"].astype(np.int64),
            np.asarray(found["value"], np.float64), found["quality"].astype(np.uint8),
        )  # fmt: skip

    def stats(self, cursor: Any, *, points: int) -> StoreStats:
        (recent,) = cursor.execute("SELECT count(*) FROM recent").fetchone()
        segments, rows = cursor.execute("SELECT count(*), coalesce(sum(rows), 0) FROM segment").fetchone()
        files = [path for path in self._folder.rglob("*") if path.is_file()]
        return StoreStats(
            recent_rows=recent,
            segment_rows=int(rows),
            segments=segments,
            bytes=sum(path.stat().st_size for path in files),
            points=points,
        )

    def segment_path(self, file: str) -> str:
        return str(self.segments_folder / file)

    def remove_unlisted_segments(self) -> None:
        """Deletes files that no picture of the store names any more (or never did: a compaction that was killed)."""
        listed = {file for (file,) in self.cursor().execute("SELECT file FROM segment").fetchall()}
        for path in self.segments_folder.iterdir():
            if path.name not in listed:
                path.unlink()

    def _query(
        self, cursor: Any, sql: str, *, points: Sequence[int], start_ms: int, end_ms: int, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        # One transaction: the list of segments and the recent rows are of the same moment, so that a compaction that
        # ends in between neither hides nor doubles a reading.
        cursor.execute("BEGIN")
        try:
            days = cursor.execute(
                "SELECT file FROM segment WHERE day >= ? AND day < ? ORDER BY day",
                [start_ms // DAY_MS, -(-end_ms // DAY_MS)],
            ).fetchall()
            resolved = self._resolved([file for (file,) in days], points)
            answer: dict[str, Any] = cursor.execute(
                sql.replace("$resolved", resolved), {"start": start_ms, "end": end_ms, **parameters}
            ).fetchnumpy()
        finally:
            cursor.execute("ROLLBACK")
        return answer

    def _resolved(self, files: Sequence[str], points: Sequence[int]) -> str:
        """SQL of the readings in `$start`…`$end`, each once: the one with the highest sequence."""
        wanted = f"point_no IN ({', '.join(str(int(point)) for point in points)}) AND ts_ms >= $start AND ts_ms < $end"
        sources = [f"SELECT {_COLUMNS} FROM recent WHERE {wanted}"]  # noqa: S608
        if files:
            paths = ", ".join(f"'{quoted(self.segment_path(file))}'" for file in files)
            sources.append(f"SELECT {_COLUMNS} FROM read_parquet([{paths}]) WHERE {wanted}")  # noqa: S608
        return f"""SELECT point_no, ts_ms, arg_max(value, seq) AS value, arg_max(quality, seq) AS quality
            FROM ({" UNION ALL ".join(sources)}) GROUP BY point_no, ts_ms"""  # noqa: S608


def quoted(path: str) -> str:
    return path.replace("'", "''")


def sync_to_disk(path: Path) -> None:
    """Makes a finished file and its name survive a power cut."""
    for target in (path, path.parent):
        descriptor = os.open(target, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
