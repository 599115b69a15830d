"""The engine that the settings name."""

from pathlib import Path
from typing import Protocol, Self, assert_never

from kit.clock import Clock
from telemetry.duckdb_file import DuckDbLimits
from telemetry.duckdb_store import DuckDbStore
from telemetry.engine_url import ClickHouseUrl, DuckDbUrl, InfluxUrl
from telemetry.settings import TelemetrySettings
from telemetry.store import TelemetryStore


class Engine(TelemetryStore, Protocol):
    """A store that `async with` opens and closes."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...


class ServerEngine(Engine, Protocol):
    """A store that is a server of yours. It opens whether or not the server answers."""

    async def check(self) -> str:
        """Says what answers. Raises StoreUnreachable or StoreRefused with what to do."""
        ...


def open_engine(settings: TelemetrySettings, *, folder: Path, clock: Clock) -> Engine:
    """Not open yet. `folder` is for the embedded engine, which one process may have open at a time."""
    if settings.is_server:
        return open_server(settings, clock=clock)
    limits = DuckDbLimits(
        memory_mb=settings.memory_mb, threads=settings.threads, query_deadline_s=settings.query_deadline_s
    )
    return DuckDbStore(settings.folder or folder, clock=clock, limits=limits)


def open_server(settings: TelemetrySettings, *, clock: Clock) -> ServerEngine:
    """The server engine that HUB_TELEMETRY_URL names, not open yet. Its client is imported only now."""
    match settings.engine:
        case DuckDbUrl():
            raise AssertionError("asked for a server where none is named")
        case InfluxUrl() as url:
            from telemetry.influx_store import InfluxLimits, InfluxStore

            return InfluxStore(url, clock=clock, limits=InfluxLimits(query_deadline_s=settings.query_deadline_s))
        case ClickHouseUrl() as url:
            from telemetry.clickhouse_store import ClickHouseLimits, ClickHouseStore

            return ClickHouseStore(url, limits=ClickHouseLimits(query_deadline_s=settings.query_deadline_s))
        case other:
            assert_never(other)
