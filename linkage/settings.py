"""Settings of linkage."""

from pydantic import Field

from kit.settings import Settings, settings_config


class LinkageSettings(Settings):
    """HUB_LINKAGE_…; the same in every process of an installation."""

    model_config = settings_config("HUB_LINKAGE_")

    enabled: bool = Field(
        False, description="whether the hub may switch equipment at all; off, its adapters have no way to write"
    )
    confirm_within_s: float = Field(
        300.0, ge=10, le=3600, description="seconds for two persons to confirm an action that needs it; then it lapses"
    )
    start_within_s: float = Field(
        60.0, ge=5, le=600, description="seconds in which an action must be begun; later it is not done any more"
    )
    most_an_hour: int = Field(6, ge=1, le=60, description="how often one point may be switched within an hour")
