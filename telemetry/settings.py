"""Settings of the telemetry room."""

from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from kit.settings import Settings, settings_config
from telemetry.engine_url import DuckDbUrl, EngineUrl, parse_engine_url


class TelemetrySettings(Settings):
    """Where readings are kept, for how long, and what the store may take of the machine."""

    model_config = settings_config("HUB_TELEMETRY_")

    url: SecretStr = Field(
        SecretStr(""),
        description="server that keeps the readings, as influxdb://user:password@host:8086/database or "
        "clickhouse://user:password@host:8123/database (docs/telemetry-engines.md); empty: our own DuckDB",
    )
    folder: Path | None = Field(None, description="folder of the DuckDB store; by default `telemetry` in HUB_VAR")
    retention_days: int = Field(
        1095, ge=1, le=36_500, description="readings older than this are forgotten, by whole days"
    )
    memory_mb: int = Field(128, ge=64, description="memory DuckDB may use for queries and compaction, in MB")
    threads: int = Field(2, ge=1, le=64, description="threads DuckDB may use")
    query_deadline_s: float = Field(20.0, gt=0, description="a query that takes longer is stopped")
    upkeep_interval_s: float = Field(
        3600.0, ge=1, description="how often closed days are compacted and old ones dropped"
    )

    @field_validator("url")
    @classmethod
    def _is_an_engine(cls, value: SecretStr) -> SecretStr:
        parse_engine_url(value.get_secret_value())
        return value

    @property
    def engine(self) -> EngineUrl:
        """Which engine keeps the readings, and where."""
        return parse_engine_url(self.url.get_secret_value())

    @property
    def is_server(self) -> bool:
        """A server keeps the readings: any number of processes may write to it and ask it."""
        return not isinstance(self.engine, DuckDbUrl)
