"""The DuckDB engine's file: its tables, the list of its segments and appends. Synchronous; threads are its owner's.

Layout of the folder: `recent.duckdb` (tables `fresh_<n>`: what no segment has yet; one of them takes the appends),
`segments/<day>-<id>.parquet` (sorted by point and time, each reading once; several a UTC day until it is compacted),
`hours/<id>.parquet` (closed days rolled up), `spill/`. Which files count is said by the tables `listed_segment` and
`rolled` alone, so that a crash at any moment leaves either the old picture or the new one.

What is on disk when: DuckDB writes a commit to its write-ahead log and calls fsync before `append` returns, and it
syncs the database file before it shortens that log; segments and hours are synced, with their folder, before a commit
lists them. So a power cut loses nothing that was acknowledged, as long as the disk keeps what it said it had.
"""

import contextlib
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from kit.logs import logger
from telemetry.columns import SequencedReadings
from telemetry.errors import StoreInUse, UnstorableBatch
from telemetry.segment import READINGS, ROW_GROUP_ROWS, arrow_table, columns_of
from telemetry.store import StoreStats

log = logger(__name__)

COLUMNS = "point_no, ts_ms, value, quality, seq"
_FRESH_COLUMNS = """
    point_no INTEGER NOT NULL, ts_ms BIGINT NOT NULL, value DOUBLE NOT NULL, quality UTINYINT NOT NULL,
    seq BIGINT NOT NULL  -- of the bus; the highest wins
"""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS fresh (number BIGINT NOT NULL);  -- the tables fresh_<number>; the highest takes appends
CREATE TABLE IF NOT EXISTS listed_segment (file VARCHAR NOT NULL, day BIGINT NOT NULL, rows BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS rolled (  -- days whose hours are stored; good while `segment_file` is all the day has
    day BIGINT NOT NULL, segment_file VARCHAR NOT NULL, file VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS newest (
    point_no INTEGER PRIMARY KEY, ts_ms BIGINT NOT NULL, value DOUBLE NOT NULL, quality UTINYINT NOT NULL,
    seq BIGINT NOT NULL
);
"""


@dataclass(frozen=True, kw_only=True)
class DuckDbLimits:
    """What the engine may take of the machine. `fresh_rows`: more of them than this become segments at once, because
    only what is sorted is quickly asked. `slice_rows`: what compaction holds in memory at a time, some times over;
    whole row groups, so that the last of a slice is nearly full. `flush_slice_rows`: the same while fresh rows become
    segments, which happens under load and every few minutes, into files that are merged soon."""

    memory_mb: int = 128
    threads: int = 2
    readers: int = 2
    query_deadline_s: float = 20.0
    slice_rows: int = 4 * ROW_GROUP_ROWS
    flush_slice_rows: int = 2 * ROW_GROUP_ROWS
    fresh_rows: int = 6_000_000


class DuckDbFile:
    """One process has it open at a time."""

    def __init__(self, folder: Path, limits: DuckDbLimits) -> None:
        self.segments_folder = folder / "segments"
        self.hours_folder = folder / "hours"
        self.folder = folder
        self._limits = limits
        self._connection: Any = None
        self._current = 0
        self._fresh_rows = 0
        self._is_broken = False
        self._cursors: weakref.WeakSet[Any] = weakref.WeakSet()
        # Held while the database is opened anew: a cursor is of the one before, and closed, or of the new one.
        self._cursors_lock = threading.Lock()
        self._readers = _Readers()

    def open(self) -> None:
        """Raises StoreInUse when another process has the file."""
        self._connect()
        self._adopt_older_layout()
        (last,) = self._connection.execute("SELECT max(number) FROM fresh").fetchone()
        if last is None:
            self.rotate()
        else:
            self._current = last
            (self._fresh_rows,) = self._connection.execute(f"SELECT count(*) FROM {fresh_table(last)}").fetchone()  # noqa: S608
        self.remove_unlisted_files()

    def _connect(self) -> None:
        for folder in (self.segments_folder, self.hours_folder):
            folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "recent.duckdb"
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{self._limits.memory_mb}MB",
            "threads": self._limits.threads,
            "temp_directory": str(self.folder / "spill"),
            "preserve_insertion_order": "false",
            # Else what a query or a burst once needed is given back at the next one only: 20 to 30 MB.
            "allocator_background_threads": "true",
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
        with self._cursors_lock:
            cursor = self._connection.cursor()
            self._cursors.add(cursor)
        return cursor

    # --- appends ------------------------------------------------------------------------------------------------------

    @property
    def fresh_rows(self) -> int:
        """Rows in the table that takes the appends."""
        return self._fresh_rows

    def append(self, readings: SequencedReadings) -> None:
        """Commits, which reaches the disk. Raises UnstorableBatch for data the table refuses."""
        with self._alive() as connection:
            connection.register("arriving", arrow_table(columns_of(readings), READINGS))
            try:
                connection.execute(f"INSERT INTO {fresh_table(self._current)} SELECT {COLUMNS} FROM arriving")  # noqa: S608
            except (duckdb.DataError, duckdb.IntegrityError) as error:
                raise UnstorableBatch(str(error)) from error
            finally:
                connection.unregister("arriving")
        self._fresh_rows += len(readings)

    def rotate(self) -> int:
        """Appends go to a new table from now on; the number of the one before, which changes no more."""
        settled, number = self._current, self._current + 1
        with self.writing() as connection:
            connection.execute(f"CREATE TABLE {fresh_table(number)} ({_FRESH_COLUMNS})")
            connection.execute("INSERT INTO fresh VALUES (?)", [number])
        self._current = number
        self._fresh_rows = 0
        return settled

    @contextmanager
    def _alive(self) -> Iterator[Any]:
        """The writing connection, opened anew where a fatal error has ended the one before."""
        if self._is_broken:
            self._restart()
        try:
            yield self._connection
        except duckdb.FatalException:
            self._is_broken = True
            raise

    def _restart(self) -> None:
        """After a fatal error (a disk that was full or failed while DuckDB committed or tidied up) its database answers
        nothing until it is opened anew; what was committed is all there."""
        with self._cursors_lock:
            self._close_all()
            self._connect()
        self._is_broken = False
        log.warning("telemetry store opened anew after a fatal error", folder=str(self.folder))

    def _close_all(self) -> None:
        """Anybody who still had the database open would be given the dead one again, and so would we."""
        for cursor in list(self._cursors):
            with contextlib.suppress(duckdb.Error):
                cursor.interrupt()
                cursor.close()
        self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """A transaction on the writing connection."""
        with self._alive() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def newest(self) -> SequencedReadings:
        """The newest reading of every point, for the start."""
        numbers = fresh_numbers(self._connection)
        sources = " UNION ALL ".join(f"SELECT {COLUMNS} FROM {name}" for name in ("newest", *map(fresh_table, numbers)))  # noqa: S608
        found = self._connection.execute(f"""
            SELECT point_no, max(ts_ms) AS ts_ms, arg_max(value, (ts_ms, seq)) AS value,
                   arg_max(quality, (ts_ms, seq)) AS quality, arg_max(seq, (ts_ms, seq)) AS seq
            FROM ({sources}) GROUP BY point_no ORDER BY point_no""").fetchnumpy()  # noqa: S608
        return sequenced(found)

    # --- the picture --------------------------------------------------------------------------------------------------

    def stats(self, cursor: Any, *, points: int) -> StoreStats:
        numbers = fresh_numbers(cursor)
        recent = sum(cursor.execute(f"SELECT count(*) FROM {fresh_table(n)}").fetchone()[0] for n in numbers)  # noqa: S608
        segments, rows = cursor.execute("SELECT count(*), coalesce(sum(rows), 0) FROM listed_segment").fetchone()
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return StoreStats(
            recent_rows=recent,
            segment_rows=int(rows),
            segments=segments,
            bytes=sum(path.stat().st_size for path in files),
            points=points,
        )

    def segment_path(self, file: str) -> str:
        return str(self.segments_folder / file)

    def hours_path(self, file: str) -> str:
        return str(self.hours_folder / file)

    @contextmanager
    def reading(self, cursor: Any) -> Iterator[None]:
        """One moment's picture: lists and rows agree, so that a compaction that ends meanwhile neither hides nor
        doubles a reading, and the files listed stay until the block ends."""
        with self._readers.one():
            cursor.execute("BEGIN")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")

    def remove_unlisted_files(self) -> None:
        """Deletes files that no picture of the store names any more (or never did: a compaction that was killed), as
        soon as nobody reads who may have seen the picture that did."""
        cursor = self.cursor()
        segments = {file for (file,) in cursor.execute("SELECT file FROM listed_segment").fetchall()}
        hours = {file for (file,) in cursor.execute("SELECT file FROM rolled").fetchall()}
        unlisted = [path for path in self.segments_folder.iterdir() if path.name not in segments]
        unlisted += [path for path in self.hours_folder.iterdir() if path.name not in hours]
        for path in self._readers.unread(unlisted):
            path.unlink()

    def _adopt_older_layout(self) -> None:
        """One table `recent` and one segment a day: how the first releases kept the same readings."""
        tables = {name for (name,) in self._connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        if "recent" not in tables:
            return
        with self.writing() as connection:
            connection.execute(f"CREATE TABLE {fresh_table(1)} ({_FRESH_COLUMNS})")
            connection.execute(f"INSERT INTO {fresh_table(1)} SELECT {COLUMNS} FROM recent")  # noqa: S608
            connection.execute("INSERT INTO fresh VALUES (1)")
            connection.execute("DROP TABLE recent")
            connection.execute("INSERT INTO listed_segment SELECT file, day, rows FROM segment")
            connection.execute("DROP TABLE segment")
        log.info("telemetry store brought to today's layout", folder=str(self.folder))


class _Readers:
    """Who reads, and since when: what nobody may still look at can be deleted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._moment = 0
        self._begun: set[int] = set()
        self._unlisted_since: dict[Path, int] = {}

    @contextmanager
    def one(self) -> Iterator[None]:
        with self._lock:
            self._moment += 1
            begun = self._moment
            self._begun.add(begun)
        try:
            yield
        finally:
            with self._lock:
                self._begun.discard(begun)

    def unread(self, unlisted: Sequence[Path]) -> list[Path]:
        """Those of the files whose every possible reader has ended. All files that are unlisted now must be named."""
        with self._lock:
            self._unlisted_since = {path: self._unlisted_since.get(path, self._moment) for path in unlisted}
            eldest = min(self._begun, default=self._moment + 1)
            return [path for path, since in self._unlisted_since.items() if since < eldest]


def fresh_table(number: int) -> str:
    return f"fresh_{number}"


def fresh_numbers(cursor: Any) -> list[int]:
    """The tables that hold what no segment has yet, oldest first."""
    return [number for (number,) in cursor.execute("SELECT number FROM fresh ORDER BY number").fetchall()]


def sequenced(found: dict[str, Any]) -> SequencedReadings:
    """Columns as DuckDB gives them."""
    return SequencedReadings(
        found["point_no"].astype(np.int32, copy=False), found["ts_ms"].astype(np.int64, copy=False),
        np.asarray(found["value"], np.float64), found["quality"].astype(np.uint8, copy=False),
        found["seq"].astype(np.int64, copy=False),
    )  # fmt: skip


def quoted(path: str) -> str:
    return path.replace("'", "''")
