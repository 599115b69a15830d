"""Readings that a peer keeps in SQLite, read from outside while the peer runs."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt

from benchmarks.line.subject import StoredReadings
from benchmarks.line.workload import POINTS, Fleet


class Layout(StrEnum):
    """How a message of four readings is kept."""

    NARROW = "narrow"
    """A row a reading, for any point of any device, as the hub keeps them."""
    WIDE = "wide"
    """A row a message with a column for each of the four points: less work, for devices that are all alike."""

    @property
    def table(self) -> str:
        match self:
            case Layout.NARROW:
                return "CREATE TABLE IF NOT EXISTS readings (device TEXT, point TEXT, ts INTEGER, value REAL)"
            case Layout.WIDE:
                columns = ", ".join(f"{key} REAL" for key in POINTS)
                return f"CREATE TABLE IF NOT EXISTS readings (device TEXT, ts INTEGER, {columns})"
            case _:
                assert_never(self)


@dataclass(frozen=True)
class SqliteRows:
    """The part of `Running` that asks what is stored."""

    database: Path
    fleet: Fleet
    layout: Layout

    def newest_ms(self) -> npt.NDArray[np.int64]:
        newest = np.zeros(self.fleet.devices, np.int64)
        # Of the last rows only: the newest of every device is among them when all is stored.
        rows = self._rows(
            "SELECT device, max(ts) FROM (SELECT device, ts FROM readings ORDER BY rowid DESC LIMIT ?) GROUP BY device",
            (2 * len(POINTS) * self.fleet.devices,),
        )
        for device, ts_ms in rows:
            newest[_number(device)] = ts_ms
        return newest

    def stored(self, *, start_ms: int, end_ms: int) -> StoredReadings:
        rows = self._rows("SELECT * FROM readings WHERE ts >= ? AND ts < ?", (start_ms, end_ms))
        match self.layout:
            case Layout.NARROW:
                return _narrow(rows)
            case Layout.WIDE:
                return _wide(rows)
            case _:
                assert_never(self.layout)

    def _rows(self, statement: str, arguments: tuple[int, ...]) -> list[tuple[Any, ...]]:
        if not self.database.exists():
            return []
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as connection:
            try:
                return connection.execute(statement, arguments).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return []  # the peer has not made it yet
                raise


def _narrow(rows: list[tuple[Any, ...]]) -> StoredReadings:
    points = {key: number for number, key in enumerate(POINTS)}
    return StoredReadings(
        np.array([_number(row[0]) for row in rows], np.int64),
        np.array([points[row[1]] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.int64),
        np.array([row[3] for row in rows], np.float64),
    )


def _wide(rows: list[tuple[Any, ...]]) -> StoredReadings:
    devices = np.array([_number(row[0]) for row in rows], np.int64)
    ts_ms = np.array([row[1] for row in rows], np.int64)
    values = np.array([row[2:] for row in rows], np.float64).reshape(len(rows), len(POINTS))
    points = np.tile(np.arange(len(POINTS), dtype=np.int64), len(rows))
    return StoredReadings(np.repeat(devices, len(POINTS)), points, np.repeat(ts_ms, len(POINTS)), values.ravel())


def _number(device: str) -> int:
    return int(device.rpartition("-")[2])
