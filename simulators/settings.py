"""Settings of the simulators: `HUB_SIM_…`, and the hub's own `HUB_WECHAT_…` for the fake platform."""

from pathlib import Path

from kit.settings import Settings, settings_config

ROOMS_WITH_TEXTS = ("kit", "simulators")

DECLARED_MODBUS_PORT = 15020
"""The lowest port the demo site declares. HUB_SIM_MODBUS_PORT moves all of them by the same distance."""


class SimulatorSettings(Settings):
    model_config = settings_config("HUB_SIM_")

    site_file: Path = Path("hub/demo/site.toml")
    profiles: Path = Path("device_adapters/profiles")
    host: str = "127.0.0.1"
    mqtt_host: str = "127.0.0.1"
    mqtt_port: int = 1883
    mqtt_credentials: Path | None = None
    mqtt_ca_file: Path | None = None
    modbus_port: int = DECLARED_MODBUS_PORT
    http_port: int = 8090
    platform_port: int = 8091
    hub_url: str = "http://127.0.0.1:8000"
    seed: int = 20260401
    speed: float = 1.0
    first_report_s: float = 45.0
    """Battery devices report once within this time after the start, so that nobody waits an hour for a picture."""
    parent_pid: int | None = None
    """Ends when this process does."""


class WeChatSettings(Settings):
    """The Official Account the fake platform plays. What is empty is not checked (a bench without secrets)."""

    model_config = settings_config("HUB_WECHAT_")

    token: str = ""
    app_id: str = ""
    app_secret: str = ""
    aes_key: str = ""
