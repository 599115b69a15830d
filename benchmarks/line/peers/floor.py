"""The floor: sixty lines of Python that do the same with paho and SQLite, acknowledging after each commit."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing.context import SpawnProcess

from benchmarks.broker import HUB
from benchmarks.line.peers.floor_process import run
from benchmarks.line.peers.rows import Layout, SqliteRows
from benchmarks.line.subject import Place, Running, Subject


@dataclass(frozen=True)
class RunningFloor(SqliteRows):
    process: SpawnProcess

    @property
    def pids(self) -> list[int]:
        assert self.process.pid is not None
        return [self.process.pid]


def subject() -> Subject:
    return Subject("python-floor", lambda: f"paho-mqtt {version('paho-mqtt')}, SQLite", running_floor)


@contextmanager
def running_floor(place: Place) -> Iterator[Running]:
    database = place.folder / "readings.db"
    process = multiprocessing.get_context("spawn").Process(
        target=run, args=(place.broker.login(HUB, client_id="bench-floor"), database), name="floor", daemon=True
    )
    process.start()
    try:
        yield RunningFloor(database, place.fleet, Layout.NARROW, process)
    finally:
        process.terminate()
        process.join()
