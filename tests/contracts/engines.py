"""Every engine of `TelemetryStore`, on real servers that start when first asked for."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import httpx

from kit.clock import FakeClock
from telemetry.clickhouse_connection import ClickHouseConnection
from telemetry.clickhouse_schema import on_cluster, quoted
from telemetry.clickhouse_store import ClickHouseStore
from telemetry.duckdb_store import DuckDbStore
from telemetry.engine_url import ClickHouseUrl, InfluxUrl, parse_engine_url
from telemetry.engines import Engine
from telemetry.influx_store import InfluxLimits, InfluxStore
from telemetry.store import TelemetryStore
from tests.telemetry.chdb_server import ChdbServer
from tests.telemetry.influx_server import HOST, InfluxServer
from tests.telemetry.path_shim import v2_writes_to

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)

DUCKDB = "duckdb"
INFLUXDB = "influxdb"
# The same engine when every series is a long one, and pages are short.
INFLUXDB_ROLLED_UP_THERE = "influxdb, rolled up by the server"
# The client of InfluxDB 2 and 3 writes and deletes; a shim hands that to the same server.
INFLUXDB_BY_V2 = "influxdb, by the v2 client"
CHDB = "clickhouse, as chdb"
# A server or cluster of yours, as HUB_TELEMETRY_URL; the suite makes databases of its own there and drops them.
CLICKHOUSE = "clickhouse"
CLICKHOUSE_URL = os.environ.get("HUB_TEST_CLICKHOUSE_URL", "")

# Any number of processes may share these.
SERVERS = (INFLUXDB, INFLUXDB_ROLLED_UP_THERE, INFLUXDB_BY_V2, CHDB, *((CLICKHOUSE,) if CLICKHOUSE_URL else ()))
ENGINES = (DUCKDB, *SERVERS)


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

    def _store(self, name: str, folder: Path) -> Engine:
        database = f"t{hashlib.sha1(str(folder).encode()).hexdigest()}"
        clock = FakeClock(NOW)
        match name:
            case "duckdb":
                return DuckDbStore(folder, clock=clock)
            case "influxdb":
                return InfluxStore(self._influx_url(database), clock=clock)
            case "influxdb, rolled up by the server":
                limits = InfluxLimits(rows_a_page=97, rolled_up_here=0)
                return InfluxStore(self._influx_url(database), clock=clock, limits=limits)
            case "influxdb, by the v2 client":
                return InfluxStore(self._bucket_url(database), clock=clock)
            case "clickhouse, as chdb":
                return ClickHouseStore(_clickhouse(self.chdb.url(database)))
            case "clickhouse":
                url = replace(_clickhouse(CLICKHOUSE_URL), database=database)
                self.stack.callback(_drop, url)
                return ClickHouseStore(url)
        raise AssertionError(name)

    def _influx_url(self, database: str) -> InfluxUrl:
        url = parse_engine_url(self.influxdb.url(database))
        assert isinstance(url, InfluxUrl)
        return url

    def _bucket_url(self, bucket: str) -> InfluxUrl:
        """Of a bucket that is there: v2 makes none by itself."""
        said = {"q": f"CREATE DATABASE {bucket}"}
        httpx.post(f"http://{HOST}:{self.influxdb.port}/query", data=said, trust_env=False).raise_for_status()
        url = parse_engine_url(f"influxdb://:token@{HOST}:{self.v2_port}/{bucket}?version=2&org=acme")
        assert isinstance(url, InfluxUrl)
        return url

    @cached_property
    def v2_port(self) -> int:
        return self.stack.enter_context(v2_writes_to(f"http://{HOST}:{self.influxdb.port}"))

    @cached_property
    def influxdb(self) -> InfluxServer:
        server = InfluxServer(self.home / "influxdb")
        server.home.mkdir()
        server.start()
        self.stack.callback(server.stop)
        return server

    @cached_property
    def chdb(self) -> ChdbServer:
        server = ChdbServer(self.home / "chdb")
        server.home.mkdir()
        server.start()
        self.stack.callback(server.stop)
        return server


def _clickhouse(text: str) -> ClickHouseUrl:
    url = parse_engine_url(text)
    assert isinstance(url, ClickHouseUrl)
    return url


def _drop(url: ClickHouseUrl) -> None:
    async def drop() -> None:
        server = ClickHouseConnection(url, query_deadline_s=20.0)
        await server.command(f"DROP DATABASE IF EXISTS {quoted(url.database)}{on_cluster(url)} SYNC")
        await server.close()

    asyncio.run(drop())
