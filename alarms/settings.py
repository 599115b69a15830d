"""Settings of alarms."""

from pydantic import Field, NonNegativeInt, PositiveInt

from building.severity import Severity
from kit.settings import Settings, settings_config


class AlarmSettings(Settings):
    """HUB_ALARMS_…; a severity that is not named asks once only."""

    model_config = settings_config("HUB_ALARMS_")

    remind_min: dict[Severity, PositiveInt] = Field(
        {Severity.CRITICAL: 5, Severity.MAJOR: 15, Severity.MINOR: 60},
        description="after how many minutes an alarm that nobody acknowledged asks again, by severity, as JSON",
    )
    remind_times: NonNegativeInt = Field(
        3, description="how often it asks again; life safety does until somebody answers"
    )
    realarm_min: dict[Severity, PositiveInt] = Field(
        {Severity.CRITICAL: 240, Severity.MAJOR: 480},
        description="after how many minutes an acknowledged alarm that lasts is raised again, by severity, as JSON",
    )
