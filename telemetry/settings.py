"""Settings of the telemetry room."""

from pathlib import Path

from pydantic import Field

from kit.settings import Settings, settings_config


class TelemetrySettings(Settings):
    """Where readings are kept, for how long, and what the store may take of the machine."""

    model_config = settings_config("HUB_TELEMETRY_")

    folder: Path | None = Field(None, description="folder of the DuckDB store; by default `telemetry` in HUB_VAR")
    retention_days: int = Field(
        1095, ge=1, le=36_500, description="readings older than this are forgotten, by whole days"
    )
    memory_mb: int = Field(512, ge=128, description="memory DuckDB may use")
    threads: int = Field(2, ge=1, le=64, description="threads DuckDB may use")
    query_deadline_s: float = Field(20.0, gt=0, description="a query that takes longer is stopped")
    upkeep_interval_s: float = Field(
        3600.0, ge=1, description="how often closed days are compacted and old ones dropped"
    )
