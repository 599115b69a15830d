"""Settings of people's room."""

from pydantic import Field

from kit.settings import Settings, settings_config


class LoginSettings(Settings):
    """How long logins last and how many wrong passwords are borne."""

    model_config = settings_config("HUB_LOGIN_")

    token_hours: float = Field(12.0, gt=0, description="Hours a login lasts.")
    stream_token_s: float = Field(60.0, gt=0, description="Seconds within which a stream must be opened.")
    failures: int = Field(5, ge=1, description="Wrong passwords for one name from one address, then a pause.")
    failures_anywhere: int = Field(50, ge=1, description="Wrong passwords for one name from anywhere, then a pause.")
    failure_window_minutes: float = Field(15.0, gt=0, description="Minutes until wrong passwords are forgotten.")
