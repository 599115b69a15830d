"""Settings of what meters are forecast to count."""

from datetime import time

from pydantic import Field

from kit.settings import Settings, settings_config


class ConsumptionSettings(Settings):
    """HUB_CONSUMPTION_…; the same in every process of an installation."""

    model_config = settings_config("HUB_CONSUMPTION_")

    enabled: bool = Field(True, description="whether meters are forecast and looked at every morning")
    at: time = Field(time(6, 20), description="when, local time of the site: the night is over by then")
    history_days: int = Field(98, ge=28, le=200, description="days of readings that a forecast is made from")
