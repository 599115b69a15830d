"""Settings come from the environment (`HUB_…`) and from an optional `hub.env` file; read once, in bootstrap."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_FILE = Path("hub.env")


def settings_config(prefix: str) -> SettingsConfigDict:
    """For a room's settings class: `class MqttSettings(Settings): model_config = settings_config("HUB_MQTT_")`."""
    return SettingsConfigDict(env_prefix=prefix, env_file=ENV_FILE, env_file_encoding="utf-8", extra="ignore")


class Settings(BaseSettings):
    """Base of every room's settings. Secrets have no default."""

    model_config = settings_config("HUB_")
