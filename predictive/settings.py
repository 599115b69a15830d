"""Settings of models in the line."""

from pathlib import Path

from pydantic import Field

from kit.settings import Settings, settings_config


class PredictiveSettings(Settings):
    """HUB_PREDICTIVE_…; the same in every process of an installation."""

    model_config = settings_config("HUB_PREDICTIVE_")

    enabled: bool = Field(
        True, description="whether `hub serve` runs the models over readings as they come, in a process of its own"
    )
    start_after_s: float = Field(
        30.0, ge=0, le=3600, description="seconds after its start when `hub serve` starts that process"
    )
    look_every_s: float = Field(
        2.0, ge=0.2, le=60, description="seconds between two looks at the bus for readings to judge by models"
    )
    lateness_s: float = Field(
        30.0, ge=1, le=600, description="how late a reading may arrive and still count for its row of a model"
    )
    modes_file: Path | None = Field(
        None,
        description="modes of failure and services of your own, in the form of predictive/remaining_life/modes.toml",
    )
