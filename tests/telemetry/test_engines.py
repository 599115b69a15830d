"""HUB_TELEMETRY_URL decides which engine is opened."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from kit.clock import SystemClock
from telemetry.clickhouse_store import ClickHouseStore
from telemetry.duckdb_store import DuckDbStore
from telemetry.engines import Engine, open_engine
from telemetry.influx_store import InfluxStore
from telemetry.settings import TelemetrySettings


def engine_of(url: str, *, folder: Path) -> Engine:
    return open_engine(TelemetrySettings(url=SecretStr(url)), folder=folder, clock=SystemClock())


@pytest.mark.parametrize(
    ("url", "engine"),
    [
        ("", DuckDbStore),
        ("duckdb:", DuckDbStore),
        ("influxdb://127.0.0.1/hub", InfluxStore),
        ("influxdb://:token@127.0.0.1/hub?version=3", InfluxStore),
        ("clickhouse://127.0.0.1/hub", ClickHouseStore),
    ],
)
def test_the_url_decides(url: str, engine: type, tmp_path: Path) -> None:
    assert type(engine_of(url, folder=tmp_path)) is engine


async def test_the_embedded_engine_keeps_to_the_folder_it_is_given(tmp_path: Path) -> None:
    async with engine_of("", folder=tmp_path / "telemetry") as store:
        assert await store.compact() == 0
    assert [path.name for path in tmp_path.iterdir()] == ["telemetry"]


async def test_a_server_that_is_away_keeps_nobody_from_starting(tmp_path: Path) -> None:
    for url in ("influxdb://127.0.0.1:1/hub", "clickhouse://127.0.0.1:1/hub"):
        async with engine_of(url, folder=tmp_path):
            pass
    assert list(tmp_path.iterdir()) == []
