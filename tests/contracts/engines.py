"""Every engine of `TelemetryStore`, on real servers that start when first asked for."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from kit.clock import FakeClock
from telemetry.duckdb_store import DuckDbStore
from telemetry.engine_url import InfluxUrl, parse_engine_url
from telemetry.influx_store import InfluxLimits, InfluxStore
from telemetry.store import TelemetryStore
from tests.telemetry.influx_server import InfluxServer

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)

DUCKDB = "duckdb"
INFLUXDB = "influxdb"
# The same engine when every series is a long one, and pages are short.
INFLUXDB_ROLLED_UP_THERE = "influxdb, rolled up by the server"

ENGINES = (DUCKDB, INFLUXDB, INFLUXDB_ROLLED_UP_THERE)


@dataclass
class Engines:
    """`home` is where the servers keep their data. Close it to stop them."""

    home: Path
    stack: ExitStack = field(default_factory=ExitStack)

    @asynccontextmanager
    async def open(self, name: str, folder: Path) -> AsyncIterator[TelemetryStore]:
        """A store that nobody else has, and that is the same again for the same folder."""
        store = self._store(name, folder)
        async with store:
            yield store

    def _store(self, name: str, folder: Path) -> DuckDbStore | InfluxStore:
        database = f"t{hashlib.sha1(str(folder).encode()).hexdigest()}"
        clock = FakeClock(NOW)
        match name:
            case "duckdb":
                return DuckDbStore(folder, clock=clock)
            case "influxdb":
                return InfluxStore(self._influx_url(database), clock=clock)
            case "influxdb, rolled up by the server":
                limits = InfluxLimits(rows_a_page=7, rolled_up_here=0)
                return InfluxStore(self._influx_url(database), clock=clock, limits=limits)
        raise AssertionError(name)

    def _influx_url(self, database: str) -> InfluxUrl:
        url = parse_engine_url(self.influxdb.url(database))
        assert isinstance(url, InfluxUrl)
        return url

    @cached_property
    def influxdb(self) -> InfluxServer:
        server = InfluxServer(self.home / "influxdb")
        server.home.mkdir()
        server.start()
        self.stack.callback(server.stop)
        return server
