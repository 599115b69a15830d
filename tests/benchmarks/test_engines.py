"""Engines side by side: a column each, the aims on the embedded one, a note where an engine was not at hand."""

from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.part import Context
from benchmarks.telemetry import engines
from benchmarks.telemetry.engines import EnginesPart

MEASURED = {
    "append_per_s": 90_000.0, "bytes_per_reading": 2.5, "series": {"p50_ms": 3.0, "p99_ms": 60.0},
    "latest": {"p50_ms": 0.4, "p99_ms": 0.9},
}  # fmt: skip


def test_each_engine_has_its_column_and_the_embedded_one_the_aims() -> None:
    unavailable = {"unavailable": "no server"}
    found = EnginesPart().figures({"engines": {"DuckDB": MEASURED, "InfluxDB": MEASURED, "ClickHouse": unavailable}})
    by_name = {figure.name: figure for figure in found}
    assert {figure.column for figure in found} == {"DuckDB", "InfluxDB", "ClickHouse"}
    assert (by_name["duckdb.series_p99"].is_met, by_name["duckdb.latest_p50"].is_met) == (False, True)
    assert by_name["influxdb.series_p99"].aim is None
    assert (by_name["clickhouse.bytes"].value, by_name["clickhouse.bytes"].note) == (None, "no server")


def test_an_engine_is_filled_and_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "POINTS", 10)
    monkeypatch.delenv(engines.CLICKHOUSE_URL, raising=False)
    part = EnginesPart(days=1, questions=2)
    details = part.measure(Context(tmp_path, False, Console(quiet=True)))
    assert details["engines"]["ClickHouse"] == {"unavailable": "no server: name one in HUB_TEST_CLICKHOUSE_URL, as "
                                                "HUB_TELEMETRY_URL would"}  # fmt: skip
    assert details["engines"]["DuckDB"]["readings"] == 14_400
    assert all(figure.value is not None for figure in part.figures(details) if figure.column == "DuckDB")
